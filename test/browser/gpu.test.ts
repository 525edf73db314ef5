import * as assert from 'uvu/assert';
import * as quern from '../../src/browser.js';
import { at } from '../../src/core/lists.js';
import { Browser, findChromium, noChromium, type RunOptions } from '../support/browser/browser.js';
import { gradientError, seedReference } from '../support/seedReference.js';
import {
  type SeedOptions,
  type SeedResult,
  type SeedTraining,
  trainSeedModel,
  worstDifference,
} from '../support/seedTraining.js';
import { suite } from '../support/suite.js';
import { type BrowserMode, graphics } from './gpuGraphics.js';
import type { Failures, GrowthResult } from './gpuRuns.js';

const runs = import.meta.resolve('./gpuRuns.js');
const training = import.meta.resolve('../support/seedTraining.js');

const mlp: SeedOptions = { model: 'mlp', batch: 32, steps: 50, optimizer: 'sgd' };
const cnn: SeedOptions = { model: 'cnn', batch: 8, steps: 10, optimizer: 'sgd' };
const firstStep = { steps: 1, optimizer: 'adam', states: true } as const;
/** On one device, which keeps the kernels that they have in common. */
const together = [mlp, cnn, { ...mlp, ...firstStep }, { ...cnn, ...firstStep }];

function withBrowser(
  mode: BrowserMode,
  define: (test: Parameters<Parameters<typeof suite>[1]>[0], run: Runner) => void,
) {
  suite(`gpu in Chromium, gpu.js's mode ${mode}`, (test) => {
    const chromium = findChromium();
    if (chromium === undefined) {
      test.unavailable('everything', noChromium);
      return;
    }
    let browser: Browser;
    test.before(async () => {
      browser = await Browser.open(chromium, { graphics: graphics[mode] });
    });
    test.after(() => browser.close());
    let trained: Promise<readonly SeedResult[]> | undefined;
    define(test, {
      trainTogether: () => {
        const asked = { engine: { backend: 'gpu', gpuMode: mode }, trainings: together };
        trained ??= browser.run(training, 'trainSeedModels', asked, { seconds: 400 });
        return trained;
      },
      train: (options, place = {}) => {
        const engine = { backend: 'gpu', gpuMode: mode } as const;
        const asked = { ...options, engine } satisfies SeedTraining;
        return browser.run<SeedResult>(training, 'trainSeedModel', asked, { seconds: 400, ...place });
      },
      call: (name, argument) => browser.run(runs, name, argument, { seconds: 400 }),
    });
  });
}

interface Runner {
  /** What became of `together`, which are trained once. */
  trainTogether(): Promise<readonly SeedResult[]>;
  train(options: SeedOptions, place?: RunOptions): Promise<SeedResult>;
  call<Result>(name: string, argument: unknown): Promise<Result>;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

for (const mode of ['webgpu', 'webgl2'] as const) {
  withBrowser(mode, (test, { train, trainTogether, call }) => {
    test("50 steps of the perceptron follow the unoptimized reference's loss", async () => {
      const [actual, reference] = [at(await trainTogether(), 0), await seedReference(mlp)];
      assert.is(actual.report.mode, mode);
      assert.match(actual.report.fallback!, /swiftshader.* computes on the CPU/i);
      assert.ok(worstDifference(actual.losses, reference.losses) < 1e-3);
    });

    test("10 steps of the convolutional network follow the unoptimized reference's loss", async () => {
      const [actual, reference] = [at(await trainTogether(), 1), await seedReference(cnn)];
      assert.is(actual.report.mode, mode);
      assert.ok(worstDifference(actual.losses, reference.losses) < 1e-3);
    });

    test('the gradients of one step are right to 1e-4', async () => {
      const actual = await trainTogether();
      for (const index of [2, 3]) {
        const one = at(together, index);
        const error = gradientError(at(actual, index), await seedReference(one));
        assert.ok(error < 1e-4, `${one.model}: ${error}`);
      }
    });

    test('200 steps of the perceptron with Adam end where wasm ends', async () => {
      const long = { ...mlp, batch: 8, steps: 200, optimizer: 'adam' } as const;
      const wasm = await trainSeedModel(quern, { ...long, engine: { backend: 'wasm' } });
      const actual = await train(long);
      const [last, wanted] = [mean(actual.losses.slice(-50)), mean(wasm.losses.slice(-50))];
      assert.ok(Math.abs(last - wanted) <= 0.05 * wanted, `${last} for ${wanted}`);
    });

    test('1,000 steps leave nothing behind and read nothing back', async () => {
      const { before, after, counted } = await call<GrowthResult>('growth', mode);
      assert.is(counted, 1005);
      assert.is(after.kernels, before.kernels);
      assert.is(after.downloads, 0);
    });

    test('what goes wrong is said, with the kernel, its shape and the adapter', async () => {
      const { text, large, lost, afterwards } = await call<Failures>('provokeFailures', mode);
      const where = `in ${mode} on .*swiftshader`;
      assert.match(
        text,
        new RegExp(`^BackendError: gpu: twice \\[2, 3\\] cannot be made ${where}.*: .`, 'i'),
      );
      assert.match(
        large,
        new RegExp(`^BackendError: gpu: ones \\[65536, 16384\\] cannot be made ${where}`, 'i'),
      );
      assert.match(large, mode === 'webgpu' ? /4294967296 bytes/ : /a texture of 32768 by 32768/);
      for (const message of [lost, afterwards]) {
        assert.match(
          message,
          new RegExp(`^BackendError: gpu: the (device|context) was lost.* ${where}`, 'i'),
        );
      }
    });

    test('a minified bundle, on the page, whose content security policy compiles no text', async () => {
      const few = { ...mlp, steps: 5 };
      const actual = await train(few, { library: 'bundle', place: 'page', strict: true });
      assert.is(actual.report.mode, mode);
      const reference = await seedReference(mlp);
      assert.ok(worstDifference(actual.losses, reference.losses.slice(0, 5)) < 1e-3);
    });
  });
}

withBrowser('webgl', (test, { train }) => {
  test("10 steps of the perceptron and 2 of the convolutional network follow the reference's loss", async () => {
    for (const [options, steps] of [
      [mlp, 10],
      [cnn, 2],
    ] as const) {
      const [actual, reference] = [await train({ ...options, steps }), await seedReference(options)];
      assert.is(actual.report.mode, 'webgl');
      assert.ok(worstDifference(actual.losses, reference.losses.slice(0, steps)) < 1e-3);
    }
  });
});
