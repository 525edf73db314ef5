import { execFile } from 'node:child_process';
import os, { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { defaultThreads, openWasm, type WasmBackendOptions } from '../../../src/backends/wasm/wasm.js';
import { BackendError, UsageError } from '../../../src/core/errors.js';
import { openEngine } from '../../../src/engine/engine.js';
import type { Traced } from '../../../src/plan/lower.js';
import { state } from '../../../src/tensor/leaves.js';
import { rejects } from '../../support/messages.js';
import { cnnStep, mlpStep } from '../../support/steps.js';
import { suite } from '../../support/suite.js';
import { feedsOf, otherKernelsStep, prepareTraining } from './steps.js';

const models: readonly (readonly [string, () => Traced, number])[] = [
  ['the perceptron', () => mlpStep(37), 6],
  ['the convolutional network', () => cnnStep(5), 4],
  ['the kernels that neither has', () => otherKernelsStep(9), 5],
];

/** What a training of some steps leaves behind, with its outputs. */
async function train(traced: Traced, options: WasmBackendOptions, groups: readonly number[]) {
  const training = await prepareTraining(traced, options);
  const feeds = training.feeds(groups.reduce((sum, steps) => sum + steps));
  let start = 0;
  let outputs = '';
  for (const steps of groups) {
    const parts = Array.from({ length: steps }, (_, i) => feedsOf(training, feeds, start + i));
    const joined = Object.fromEntries(
      training.inputs.map(({ name, size }) => {
        const [first] = parts;
        const whole = feeds[name]!.slice(0, size * steps);
        parts.forEach((part, i) => {
          whole.set(part[name]!, i * size);
        });
        return [name, steps === 1 ? first![name]! : whole];
      }),
    );
    const fetched = await training.program.run(joined, { steps });
    outputs = JSON.stringify(fetched);
    start += steps;
  }
  const bytes = `${outputs}\n${await training.bytes()}`;
  await training.backend.close();
  return bytes;
}

suite('wasm threads: the same bytes', (test) => {
  for (const [name, make, steps] of models) {
    test(`${name}: whatever the number of threads, the pieces and the groups of steps`, async () => {
      const ones = Array.from({ length: steps }, () => 1);
      const expected = await train(make(), { threads: 1 }, ones);
      assert.ok(!expected.includes('null'), 'no output is NaN');
      for (const threads of [2, 3, 4]) {
        assert.ok((await train(make(), { threads }, [steps])) === expected, `${threads} threads`);
        const shared = { threads, pieceBytes: 1 };
        assert.ok(
          (await train(make(), shared, [1, steps - 1])) === expected,
          `${threads} threads, all shared`,
        );
      }
      assert.ok((await train(make(), { poison: true }, [2, steps - 2])) === expected, 'poisoned memory');
      const baseline = await train(make(), { simd: 'baseline', threads: 1 }, [steps]);
      const divided = await train(make(), { simd: 'baseline', threads: 3, pieceBytes: 1 }, ones);
      assert.ok(divided === baseline, 'baseline SIMD');
    });
  }
});

/** Runs a script in a process of its own, which gets 20 seconds. Rejects unless it ends by itself with code 0. */
async function run(script: string): Promise<string> {
  const url = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href);
  const code = `
    const { openEngine } = await import(${url('src/engine/engine.js')});
    const { state } = await import(${url('src/tensor/leaves.js')});
    const large = state('large', [300, 300], 1);
    const step = (engine) =>
      engine.compile(() => ({ outputs: { y: large.matmul(large).sum() } }), {});
    ${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    timeout: 20000,
  });
  return stdout;
}

suite('wasm threads: the process', (test) => {
  test('ends by itself with an engine open, used or not', async () => {
    const open = `const engine = await openEngine({ threads: 4 }); console.log('opened');`;
    const use = `console.log((await step(engine).run({})).y.get());`;
    assert.is(await run(open), 'opened\n');
    assert.is(await run(`${open} ${use}`), 'opened\n27000000\n');
  });

  test('stays for a run that was asked for, and ends after it', async () => {
    const script = `
      const engine = await openEngine({ threads: 3 });
      step(engine).run({}, { steps: 20 }).then(({ y }) => console.log(y.get()));`;
    assert.is(await run(script), '27000000\n');
  });

  test('ends when the engine is closed', async () => {
    const closed = `
      const engine = await openEngine({ threads: 2 });
      await step(engine).run({});
      await engine.close();
      console.log('closed');`;
    assert.is(await run(closed), 'closed\n');
  });
});

suite('wasm threads: options', (test) => {
  test('the number of threads', async () => {
    for (const threads of [0, -1, 1.5, 65, Number.NaN, '2' as unknown as number]) {
      const message = `wasm: threads must be a whole number from 1 to 64: ${threads}`;
      await rejects(() => openWasm({ threads }), UsageError, message);
    }
    const backend = await openWasm({ threads: 64 });
    assert.is(backend.report.threads, 64);
    await backend.close();
  });

  test('unless told otherwise, the number of processors up to 8', async () => {
    const backend = await openWasm();
    assert.is(backend.report.threads, Math.min(availableParallelism(), 8));
    await backend.close();
    const { availableParallelism: kept } = os;
    try {
      for (const [processors, threads] of [
        [1, 1],
        [6, 6],
        [96, 8],
      ] as const) {
        os.availableParallelism = () => processors;
        assert.is(defaultThreads(), threads);
      }
    } finally {
      os.availableParallelism = kept;
    }
  });

  test('poisoned memory is watched by one thread, and says so', async () => {
    const backend = await openWasm({ threads: 2, poison: true });
    assert.is(backend.report.threads, 1);
    await backend.close();
  });

  test('threads where there is no SharedArrayBuffer', async () => {
    const { SharedArrayBuffer: kept } = globalThis;
    Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
    try {
      const message =
        'wasm: 2 threads need a SharedArrayBuffer, which this page does not have\n' +
        '  Serve it with cross-origin isolation, or use one thread.';
      await rejects(() => openWasm({ threads: 2 }), BackendError, message);
      const alone = await openWasm();
      assert.is(alone.report.threads, 1);
      const leaf = state('leaf', [2], 3);
      assert.equal(await (await alone.allocate(leaf, leaf.initial())).read(), Float32Array.of(3, 3));
      await alone.close();
    } finally {
      Object.assign(globalThis, { SharedArrayBuffer: kept });
    }
  });

  test('close waits for what was asked for before', async () => {
    const engine = await openEngine({ threads: 2 });
    const large = state('large', [300, 300], 1);
    const step = engine.compile(() => ({ outputs: { y: large.matmul(large).sum() } }), {});
    const runs = [step.run({}, { steps: 3 }), step.run({}), step.run({})];
    await engine.close();
    for (const { y } of await Promise.all(runs)) assert.is(y.get(), 27000000);
    await rejects(() => step.run({}), BackendError, 'engine: it has been closed');
  });
});
