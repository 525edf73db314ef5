import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import type { Kernel } from '../../../src/backends/wasm/kernels.js';
import { WasmMemory } from '../../../src/backends/wasm/memory.js';
import { Pool } from '../../../src/backends/wasm/pool.js';
import { Sharing } from '../../../src/backends/wasm/sharing.js';
import { bindTable, type Table } from '../../../src/backends/wasm/table.js';
import { openWasm } from '../../../src/backends/wasm/wasm.js';
import { BackendError } from '../../../src/core/errors.js';
import { type Expression, input as operand } from '../../../src/core/expression.js';
import { input, state } from '../../../src/tensor/leaves.js';
import { i32, type KernelRun, ModuleBuilder } from '../../../src/writers/wasm/assembler.js';
import { rejects } from '../../support/messages.js';
import { suite } from '../../support/suite.js';
import { mapStep, negated, out, planOf, rejection, residentsOf, whole } from '../contract/handPlans.js';
import { Bench, floats } from '../contract/support.js';

/** Does `work`, and gives the workers that were sent something meanwhile. */
async function workersOf(work: () => Promise<unknown>): Promise<Worker[]> {
  const workers = new Set<Worker>();
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (this: Worker, ...message) {
    workers.add(this);
    postMessage.apply(this, message);
  };
  try {
    await work();
    return [...workers];
  } finally {
    Worker.prototype.postMessage = postMessage;
  }
}

/** A step that is worth sharing, prepared. */
async function sharedStep(threads: number) {
  const backend = await openWasm({ threads });
  const w = state('w', [200, 200], 0.001);
  const bench = new Bench(backend);
  const program = await bench.prepare({
    outputs: { y: w.sum() },
    updates: [[w, w.matmul(w).add(0.001)]],
  });
  return { backend, bench, program };
}

