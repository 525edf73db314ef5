import * as assert from 'uvu/assert';
import type { Kernel } from '../../../src/backends/wasm/kernels.js';
import { WasmMemory } from '../../../src/backends/wasm/memory.js';
import { Pool } from '../../../src/backends/wasm/pool.js';
import { Sharing } from '../../../src/backends/wasm/sharing.js';
import { bindTable, type Table } from '../../../src/backends/wasm/table.js';
import { i32, type KernelRun, ModuleBuilder } from '../../../src/writers/wasm/assembler.js';
import { suite } from '../../support/suite.js';

/** How long a step takes on this machine at a time: shared, slept of that, and alone. */
type Machine = (now: number) => {
  readonly shared: number;
  readonly slept: number;
  readonly alone: number;
};

const quiet: Machine = () => ({ shared: 1, slept: 0.05, alone: 1.8 });
/** Shared and alone takes turns: chunks wait for a worker that has no processor. */
const busy: Machine = () => ({ shared: 6, slept: 5, alone: 1.8 });

/** Does steps for some milliseconds by a clock of its own; gives how many, and the times of those that were done alone. */
function train(machine: Machine, { until, sharing = new Sharing(), from = 0 }: Training) {
  const aloneAt: number[] = [];
  let steps = 0;
  let now = from;
  while (now < until) {
    const { shared, slept, alone } = machine(now);
    if (sharing.alone) aloneAt.push(now);
    const taken = sharing.alone ? alone : shared;
    now += taken;
    steps++;
    sharing.record(now, taken, sharing.alone ? 0 : slept);
  }
  return { steps, aloneAt, now };
}

interface Training {
  readonly until: number;
  readonly sharing?: Sharing;
  readonly from?: number;
}

suite('wasm: whether worker 0 shares', (test) => {
  test('where nobody is waited for, all steps are shared', () => {
    assert.equal(train(quiet, { until: 10_000 }).aloneAt, []);
  });

  test('where others are waited for, worker 0 is alone within some tens of milliseconds, and tries again seldom', () => {
    const { steps, aloneAt } = train(busy, { until: 10_000 });
    assert.ok(aloneAt[0]! <= 60, `alone from ${aloneAt[0]} ms on`);
    const ratio = steps / (10_000 / 1.8);
    assert.ok(ratio > 0.95, `${ratio} of the speed of one worker`);
    assert.ok(ratio < 1);
  });

  test('long steps decide after two of them', () => {
    const slow: Machine = () => ({ shared: 300, slept: 250, alone: 90 });
    const { steps, aloneAt } = train(slow, { until: 60_000 });
    assert.is(aloneAt[0], 600);
    assert.ok(steps > (0.9 * 60_000) / 90, `${steps}`);
  });

  test('waiting that is not worse than being alone costs next to nothing', () => {
    const sleepy: Machine = () => ({ shared: 1, slept: 0.4, alone: 1.8 });
    const { steps, aloneAt } = train(sleepy, { until: 20_000 });
    assert.ok(aloneAt.length > 0);
    assert.ok(steps > 0.99 * 20_000, `${steps}`);
  });

  test('a machine that becomes busy, and quiet again', () => {
    const sharing = new Sharing();
    const before = train(quiet, { until: 1000, sharing });
    assert.equal(before.aloneAt, []);
    const during = train(busy, { from: before.now, until: 3000, sharing });
    assert.ok(during.aloneAt[0]! - before.now < 60);
    assert.ok(during.steps > (0.9 * 2000) / 1.8, `${during.steps}`);
    const after = train(quiet, { from: during.now, until: 8000, sharing });
    const last = after.aloneAt.at(-1)! - during.now;
    assert.ok(last < 1100, `shares again after ${last} ms`);
  });

  test('after trials that lost, it is not waited for the next where shared steps take longer than alone ones did', () => {
    const sharing = new Sharing();
    const sleepy: Machine = () => ({ shared: 1, slept: 0.4, alone: 1.8 });
    const { now } = train(sleepy, { until: 9000, sharing });
    const { aloneAt } = train(busy, { from: now, until: now + 1000, sharing });
    assert.ok(aloneAt[0]! - now < 60, `alone after ${aloneAt[0]! - now} ms`);
  });
});

/** Shares and is alone in turns, whatever the time says. */
class InTurns extends Sharing {
  told = 0;
  override record(): void {
    this.told++;
    this.alone = this.told % 3 !== 0;
  }
}

suite('wasm: steps that are shared, and alone, in one run', (test) => {
  test('each piece is done once a step, whoever does it', async () => {
    const memory = new WasmMemory(true);
    const cells = 64;
    const data = memory.allocate(4 * cells);
    const writer = new ModuleBuilder({ simd: 'baseline', shared: true });
    writer.kernel(['data'], (f, p) => {
      f.loop(p.begin, p.end, 1, (cell) => {
        const at = f.let(i32.add(p.data, i32.shl(cell, 2)));
        f.store(at, i32.add(i32.load(at), 1));
      });
    });
    const module = new WebAssembly.Module(writer.bytes());
    const { exports } = new WebAssembly.Instance(module, { env: { memory: memory.memory } });
    const kernel: Kernel = {
      ...{ id: 0, module, run: exports.run as KernelRun, units: cells, scratchBytes: 0 },
      ...{ codeBytes: 0, algorithm: 'counts' },
    };
    const pool = new Pool(memory, 3);
    const piece = (begin: number) => ({
      home: begin / cells,
      calls: [{ kernel: 0, pointers: [data], prepares: false, begin, end: begin + 8 }],
    });
    const phase = Array.from({ length: cells / 8 }, (_, i) => piece(8 * i));
    const table: Table = { phases: [phase, phase], workers: 3, scratchAddress: 0, scratchBytes: 0 };
    const sharing = new InTurns();
    const chunks = bindTable(table, [kernel.run], 0);
    const program = { chunks, number: pool.setTable(undefined, table, [kernel]), sharing };
    const counts = () => [...new Set(memory.view(data, 'int32', cells))];
    for (const [run, steps] of [
      [1, 200],
      [2, 1],
      [3, 201],
    ] as const) {
      pool.begin(steps);
      for (let step = 0; step < steps; step++) {
        await pool.step(program);
        if (step % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 2));
      }
      pool.end(chunks);
      assert.equal(counts(), [[400, 402, 804][run - 1]]);
    }
    assert.is(sharing.told, 402);
    pool.close();
  });
});
