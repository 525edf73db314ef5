/** The contract of refusals: what does not fit is a PlanError, what cannot be a BackendError, each with its message. */
import * as assert from 'uvu/assert';
import { BackendError, PlanError } from '../../../src/core/errors.js';
import { input, state } from '../../../src/tensor/leaves.js';
import { rejects } from '../../support/messages.js';
import { Bench, type ContractRow, floats } from './support.js';

export const errorRows: readonly ContractRow[] = [
  {
    name: 'feeds that are missing, unknown, of another dtype or size',
    async check(backend) {
      const x = input('x', [2, 3]);
      const n = input('n', [], 'int32');
      const y = x.multiply(n.cast('float32'));
      const program = await new Bench(backend).prepare({ outputs: { y } });
      const good = { x: new Float32Array(6), n: new Int32Array(1) };
      const cases = [
        [{ x: good.x }, 1, "run: input 'n' is not fed"],
        [{ ...good, z: good.x }, 1, "run: there is no input 'z': n, x"],
        [{ ...good, n: floats(1) }, 1, "run: input 'n': takes int32, not float32"],
        [
          { ...good, x: new Float64Array(6) as unknown as Float32Array },
          1,
          "run: input 'x': takes float32, not Float64Array\n  Give new Float32Array(…) of it.",
        ],
        [{ ...good, x: floats(1) }, 1, "run: input 'x': 1 elements do not fill [2, 3] (1 and 6)"],
        [{ ...good, n: new Int32Array(4) }, 4, "run: input 'x': 6 elements do not fill [4, 2, 3] (6 and 24)"],
        [{ ...good, x: new Float32Array(12) }, 2, "run: input 'n': 1 elements do not fill [2] (1 and 2)"],
        [good, 0, 'run: steps must be an integer ≥ 1: 0'],
        [good, 1.5, 'run: steps must be an integer ≥ 1: 1.5'],
        [good, Number.NaN, 'run: steps must be an integer ≥ 1: NaN'],
      ] as const;
      for (const [feeds, steps, message] of cases) {
        await rejects(() => program.run(feeds, { steps }), PlanError, message);
      }
      assert.equal(await program.run(good), { y: new Float32Array(6) });
      const none = await new Bench(backend).prepare({ outputs: { s: state('s', [], 0) } });
      await rejects(() => none.run(good), PlanError, "run: there is no input 'x': the step has none");
    },
  },
  {
    name: 'values that do not fit a leaf',
    async check(backend) {
      const leaf = state('layers.0.bias', [2, 2], 0);
      const size = 'layers.0.bias: 5 elements do not fill [2, 2] (5 and 4)';
      const dtype = 'layers.0.bias: takes float32, not int32';
      await rejects(() => backend.allocate(leaf, new Float32Array(5)), PlanError, size);
      await rejects(() => backend.allocate(leaf, new Int32Array(4)), PlanError, dtype);
      const resident = await backend.allocate(leaf, floats(1, 2, 3, 4));
      await rejects(() => resident.write(new Float32Array(5)), PlanError, size);
      await rejects(() => resident.write(new Int32Array(4)), PlanError, dtype);
      assert.equal(await resident.read(), floats(1, 2, 3, 4));
    },
  },
  {
    name: 'a leaf without a resident of this backend',
    async check(backend) {
      const leaf = state('s', [2], 0);
      const bench = new Bench(backend);
      const foreign = { read: async () => leaf.initial(), write: async () => {}, release: () => {} };
      bench.residents.set(leaf, foreign);
      const { backend: name } = backend.report;
      const message = `${name}: state s float32[2] has no resident of this backend`;
      await rejects(() => bench.prepare({ outputs: { s: leaf.add(1) } }), BackendError, message);
    },
  },
  {
    name: 'what was released',
    async check(backend) {
      const leaf = state('s', [2], 0);
      const bench = new Bench(backend);
      const program = await bench.prepare({ outputs: { s: leaf.add(1) } });
      const resident = await bench.resident(leaf);
      resident.release();
      const message = `${backend.report.backend}: state s float32[2] was released`;
      await rejects(() => resident.read(), BackendError, message);
      await rejects(() => resident.write(leaf.initial()), BackendError, message);
      await rejects(() => program.run({}), BackendError, message);
    },
  },
  {
    name: 'everything, once the backend is closed',
    async check(_, open) {
      const closing = await open();
      const leaf = state('s', [2], 0);
      const bench = new Bench(closing);
      const wanted = { outputs: { s: leaf.add(1) } };
      const program = await bench.prepare(wanted);
      const resident = await bench.resident(leaf);
      await closing.close();
      await closing.close();
      const message = `${closing.report.backend}: the backend is closed`;
      await rejects(() => program.run({}), BackendError, message);
      await rejects(() => bench.prepare(wanted), BackendError, message);
      await rejects(() => closing.allocate(leaf, leaf.initial()), BackendError, message);
      await rejects(() => resident.read(), BackendError, message);
      await rejects(() => resident.write(leaf.initial()), BackendError, message);
    },
  },
  {
    name: 'a run that goes on when the backend is closed',
    async check(_, open) {
      const closing = await open();
      const leaf = state('s', [2], 0);
      const program = await new Bench(closing).prepare({ updates: [[leaf, leaf.add(1)]] });
      setTimeout(() => closing.close(), 10);
      const message = `${closing.report.backend}: the backend is closed`;
      await rejects(() => program.run({}, { steps: 1e9 }), BackendError, message);
    },
  },
  {
    name: 'it tells what runs, and how each step is done',
    async check(backend) {
      const { report } = backend;
      assert.ok(['reference', 'wasm', 'gpu'].includes(report.backend));
      assert.ok(Number.isInteger(report.threads) && report.threads >= 1);
      assert.ok(report.numerics.length > 0);
      const x = input('x', [3, 4]);
      const y = x.matmul(x.transpose()).sum(0);
      const explained = (await new Bench(backend).prepare({ outputs: { y } })).explain().split('\n');
      assert.is(explained.length, 2);
      assert.match(explained[0]!, 'matmul');
      assert.match(explained[1]!, 'sum');
    },
  },
];
