/** The contract of single values: residents, outputs, updates. */
import * as assert from 'uvu/assert';
import { randomKey as foldKey, randomUniform as uniformOf } from '../../../src/core/random.js';
import { constant, input, parameter, state } from '../../../src/tensor/leaves.js';
import { gather } from '../../../src/tensor/ops/gather.js';
import { randomKey, randomUniform } from '../../../src/tensor/random.js';
import { Bench, type ContractRow, counting, floats, integers } from './support.js';

export const valueRows: readonly ContractRow[] = [
  {
    name: 'residents of every dtype keep copies of what is written',
    async check(backend) {
      for (const dtype of ['float32', 'int32', 'uint8'] as const) {
        for (const shape of [[2, 3], [1], [], [0], [3, 0, 2]]) {
          const initial = counting(dtype, shape);
          const leaf = state('leaf', shape, initial.slice(), dtype);
          const resident = await backend.allocate(leaf, initial);
          initial.fill(9);
          assert.equal(await resident.read(), counting(dtype, shape));
          (await resident.read()).fill(9);
          assert.equal(await resident.read(), counting(dtype, shape));
          const next = counting(dtype, shape).map((value) => value * 3) as typeof initial;
          await resident.write(next);
          next.fill(9);
          assert.equal(
            await resident.read(),
            counting(dtype, shape).map((value) => value * 3),
          );
          resident.release();
          resident.release();
        }
      }
    },
  },
  {
    name: 'memory of released residents is used again, and never by two',
    async check(backend) {
      const leaf = state('leaf', [5], 0);
      const first = await backend.allocate(leaf, counting('float32', [5]));
      const second = await backend.allocate(leaf, counting('float32', [5]));
      first.release();
      const third = await backend.allocate(leaf, floats(0, 0, 0, 0, 0));
      first.release();
      const fourth = await backend.allocate(leaf, floats(7, 7, 7, 7, 7));
      await third.write(floats(8, 8, 8, 8, 8));
      assert.equal(await second.read(), counting('float32', [5]));
      assert.equal(await fourth.read(), floats(7, 7, 7, 7, 7));
      for (const resident of [second, third, fourth]) resident.release();
    },
  },
  {
    name: 'a step over an input, a parameter, a state and constants',
    async check(backend) {
      const x = input('x', [2, 3]);
      const w = parameter('w', [3, 2], floats(1, 2, 3, 4, 5, 6));
      const b = state('b', [2], floats(0.5, -30));
      const y = x
        .matmul(w)
        .add(b)
        .relu()
        .multiply(constant(floats(1, 2)))
        .add(0.25);
      const { y: fetched } = await new Bench(backend).run(
        { outputs: { y } },
        { x: floats(1, 2, 3, 4, 5, 6) },
      );
      // x · w = [22 28; 49 64]
      assert.equal(fetched, floats(22.75, 0.25, 49.75, 68.25));
    },
  },
  {
    name: 'integers and bytes stay what they are',
    async check(backend) {
      const bytes = state('bytes', [2, 2], Uint8Array.of(0, 1, 254, 255), 'uint8');
      const rows = input('rows', [3], 'int32');
      const bench = new Bench(backend);
      const taken = gather(bytes, rows);
      const outputs = { taken, twice: taken.cast('int32').multiply(2), bytes };
      assert.equal(await bench.run({ outputs }, { rows: integers(1, 0, 1) }), {
        taken: Uint8Array.of(254, 255, 0, 1, 254, 255),
        twice: integers(508, 510, 0, 2, 508, 510),
        bytes: Uint8Array.of(0, 1, 254, 255),
      });
    },
  },
  {
    name: 'arrays without elements and without axes',
    async check(backend) {
      const empty = input('empty', [0, 3]);
      const scalar = input('scalar', []);
      const kept = state('kept', [0], new Float32Array(0));
      const outputs = {
        negated: empty.negate(),
        columns: empty.sum(0),
        rows: empty.sum(1),
        scaled: empty.multiply(scalar),
        scalar: scalar.add(1),
        kept,
      };
      const bench = new Bench(backend);
      const updates = [[kept, kept.add(1)]] as const;
      assert.equal(await bench.run({ outputs, updates }, { empty: floats(), scalar: floats(2) }), {
        negated: floats(),
        columns: floats(0, 0, 0),
        rows: floats(),
        scaled: floats(),
        scalar: floats(3),
        kept: floats(),
      });
      assert.equal(await bench.read(kept), floats());
    },
  },
  {
    name: 'outputs: a feed, a leaf, views of them, one value under two names; all are copies',
    async check(backend) {
      const fed = input('fed', [2, 3]);
      const leaf = state('leaf', [2, 3], floats(10, 20, 30, 40, 50, 60));
      const sum = fed.add(leaf);
      const outputs = {
        fed,
        leaf,
        turned: leaf.transpose(),
        corner: sum.slice([0, 1], [2, 3]),
        outer: fed.slice([0, 0], [2, 3], [1, 2]),
        wide: sum.sum(1, true).broadcastTo([2, 2]),
        sum,
        again: sum,
      };
      const program = await new Bench(backend).prepare({ outputs });
      const feeds = { fed: floats(1, 2, 3, 4, 5, 6) };
      const expected = {
        fed: floats(1, 2, 3, 4, 5, 6),
        leaf: floats(10, 20, 30, 40, 50, 60),
        turned: floats(10, 40, 20, 50, 30, 60),
        corner: floats(22, 33, 55, 66),
        outer: floats(1, 3, 4, 6),
        wide: floats(66, 66, 165, 165),
        sum: floats(11, 22, 33, 44, 55, 66),
        again: floats(11, 22, 33, 44, 55, 66),
      };
      const first = await program.run(feeds);
      assert.equal(first, expected);
      first.sum!.fill(-1);
      first.leaf!.fill(-1);
      first.fed!.fill(-1);
      assert.equal(first.again, expected.again);
      assert.equal(feeds.fed, expected.fed);
      assert.equal(await program.run(feeds), expected);
    },
  },
  {
    name: 'every read of a step sees the old values, outputs too',
    async check(backend) {
      const bench = new Bench(backend);
      const a = state('a', [2], floats(1, 2));
      const b = state('b', [2], floats(10, 20));
      const c = state('c', [2], floats(0, 0));
      const wanted = {
        outputs: { a, last: b.slice([1]), sum: a.add(b) },
        updates: [
          [a, a.add(b)],
          [b, a.multiply(3)],
          [c, a],
        ],
      } as const;
      const program = await bench.prepare(wanted);
      assert.equal(await program.run({}), { a: floats(1, 2), last: floats(20), sum: floats(11, 22) });
      assert.equal(await bench.read(a), floats(11, 22));
      assert.equal(await bench.read(b), floats(3, 6));
      assert.equal(await bench.read(c), floats(1, 2));
      assert.equal(await program.run({}), { a: floats(11, 22), last: floats(6), sum: floats(14, 28) });
    },
  },
  {
    name: 'updates by a view of itself, by a swap, by a feed and by one value for two leaves',
    async check(backend) {
      const bench = new Bench(backend);
      const square = state('square', [2, 2], floats(1, 2, 3, 4));
      const [left, right] = [state('left', [2], floats(1, 2)), state('right', [2], floats(3, 4))];
      const [one, two] = [state('one', [2], 0), state('two', [2], 0)];
      const fed = input('fed', [2]);
      const shared = fed.add(left);
      const updates = [
        [square, square.transpose()],
        [left, right],
        [right, left],
        [one, shared],
        [two, shared],
      ] as const;
      const program = await bench.prepare({ updates });
      const feeds = { fed: floats(100, 200) };
      assert.equal(await program.run(feeds), {});
      feeds.fed.fill(0);
      assert.equal(await bench.read(square), floats(1, 3, 2, 4));
      assert.equal(await bench.read(left), floats(3, 4));
      assert.equal(await bench.read(right), floats(1, 2));
      assert.equal(await bench.read(one), floats(101, 202));
      assert.equal(await bench.read(two), floats(101, 202));
      await (await bench.resident(one)).write(floats(5, 5));
      assert.equal(await bench.read(two), floats(101, 202));
    },
  },
  {
    name: 'updates of every dtype, one gathered from itself',
    async check(backend) {
      const bench = new Bench(backend);
      const count = state('count', [], 5, 'int32');
      const ring = state('ring', [4], Uint8Array.of(1, 2, 3, 4), 'uint8');
      const updates = [
        [count, count.add(1)],
        [ring, gather(ring, constant(integers(1, 2, 3, 0)))],
      ] as const;
      const program = await bench.prepare({ updates, outputs: { count } });
      for (const step of [0, 1, 2]) assert.equal(await program.run({}), { count: integers(5 + step) });
      assert.equal(await bench.read(ring), Uint8Array.of(4, 1, 2, 3));
      assert.equal(await bench.read(count), integers(8));
    },
  },
  {
    name: 'random numbers are the same everywhere, and other ones in the next step',
    async check(backend) {
      const bench = new Bench(backend);
      const step = state('step', [], 0, 'int32');
      const program = await bench.prepare({
        outputs: { numbers: randomUniform([2, 3], randomKey(7, ['contract'], step)) },
        updates: [[step, step.add(1)]],
      });
      const key = foldKey(7, 'contract');
      for (const time of [0, 1, 2]) {
        const numbers = Float32Array.from({ length: 6 }, (_, i) => uniformOf(i, key, time));
        assert.equal(await program.run({}), { numbers });
      }
    },
  },
];
