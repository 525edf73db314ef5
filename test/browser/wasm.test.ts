import * as assert from 'uvu/assert';
import * as quern from '../../src/browser.js';
import { Browser, findChromium, noChromium, type RunOptions } from '../support/browser/browser.js';
import { type ParityCase, type ParityResult, trainForParity } from '../support/parity.js';
import { suite } from '../support/suite.js';

const parity = import.meta.resolve('../support/parity.js');
const sharing = import.meta.resolve('./sharing.js');

/** What this process computes on one thread. */
const computed = new Map<string, Promise<ParityResult>>();
function expected(model: ParityCase['model'], simd: 'relaxed' | 'baseline'): Promise<ParityResult> {
  const key = `${model} ${simd}`;
  const known = computed.get(key) ?? trainForParity(quern, { model, engine: { simd, threads: 1 } });
  computed.set(key, known);
  return known;
}

/** Equal to the bit where both engines round alike: fused multiply-add is the processor's affair. */
function assertSame(actual: ParityResult, node: ParityResult, threads: number): void {
  assert.is(actual.threads, threads);
  assert.is(actual.steps, node.steps);
  if (actual.numerics === node.numerics) {
    assert.equal(actual.losses, node.losses);
    assert.is(actual.weightsSha256, node.weightsSha256);
    return;
  }
  console.log(`compared with a tolerance: '${actual.numerics}' there, '${node.numerics}' here`);
  actual.losses.forEach((loss, i) => {
    assert.ok(Math.abs(loss - node.losses[i]!) < 1e-3, `loss ${loss}, not ${node.losses[i]}`);
  });
}

suite('wasm in Chromium', (test) => {
  const chromium = findChromium();
  if (chromium === undefined) {
    test.unavailable('everything', noChromium);
    return;
  }
  let browser: Browser;
  test.before(async () => {
    browser = await Browser.open(chromium);
  });
  test.after(() => browser.close());
  const train = (trained: ParityCase, options: RunOptions = {}) =>
    browser.run<ParityResult>(parity, 'trainForParity', trained, options);

  for (const model of ['mlp', 'cnn'] as const) {
    for (const simd of ['baseline', 'relaxed'] as const) {
      for (const threads of [1, 2]) {
        test(`${model}, ${simd} SIMD, ${threads} threads, in a worker: what Node computes`, async () => {
          const actual = await train({ model, engine: { simd, threads } });
          assertSame(actual, await expected(model, simd), threads);
        });
      }
    }
  }

  test('2 threads on the page itself, which may not sleep', async () => {
    const actual = await train({ model: 'cnn', engine: { threads: 2 } }, { place: 'page' });
    assertSame(actual, await expected('cnn', 'relaxed'), 2);
  });

  test('the second thread does its share, in a worker and on the page', async () => {
    const workerUrl = '/dist/test/browser/countingWorker.js';
    for (const place of ['worker', 'page'] as const) {
      const claims = await browser.run<number>(sharing, 'shareWork', workerUrl, { place });
      assert.ok(claims > 0, `no claim of the second thread, in a ${place}`);
    }
  });

  test("a worker's script that does not load ends the run", async () => {
    const message = await browser.run(sharing, 'shareWork', '/nowhere.js').then(String, String);
    assert.match(message, 'BackendError: wasm: worker 1 died: its script does not load');
  });

  test('without isolation: 1 thread, which is then the default', async () => {
    for (const engine of [{ threads: 1 }, {}]) {
      const actual = await train({ model: 'mlp', engine }, { isolated: false });
      assertSame(actual, await expected('mlp', 'relaxed'), 1);
    }
  });

  test('without isolation: 2 threads are refused', async () => {
    const trained = { model: 'mlp', engine: { threads: 2 } } as const;
    const message = await train(trained, { isolated: false }).then(String, String);
    assert.match(
      message,
      'BackendError: wasm: 2 threads need a SharedArrayBuffer, which this page does not have\n' +
        '  Serve it with cross-origin isolation, or use one thread.',
    );
  });

  test('under a content security policy that compiles WebAssembly and no text', async () => {
    for (const library of ['modules', 'bundle'] as const) {
      const actual = await train({ model: 'cnn', engine: { threads: 2 } }, { strict: true, library });
      assertSame(actual, await expected('cnn', 'relaxed'), 2);
    }
  });

  test('a minified bundle with worker.js beside it', async () => {
    const actual = await train({ model: 'cnn', engine: { threads: 2 } }, { library: 'bundle' });
    assertSame(actual, await expected('cnn', 'relaxed'), 2);
  });

  test('a minified bundle with its worker in another place', async () => {
    const engine = { threads: 2, workerUrl: '/elsewhere/worker.js' };
    const actual = await train({ model: 'mlp', engine }, { library: 'bundle' });
    assertSame(actual, await expected('mlp', 'relaxed'), 2);
  });
});
