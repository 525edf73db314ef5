import * as assert from 'uvu/assert';
import { openReference } from '../../src/backends/reference/reference.js';
import { BackendError } from '../../src/core/errors.js';
import { call, constantOf, input as operand } from '../../src/core/expression.js';
import { numericsVersion } from '../../src/core/numerics.js';
import type { Resident } from '../../src/engine/backend.js';
import { input, state } from '../../src/tensor/leaves.js';
import { suite } from '../support/suite.js';
import {
  mapStep,
  negated,
  out,
  planOf,
  rejection,
  rejects,
  residentsOf,
  sum,
  whole,
  x0,
  x1,
} from './contract/handPlans.js';

suite('reference backend: running plans', (test) => {
  const x = input('x', [2, 3]);
  const w = state('w', [3, 2], new Float32Array([1, 2, 3, 4, 5, 6]));
  const b = state('b', [2], new Float32Array([0.5, -30]));
  /** y = relu(x · w + b), and y transposed. */
  const layer = planOf(
    [x, w, b],
    [{ size: 4, at: 64, uses: [0, 1] }],
    [
      {
        kind: 'matmul',
        specification: { epilogue: { expression: call('relu', sum), operands: 1 } },
        inputs: [whole(0, [2, 3]), whole(1, [3, 2]), { slot: 2, shape: [2, 2], strides: [0, 1], offset: 0 }],
        outputs: [{ slot: 3, shape: [2, 2] }],
      },
    ],
    [out('y', whole(3, [2, 2])), out('transposed', { slot: 3, shape: [2, 2], strides: [1, 2], offset: 0 })],
  );

  test('a step over fed and resident values, fetched as they are viewed', async () => {
    const backend = await openReference();
    const program = await backend.prepare(layer, await residentsOf(backend, [x, w, b]));
    const fetches = await program.run({ x: new Float32Array([1, 2, 3, 4, 5, 6]) });
    assert.equal(fetches, {
      y: new Float32Array([22.5, 0, 49.5, 34]),
      transposed: new Float32Array([22.5, 49.5, 0, 34]),
    });
    assert.is(program.explain(), 'matmul (matmul): loops in row-major order, sums in float64');
  });

  test('what it tells of itself', async () => {
    const backend = await openReference();
    assert.equal(backend.report, {
      backend: 'reference',
      threads: 1,
      numerics: `reference ${numericsVersion}, float64 arithmetic, float32 storage`,
    });
    assert.equal(backend.limits, {
      inputs: 64,
      outputs: 64,
      inPlace: true,
      fuseRandom: true,
      absorbs: true,
    });
    const { report } = await openReference({ precision: 'float64' });
    assert.is(report.numerics, `reference ${numericsVersion}, float64 arithmetic, float64 storage`);
  });

  test('fetches are copies: neither leaf nor feed changes with them', async () => {
    const backend = await openReference();
    const leaf = state('leaf', [2], new Float32Array([1, 2]));
    const fed = input('fed', [2]);
    const plan = planOf([leaf, fed], [], [], [out('leaf', whole(0, [2])), out('fed', whole(1, [2]))]);
    const program = await backend.prepare(plan, await residentsOf(backend, [leaf, fed]));
    const feed = new Float32Array([3, 4]);
    const first = await program.run({ fed: feed });
    first.leaf!.fill(9);
    first.fed!.fill(9);
    assert.equal(await program.run({ fed: feed }), {
      leaf: new Float32Array([1, 2]),
      fed: new Float32Array([3, 4]),
    });
  });

  const count = state('count', [], 10, 'int32');
  const added = input('added', [2], 'int32');
  /** total = count + added; count = count + 1, in place. */
  const counting = planOf(
    [count, added],
    [{ dtype: 'int32', size: 2, at: 0, uses: [0, 1] }],
    [
      {
        kind: 'map',
        specification: { expressions: [call('add', operand(0, 'int32'), operand(1, 'int32'))] },
        inputs: [{ slot: 0, shape: [2], strides: [0], offset: 0 }, whole(1, [2])],
        outputs: [{ slot: 2, shape: [2] }],
      },
      mapStep([call('add', operand(0, 'int32'), constantOf(1, 'int32'))], [0], [0], []),
    ],
    [out('total', whole(2, [2]), 'int32')],
    [{ leaf: count, slot: 0 }],
  );

  test('many steps: each on its own slice of the feeds, outputs of the last, updates kept', async () => {
    const backend = await openReference();
    const residents = await residentsOf(backend, [count, added]);
    const program = await backend.prepare(counting, residents);
    const finished: number[] = [];
    const feeds = { added: new Int32Array([1, 2, 10, 20, 100, 200]) };
    const fetches = await program.run(feeds, { steps: 3, onProgress: (steps) => finished.push(steps) });
    assert.equal(fetches, { total: new Int32Array([112, 212]) });
    assert.equal(await residents.get(count)!.read(), new Int32Array([13]));
    assert.equal(finished, [1, 2, 3]);
  });

  test('an update that is not in place moves at the end of the step: two leaves swap', async () => {
    const backend = await openReference();
    const a = state('a', [2], new Float32Array([1, 2]));
    const c = state('c', [2], new Float32Array([3, 4]));
    const plan = planOf(
      [a, c],
      [],
      [],
      [out('a', whole(0, [2]))],
      [
        { leaf: a, slot: 1 },
        { leaf: c, slot: 0 },
      ],
    );
    const residents = await residentsOf(backend, [a, c]);
    const program = await backend.prepare(plan, residents);
    assert.equal(await program.run({}), { a: new Float32Array([1, 2]) });
    assert.equal(await residents.get(a)!.read(), new Float32Array([3, 4]));
    assert.equal(await residents.get(c)!.read(), new Float32Array([1, 2]));
  });

  test('a signal ends the run at the next step boundary, with its reason; what was done stays', async () => {
    const backend = await openReference();
    const residents = await residentsOf(backend, [count, added]);
    const program = await backend.prepare(counting, residents);
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = (finished: number) => {
      if (finished === 2) controller.abort(reason);
    };
    const feeds = { added: new Int32Array(10) };
    const run = program.run(feeds, { steps: 5, signal: controller.signal, onProgress });
    assert.is(await rejection(run), reason);
    assert.equal(await residents.get(count)!.read(), new Int32Array([12]));
    assert.is(
      await rejection(program.run({ added: new Int32Array(2) }, { signal: controller.signal })),
      reason,
    );
    assert.equal(await residents.get(count)!.read(), new Int32Array([12]));
  });

  test('a long run lets timers in, so that a signal can come from outside', async () => {
    const backend = await openReference();
    const program = await backend.prepare(counting, await residentsOf(backend, [count, added]));
    const steps = 5_000_000;
    const run = program.run({ added: new Int32Array(2 * steps) }, { steps, signal: AbortSignal.timeout(50) });
    assert.is(((await rejection(run)) as Error).name, 'TimeoutError');
  });

  test('plans of empty arrays and of scalars', async () => {
    const backend = await openReference();
    const [empty, scalar] = [input('empty', [0, 3]), input('scalar', [])];
    const plan = planOf(
      [empty, scalar],
      [
        { size: 0, at: 0, uses: [0, 2] },
        { size: 1, at: 0, uses: [1, 2] },
      ],
      [mapStep([negated], [0], [2], [0, 3]), mapStep([negated], [1], [3], [])],
      [out('empty', whole(2, [0, 3])), out('scalar', whole(3, []))],
    );
    const program = await backend.prepare(plan, await residentsOf(backend, [empty, scalar]));
    assert.equal(await program.run({ empty: new Float32Array(0), scalar: new Float32Array([2]) }), {
      empty: new Float32Array(0),
      scalar: new Float32Array([-2]),
    });
  });

  test('float64 keeps what float32 storage rounds away, at twice the offsets', async () => {
    // (x + 2^-40) − x over two slots, the second behind the first
    const fed = input('fed', [2]);
    const shape = [2];
    const plan = planOf(
      [fed],
      [
        { size: 2, at: 0, uses: [0, 1] },
        { size: 2, at: 8, uses: [1, 2] },
      ],
      [
        mapStep([call('add', x0, constantOf(2 ** -40))], [0], [1], shape),
        mapStep([call('subtract', x0, x1)], [1, 0], [2], shape),
      ],
      [out('difference', whole(2, shape)), out('sum', whole(1, shape))],
    );
    const feeds = { fed: new Float32Array([1, 0.5]) };
    for (const [precision, expected] of [
      ['float32', 0],
      ['float64', 2 ** -40],
    ] as const) {
      const backend = await openReference({ precision });
      const program = await backend.prepare(plan, new Map());
      assert.equal(await program.run(feeds), {
        difference: new Float32Array([expected, expected]),
        sum: new Float32Array([1, 0.5]),
      });
    }
  });
});

suite('reference backend: what it refuses', (test) => {
  test('a plan whose leaf has no resident of this backend', async () => {
    const backend = await openReference();
    const w = state('w', [2, 2], 0);
    const other = planOf([w], [], [], []);
    const message = 'reference: state w float32[2, 2] has no resident of this backend';
    await rejects(backend.prepare(other, new Map()), BackendError, message);
    const foreign: Resident = { read: async () => w.initial(), write: async () => {}, release: () => {} };
    await rejects(backend.prepare(other, new Map([[w, foreign]])), BackendError, message);
  });
});