suite('wasm failures: a worker that dies', (test) => {
  test('between runs: the next run rejects with its reason, and all after it', async () => {
    const { backend, program, bench } = await sharedStep(3);
    const small = await bench.prepare({ outputs: { y: state('s', [2], 0).add(1) } });
    const workers = await workersOf(() => program.run({}));
    assert.is(workers.length, 2);
    await workers[1]!.terminate();
    const { message } = (await rejection(program.run({}))) as Error;
    assert.match(message, /^wasm: worker 2 died: it ended with code [01]$/);
    await rejects(() => program.run({}, { steps: 1e6 }), BackendError, message);
    await rejects(() => small.run({}), BackendError, message);
    await backend.close();
    await rejects(() => program.run({}), BackendError, 'wasm: the backend is closed');
  });

  test('in the middle of a run', async () => {
    const { backend, program } = await sharedStep(2);
    const [worker] = await workersOf(() => program.run({}));
    setTimeout(() => worker!.terminate(), 20);
    const began = performance.now();
    const error = await rejection(program.run({}, { steps: 1e9 }));
    assert.instance(error, BackendError);
    assert.match((error as Error).message, /^wasm: worker 1 died: it ended with code [01]$/);
    assert.ok(performance.now() - began < 5000);
    await backend.close();
  });

  test('while it starts', async () => {
    const { backend, program } = await sharedStep(2);
    const terminated: Promise<number>[] = [];
    const { postMessage } = Worker.prototype;
    Worker.prototype.postMessage = function (this: Worker, ...message) {
      postMessage.apply(this, message);
      terminated.push(this.terminate());
    };
    try {
      const error = await rejection(program.run({}, { steps: 1e9 }));
      assert.match((error as Error).message, /^wasm: worker 1 died: it ended with code [01]$/);
    } finally {
      Worker.prototype.postMessage = postMessage;
    }
    await Promise.all(terminated);
    await backend.close();
  });

  /** A program of one kernel that writes to its scratch area, and these lie where `scratch` says. */
  function scratchProgram(scratch: Pick<Table, 'scratchAddress' | 'scratchBytes'>) {
    const memory = new WasmMemory(true);
    const writer = new ModuleBuilder({ simd: 'baseline', shared: true });
    writer.kernel(['scratch'], (f, { scratch: address }) => f.store(address, i32.const(1)));
    const module = new WebAssembly.Module(writer.bytes());
    const instance = new WebAssembly.Instance(module, { env: { memory: memory.memory } });
    const kernel: Kernel = {
      id: 0,
      module,
      run: instance.exports.run as KernelRun,
      units: 8,
      scratchBytes: 64,
      codeBytes: writer.bytes().length,
      algorithm: 'writes where it should not',
    };
    const pool = new Pool(memory, 2);
    const piece = (begin: number) => ({
      home: begin / 8,
      calls: [{ kernel: 0, pointers: [], scratch: 0, prepares: false, begin, end: begin + 1 }],
    });
    const table: Table = { phases: [[0, 1, 2, 3, 4, 5, 6, 7].map(piece)], workers: 2, ...scratch };
    return {
      pool,
      chunks: bindTable(table, [kernel.run], 0),
      number: pool.setTable(undefined, table, [kernel]),
      sharing: new Sharing(),
    };
  }

  test('because its kernel traps: the run rejects with what the engine says', async () => {
    const program = scratchProgram({ scratchAddress: 4096, scratchBytes: 2 ** 31 });
    const { pool } = program;
    pool.begin(1e9);
    const steps = async () => {
      for (;;) {
        await pool.step(program);
        // the event loop tells of the death
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const message = 'wasm: worker 1 died: RuntimeError: memory access out of bounds';
    await rejects(steps, BackendError, message);
    await rejects(async () => pool.checkAlive(), BackendError, message);
    pool.end(program.chunks);
    pool.close();
  });

  test('because the kernel of worker 0 traps', async () => {
    const program = scratchProgram({ scratchAddress: 2 ** 31, scratchBytes: -(2 ** 31) + 4096 });
    const { pool } = program;
    pool.begin(10);
    const message = 'wasm: worker 0 died: RuntimeError: memory access out of bounds';
    const error = await rejection((async () => pool.step(program))());
    assert.instance(error, BackendError);
    assert.is((error as Error).message, message);
    assert.instance((error as Error).cause, WebAssembly.RuntimeError);
    await rejects(async () => pool.checkAlive(), BackendError, message);
    pool.close();
  });
});

suite('wasm failures: plans that cannot be prepared', (test) => {
  test('a kernel that does not compile: the error names it with its shapes, and the backend works on', async () => {
    for (const threads of [1, 2]) {
      const backend = await openWasm({ threads });
      const x = input('x', [2, 3]);
      const strange = { type: 'call', name: 'frobnicate', inputs: [operand(0)] } as unknown as Expression;
      const own = [{ size: 6, at: 0, uses: [0, 0] as const }];
      const plan = planOf([x], own, [mapStep([strange], [0], [1], [2, 3])], [out('y', whole(1, [2, 3]))]);
      for (const time of [1, 2]) {
        const error = await rejection(backend.prepare(plan, new Map()));
        assert.instance(error, BackendError, `time ${time}`);
        assert.is((error as Error).message, 'wasm: map does not compile: [2, 3] [2, 3]');
        assert.instance((error as Error).cause, Error);
      }
      const good = planOf([x], own, [mapStep([negated], [0], [1], [2, 3])], [out('y', whole(1, [2, 3]))]);
      const program = await backend.prepare(good, new Map());
      const { y } = await program.run({ x: floats(1, 2, 3, 4, 5, 6) });
      assert.equal(y, floats(-1, -2, -3, -4, -5, -6));
      await backend.close();
    }
  });

  test('updates that are not in place', async () => {
    const backend = await openWasm();
    const [a, b] = [state('a', [2], 1), state('b', [2], 2)];
    const plan = planOf([a, b], [], [], [], [{ leaf: a, slot: 1 }]);
    const message =
      'wasm: the plan does not update state a float32[2] in place\n  Plan it for the limits of this backend.';
    const residents = await residentsOf(backend, [a, b]);
    await rejects(() => backend.prepare(plan, residents), BackendError, message);
    await backend.close();
  });

  test('more memory than there is: what is held stays, smaller plans still run', async () => {
    const backend = await openWasm();
    const x = input('x', [2]);
    const own = [{ size: 2, at: 0, uses: [0, 0] as const }];
    const steps = [mapStep([negated], [0], [1], [2])];
    const plan = planOf([x], own, steps, [out('y', whole(1, [2]))]);
    const program = await backend.prepare(plan, new Map());
    const huge = { ...plan, memory: { ...plan.memory, peakBytes: 2 ** 33 } };
    const error = await rejection(backend.prepare(huge, new Map()));
    assert.instance(error, BackendError);
    assert.match(
      (error as Error).message,
      /^wasm: out of memory: 819\d MiB are wanted, 4096 MiB is the most\n/,
    );
    // takes the place that a plan refused might have left
    const leaf = state('leaf', [2], 7);
    const resident = await backend.allocate(leaf, leaf.initial());
    assert.equal(await program.run({ x: floats(1, 2) }), { y: floats(-1, -2) });
    assert.equal(await resident.read(), floats(7, 7));
    const again = await backend.prepare(plan, new Map());
    assert.equal(await again.run({ x: floats(3, 4) }), { y: floats(-3, -4) });
    await backend.close();
  });
});
