import * as assert from 'uvu/assert';
import type { Engine, StepResult } from '../../src/engine/engine.js';
import type { Plan } from '../../src/plan/plan.js';
import { parameter, state } from '../../src/tensor/leaves.js';
import type { Leaf, Tensor } from '../../src/tensor/tensor.js';
import { openCandidates } from '../support/candidates.js';
import { gpuLimits, kindsOf, openLimited, planOf } from '../support/plans.js';
import { suite } from '../support/suite.js';

/** Copies at the end of a plan: what could not be done in place. */
function copiesOf(plan: Plan): number {
  return plan.steps.filter(({ label }) => label === 'copy').length;
}

function leaf(name: string, ...values: number[]): Leaf {
  return state(name, [values.length], Float32Array.from(values));
}

async function valuesOf(engine: Engine, ...leaves: Leaf[]): Promise<number[][]> {
  const read = await Promise.all(leaves.map((each) => engine.read(each)));
  return read.map(({ data }) => Array.from(data as Float32Array));
}

const candidates = [
  ...(await openCandidates({ poison: true })),
  {
    name: 'reference, by rebinding',
    engine: await openLimited(gpuLimits, { backend: 'reference', poison: true }),
  },
];

for (const { name, engine } of candidates) {
  suite(`updates on ${name}`, (test) => {
    if (typeof engine === 'string') {
      test.unavailable('all of them', engine);
      return;
    }
    test.after(() => engine.close());

    /** Runs a step without inputs a few times. */
    const run = async (step: () => StepResult<string>, times = 1): Promise<Record<string, number[]>> => {
      const compiled = engine.compile(step, {});
      let outputs = {};
      for (let i = 0; i < times; i++) outputs = await compiled.run({});
      return Object.fromEntries(
        Object.entries(outputs as Awaited<ReturnType<typeof compiled.run>>).map(([key, value]) => [
          key,
          Array.from(value.data as Float32Array),
        ]),
      );
    };

    test('two leaves swap', async () => {
      const [a, b] = [leaf('a', 1, 2), leaf('b', 3, 4)];
      await run(() => ({
        updates: [
          [a, b],
          [b, a],
        ],
      }));
      assert.equal(await valuesOf(engine, a, b), [
        [3, 4],
        [1, 2],
      ]);
      await run(
        () => ({
          updates: [
            [a, b],
            [b, a],
          ],
        }),
        2,
      );
      assert.equal(await valuesOf(engine, a, b), [
        [3, 4],
        [1, 2],
      ]);
    });

    test('three leaves go round', async () => {
      const [a, b, c] = [leaf('a', 1), leaf('b', 2), leaf('c', 3)];
      await run(
        () => ({
          updates: [
            [a, b],
            [b, c],
            [c, a],
          ],
        }),
        2,
      );
      assert.equal(await valuesOf(engine, a, b, c), [[3], [1], [2]]);
    });

    test('an output shows the old value, another the new', async () => {
      const a = leaf('a', 1, 2);
      const next = a.multiply(10);
      const outputs = await run(
        () => ({ outputs: { old: a, next, turned: a.reshape([2, 1]) }, updates: [[a, next]] }),
        2,
      );
      assert.equal(outputs, { old: [10, 20], next: [100, 200], turned: [10, 20] });
      assert.equal(await valuesOf(engine, a), [[100, 200]]);
    });

    test('every read in a step sees the old value, also behind the update', async () => {
      const [a, b] = [leaf('a', 1, 2), leaf('b', 0, 0)];
      const next = a.add(1);
      // b is computed from the new a and from the old one
      await run(() => ({
        updates: [
          [a, next],
          [b, next.multiply(100).add(a.sum().multiply(1))],
        ],
      }));
      assert.equal(await valuesOf(engine, a, b), [
        [2, 3],
        [203, 303],
      ]);
    });

    test('an old value that is needed in another order than it is written', async () => {
      const a = leaf('a', 1, 2, 3, 4);
      const turned = a.reshape([2, 2]).transpose().reshape([4]);
      await run(() => ({ updates: [[a, a.add(turned)]] }), 2);
      assert.equal(await valuesOf(engine, a), [[4, 10, 10, 16]]);
    });

    test('one value for two leaves', async () => {
      const [a, b] = [leaf('a', 1, 2), leaf('b', 5, 5)];
      const next = a.add(b);
      await run(
        () => ({
          updates: [
            [a, next],
            [b, next],
          ],
        }),
        2,
      );
      assert.equal(await valuesOf(engine, a, b), [
        [12, 14],
        [12, 14],
      ]);
    });

    test('a leaf takes itself, another leaf, a view, a constant fill', async () => {
      const [a, b, c, d] = [leaf('a', 1, 2), leaf('b', 3, 4), leaf('c', 5, 6), leaf('d', 7, 8)];
      await run(() => ({
        updates: [
          [a, a],
          [b, a],
          [c, c.slice([0], [1]).broadcastTo([2])],
          [d, d.multiply(0).add(9)],
        ],
      }));
      assert.equal(await valuesOf(engine, a, b, c, d), [
        [1, 2],
        [1, 2],
        [5, 5],
        [9, 9],
      ]);
    });

    test('several outputs of one map, each into its own leaf', async () => {
      const [w, m, v] = [parameter('w', [3], 1), state('m', [3], 2), state('v', [3], 3)];
      const nextM = m.multiply(2).add(w);
      const nextV = v.add(nextM);
      await run(() => ({
        updates: [
          [m, nextM],
          [v, nextV],
          [w, w.subtract(nextV.multiply(m))],
        ],
      }));
      assert.equal(await valuesOf(engine, w, m, v), [
        [-15, -15, -15],
        [5, 5, 5],
        [8, 8, 8],
      ]);
    });

    test('weights that their own gradient is made of', async () => {
      const w = parameter('w', [2, 2], Float32Array.of(1, 2, 3, 4));
      await run(() => ({ updates: [[w, w.subtract(w.matmul(w).multiply(0.5))]] }));
      assert.equal(await valuesOf(engine, w), [[-2.5, -3, -4.5, -7]]);
    });

    test('a step counter in int32', async () => {
      const step = state('step', [], 41, 'int32');
      await run(() => ({ updates: [[step, step.add(1)]] }), 3);
      assert.equal((await engine.read(step)).get(), 44);
    });
  });
}

