import { PerformanceObserver } from 'node:perf_hooks';
import * as assert from 'uvu/assert';
import { openWasm } from '../../../src/backends/wasm/wasm.js';
import { numericsVersion } from '../../../src/core/numerics.js';
import { numericsOf } from '../../../src/writers/wasm/simdLevel.js';
import { mlpStep } from '../../support/steps.js';
import { suite } from '../../support/suite.js';
import { Bench } from '../contract/support.js';
import { feedsOf, prepareTraining } from './steps.js';

const collect = (globalThis as { gc?: () => void }).gc;

/** Bytes of the JavaScript heap that are still in use. */
function heap(): number {
  collect!();
  collect!();
  return process.memoryUsage().heapUsed;
}

/** The size of the memory, as the programs share it. */
function wasmBytes(training: { backend: unknown }): number {
  return (training.backend as { memory: { bytes: number } }).memory.bytes;
}

suite('wasm: steady state', (test) => {
  for (const threads of [1, 2]) {
    const name = `2,000 steps with ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    if (collect === undefined) {
      test.unavailable(name, 'node runs without --expose-gc');
      continue;
    }
    test(`${name}: heap and memory stay as they are`, async () => {
      const training = await prepareTraining(mlpStep(4), { threads });
      const many = training.feeds(100);
      const one = feedsOf(training, many, 3);
      const round = async () => {
        await training.program.run(many, { steps: 100 });
        for (let i = 0; i < 5; i++) await training.program.run(one);
      };
      for (let i = 0; i < 4; i++) await round();
      const memoryBefore = wasmBytes(training);
      // what the engine keeps grows in every turn; what compilers keep of what they optimize does not
      const grown: number[] = [];
      do {
        const before = heap();
        for (let i = 0; i < 20; i++) await round();
        grown.push(heap() - before);
      } while (Math.min(...grown) >= 100_000 && grown.length < 4);
      console.log(`bytes the heap has grown by, ${threads} threads: ${grown.join(', ')}`);
      assert.ok(Math.min(...grown) < 100_000, `the heap has grown by ${grown.join(', ')} bytes`);
      assert.is(wasmBytes(training), memoryBefore);
      await training.backend.close();
    });

    test(`${name}: no garbage in proportion to them`, async () => {
      const training = await prepareTraining(mlpStep(1), { threads });
      const steps = 1000;
      const many = training.feeds(steps);
      await training.program.run(many, { steps });
      let collections = 0;
      const observer = new PerformanceObserver((list) => {
        collections += list.getEntries().length;
      });
      let least = Number.POSITIVE_INFINITY;
      // compilers allocate too while they optimize what is called: the best of some runs is without them
      for (let turn = 0; turn < 6; turn++) {
        collect!();
        observer.observe({ entryTypes: ['gc'] });
        collections = 0;
        const before = process.memoryUsage().heapUsed;
        await training.program.run(many, { steps });
        const garbage = process.memoryUsage().heapUsed - before;
        await new Promise((resolve) => setTimeout(resolve));
        observer.disconnect();
        if (collections === 0) least = Math.min(least, garbage / steps);
      }
      console.log(`bytes of garbage per step, ${threads} threads: ${least.toFixed(1)}`);
      assert.ok(least < 300, `${least} bytes per step`);
      await training.backend.close();
    });
  }
});

suite('wasm: what it tells', (test) => {
  test('backend, threads and numerics by SIMD level', async () => {
    for (const simd of ['baseline', 'relaxed'] as const) {
      const backend = await openWasm({ simd, threads: 2, native: 'off' }).catch(
        (error: unknown) => error as Error,
      );
      if (backend instanceof Error) {
        assert.is(simd, 'relaxed');
        assert.is(
          backend.message,
          'wasm: relaxed SIMD was asked for and this JavaScript engine does not have it',
        );
        continue;
      }
      const numerics = `wasm ${numericsVersion}, 128-bit ${numericsOf(simd)}`;
      assert.equal(backend.report, { backend: 'wasm', threads: 2, numerics });
      await backend.close();
    }
  });

  test('a line for each kernel: with several workers, what shares a phase, and in how many pieces', async () => {
    const backend = await openWasm({ threads: 2, pieceBytes: 1 });
    const lines = (await new Bench(backend).prepare(mlpStep(64))).explain().split('\n');
    assert.ok(
      lines.every((line) => /, \d+ units( in \d+ pieces)?, phase \d+$/.test(line)),
      lines.join('\n'),
    );
    assert.ok(lines.some((line) => /, 16 units in 16 pieces, phase \d+$/.test(line)));
    const phases = lines.map((line) => Number(line.split(' ').at(-1)));
    assert.ok(new Set(phases).size <= lines.length - 6, 'the updates of six parameters share phases');
    await backend.close();
  });

  test('the time that kernels take on the thread of the engine', async () => {
    for (const threads of [1, 2]) {
      const kernelClock = { milliseconds: 0 };
      const training = await prepareTraining(mlpStep(64), { threads, kernelClock });
      assert.is(kernelClock.milliseconds, 0);
      const began = performance.now();
      await training.program.run(training.feeds(20), { steps: 20 });
      const wall = performance.now() - began;
      assert.ok(kernelClock.milliseconds > 0 && kernelClock.milliseconds <= wall, `${threads} threads`);
      await training.backend.close();
    }
  });

  test('a line for each kernel: what it does, by which algorithm, in how many units', async () => {
    const backend = await openWasm({ threads: 1 });
    const step = mlpStep(4);
    const program = await new Bench(backend).prepare(step);
    const lines = program.explain().split('\n');
    assert.match(lines[1]!, /^ {2}1 matmul add relu: .+, \d+ units$/);
    assert.ok(lines.every((line, i) => line.startsWith(`${String(i).padStart(3)} `)));
    await backend.close();
  });
});