suite('updates: what is done in place', (test) => {
  const plan = (updates: [Leaf, Tensor][], outputs: Record<string, Tensor> = {}) =>
    planOf({ updates, outputs });
  const a = leaf('a', 1, 2);
  const b = leaf('b', 3, 4);

  test('a map over its own leaf', () => {
    const one = plan([[a, a.add(b)]]);
    assert.is(kindsOf(one), 'map');
    assert.equal(
      one.updates.map(({ slot }) => one.slots[slot]!.leaf),
      [a],
    );
  });

  test('a swap takes one copy more than it has leaves', () => {
    assert.is(
      copiesOf(
        plan([
          [a, b],
          [b, a],
        ]),
      ),
      3,
    );
  });

  test('an update that another step reads afterwards comes after that step', () => {
    const one = plan([
      [a, a.add(1)],
      [b, a.sum().add(b)],
    ]);
    assert.is(copiesOf(one), 0);
    assert.equal(
      one.steps.map(({ kind }) => kind),
      ['reduce', 'map', 'map'],
    );
  });

  test('an update that is read before and after cannot', () => {
    const next = a.add(1);
    const one = plan(
      [
        [a, next],
        [b, next.sum().add(b.multiply(a.sum()))],
      ],
      { old: a.multiply(next.max()) },
    );
    assert.is(copiesOf(one), 1);
  });

  test('weights in gradient descent: a map of their own, not an epilogue with a copy behind', () => {
    const w = parameter('w', [2, 2], 1);
    const one = plan([
      [
        w,
        w.subtract(
          state('g', [2, 2], 1)
            .matmul(state('h', [2, 2], 1))
            .multiply(0.1),
        ),
      ],
    ]);
    assert.is(kindsOf(one), 'matmul map');
    assert.is(copiesOf(one), 0);
  });

  test('where there is no work in place the new value has a slot of its own', () => {
    const one = planOf({ updates: [[a, a.add(b)]] }, gpuLimits);
    assert.equal(
      one.updates.map(({ slot }) => one.slots[slot]!.leaf),
      [undefined],
    );
    assert.is(one.slots[one.updates[0]!.slot]!.lastUse, 1);
  });
});
