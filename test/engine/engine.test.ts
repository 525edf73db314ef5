import ndarray from 'ndarray';
import * as assert from 'uvu/assert';
import { BackendError, PlanError, UsageError } from '../../src/core/errors.js';
import { type Engine, openEngine, type StepFunction } from '../../src/engine/engine.js';
import { gradients } from '../../src/tensor/gradients.js';
import { constant, input, parameter, state } from '../../src/tensor/leaves.js';
import { less } from '../../src/tensor/ops/pointwise.js';
import { softmaxCrossEntropy } from '../../src/tensor/ops/softmax.js';
import { randomKey, randomUniform } from '../../src/tensor/random.js';
import type { Leaf } from '../../src/tensor/tensor.js';
import { rejects as refused } from '../data/support.js';
import { openCandidates } from '../support/candidates.js';
import { rejects, throws } from '../support/messages.js';
import { suite } from '../support/suite.js';

/** A small classifier with dropout, momentum and a step counter, over batches of any size. */
function trainer(name: string) {
  const values = (shape: readonly number[], key: number) =>
    Float32Array.from({ length: shape[0]! * shape[1]! }, (_, i) => Math.sin(i + (key % 7)));
  const first = parameter(`${name}.first`, [6, 8], values);
  const second = parameter(`${name}.second`, [8, 3], values);
  const moments = [first, second].map(({ name: path, shape }) => state(`${path}.moment`, shape, 0));
  const counter = state(`${name}.counter`, [], 0, 'int32');
  const step: StepFunction<ReturnType<typeof signature>, 'loss'> = ({ x, y }) => {
    const hidden = x.matmul(first).relu();
    const mask = less(randomUniform(hidden.shape, randomKey(5, ['mask'], counter)), 0.8);
    const loss = softmaxCrossEntropy(hidden.multiply(mask).matmul(second), y).mean();
    const updates: [Leaf, typeof loss][] = [[counter, counter.add(1)]];
    gradients(loss, [first, second]).forEach((gradient, i) => {
      const moment = moments[i]!.multiply(0.9).add(gradient);
      const weights = [first, second][i]!;
      updates.push([moments[i]!, moment], [weights, weights.subtract(moment.multiply(0.1))]);
    });
    return { outputs: { loss }, updates };
  };
  return { leaves: [first, second, ...moments, counter], step };
}

const signature = (batch: number) =>
  ({ x: { shape: [batch, 6] }, y: { shape: [batch], dtype: 'int32' } }) as const;

function batchOf(batch: number, steps: number) {
  return {
    x: Float32Array.from({ length: steps * batch * 6 }, (_, i) => Math.cos(i * 1.7)),
    y: Int32Array.from({ length: steps * batch }, (_, i) => (i * 5) % 3),
  };
}

async function bytesOf(engine: Engine, leaves: readonly Leaf[]): Promise<string> {
  const read = await Promise.all(leaves.map((leaf) => engine.read(leaf)));
  return read.map(({ data }) => Buffer.from((data as Float32Array).buffer).toString('hex')).join();
}

const closing = await openEngine({ backend: 'reference' });
const failing = await openEngine({ backend: 'reference' });

for (const { name, options, engine } of await openCandidates({ poison: true })) {
  suite(`engine on ${name}`, (test) => {
    if (typeof engine === 'string') {
      test.unavailable('all of it', engine);
      return;
    }
    test.after(() => engine.close());

    test('training, evaluation and reading share what they keep', async () => {
      const w = parameter('w', [2], 1);
      const train = engine.compile(({ g }) => ({ updates: [[w, w.subtract(g)]] }), { g: { shape: [2] } });
      const evaluate = engine.compile(({ x }) => ({ outputs: { y: w.multiply(x) } }), { x: { shape: [2] } });
      await train.run({ g: Float32Array.of(-1, -2) });
      const { y } = await evaluate.run({ x: Float32Array.of(10, 10) });
      assert.equal(Array.from(y.data as Float32Array), [20, 30]);
      assert.is((await engine.read(w.sum())).get(), 5);
      await engine.write(w, Float32Array.of(7, 8));
      assert.is((await engine.read(w.sum())).get(), 15);
      assert.equal(Array.from((await engine.read(w)).data as Float32Array), [7, 8]);
    });

    test('two engines keep two values of one leaf', async () => {
      const w = parameter('w', [1], 1);
      await using other = await openEngine({ backend: 'reference' });
      await engine.write(w, Float32Array.of(5));
      assert.is((await other.read(w)).get(0), 1);
      assert.is((await engine.read(w)).get(0), 5);
    });

    test('many steps in one run give the bytes of as many runs, and the last outputs', async () => {
      const [single, grouped] = [trainer('bytes'), trainer('bytes')];
      const [batch, steps] = [8, 6];
      const { x, y } = batchOf(batch, steps);
      const one = engine.compile(single.step, signature(batch));
      const losses: number[] = [];
      for (let i = 0; i < steps; i++) {
        const feeds = {
          x: x.subarray(i * batch * 6, (i + 1) * batch * 6),
          y: y.subarray(i * batch, (i + 1) * batch),
        };
        losses.push((await one.run(feeds)).loss.get());
      }
      const all = engine.compile(grouped.step, signature(batch));
      const { loss } = await all.run({ x, y }, { steps });
      assert.is(loss.get(), losses.at(-1));
      assert.is(await bytesOf(engine, grouped.leaves), await bytesOf(engine, single.leaves));
      assert.is((await engine.read(grouped.leaves.at(-1)!)).get(), steps);
    });

    test('the ragged last batch is a plan of its own over the same leaves', async () => {
      const model = trainer('ragged');
      const [whole, rest] = [8, 3].map((batch) => engine.compile(model.step, signature(batch)));
      await whole!.run(batchOf(8, 1));
      await rest!.run(batchOf(3, 1));
      await whole!.run(batchOf(8, 1));
      assert.is((await engine.read(model.leaves.at(-1)!)).get(), 3);
      assert.equal(
        whole!.plan.updates.map(({ leaf }) => leaf),
        rest!.plan.updates.map(({ leaf }) => leaf),
      );
    });

    test('calls take effect in the order in which they are made', async () => {
      const w = state('w', [1], 1);
      const double = engine.compile(() => ({ outputs: { old: w }, updates: [[w, w.multiply(2)]] }), {});
      const results = await Promise.all([
        double.run({}),
        engine.read(w),
        engine.write(w, Float32Array.of(10)),
        double.run({}),
        engine.read(w.add(1)),
      ]);
      assert.is(results[0].old.get(0), 1);
      assert.is(results[1].get(0), 2);
      assert.is(results[3].old.get(0), 10);
      assert.is(results[4].get(0), 21);
    });

    test('feeds: a number, a typed array, an ndarray with any strides', async () => {
      const step = engine.compile(({ a, s }) => ({ outputs: { y: a.multiply(s) } }), {
        a: { shape: [2, 3] },
        s: { shape: [] },
      });
      const plain = await step.run({ a: Float32Array.of(1, 2, 3, 4, 5, 6), s: 10 });
      assert.equal(Array.from(plain.y.data as Float32Array), [10, 20, 30, 40, 50, 60]);
      const turned = ndarray(Float32Array.of(1, 4, 2, 5, 3, 6), [3, 2]).transpose(1, 0);
      const viewed = await step.run({ a: turned, s: ndarray([10], []) });
      assert.equal(Array.from(viewed.y.data as Float32Array), [10, 20, 30, 40, 50, 60]);
    });

    test('an input that the plan does not need is taken and left', async () => {
      const step = engine.compile(({ a }) => ({ outputs: { y: a.add(1) } }), {
        a: { shape: [1] },
        unused: { shape: [4], dtype: 'int32' },
      });
      const { y } = await step.run({ a: Float32Array.of(1), unused: new Int32Array(4) });
      assert.is(y.get(0), 2);
    });

    test('an abort ends the run between two steps: what was done stays', async () => {
      const w = state('w', [1], 0);
      const step = engine.compile(() => ({ updates: [[w, w.add(1)]] }), {});
      const controller = new AbortController();
      const finished: number[] = [];
      const run = step.run(
        {},
        {
          steps: 10,
          signal: controller.signal,
          onProgress: (count) => {
            finished.push(count);
            if (count === 4) controller.abort(new Error('enough'));
          },
        },
      );
      await rejects(() => run, Error, 'enough');
      assert.equal(finished, [1, 2, 3, 4]);
      assert.is((await engine.read(w)).get(0), 4);
    });

    test('it tells what runs', async () => {
      assert.is(engine.report.backend, options.backend);
      const step = engine.compile(({ a }) => ({ outputs: { y: a.add(1).sum() } }), { a: { shape: [5] } });
      assert.ok((await step.explain()).split('\n').length >= 1);
    });
  });
}

suite('engine: what it refuses', (test) => {
  for (const backend of ['wasm', 'reference'] as const) {
    test(`more memory than there is, before values are drawn: ${backend}`, async () => {
      await using engine = await openEngine({ backend });
      for (const units of [2_000_000, 1e9]) {
        let drawn = false;
        const weights = parameter('kernel', [784, units], () => {
          drawn = true;
          return new Float32Array(0);
        });
        const message =
          /^engine: out of memory: \d+ MiB are wanted, \d+ of them by parameter kernel float32\[784, \d+\], 4096 MiB is the most\n {2}Fewer units or filters/;
        await refused(engine.read(weights), BackendError, message);
        const step = engine.compile(() => ({ updates: [[weights, weights.multiply(2)]] }), {});
        await refused(step.run({}), BackendError, message);
        assert.not(drawn);
      }
    });
  }

  test.after(() => failing.close());
  const a = input('a', [2]);
  const w = parameter('w', [2], 0);
  const step = failing.compile(({ x, n }) => ({ outputs: { y: x.multiply(n.cast('float32')) } }), {
    x: { shape: [2, 2] },
    n: { shape: [], dtype: 'int32' },
  });
  const good = { x: new Float32Array(4), n: 1 };

  test('feeds that do not fit', async () => {
    await rejects(() => step.run({ ...good, z: 1 } as never), PlanError, "run: there is no input 'z': x, n");
    await rejects(() => step.run({ n: 1 } as never), PlanError, "run: input 'x' is not fed");
    await rejects(() => step.run({ ...good, x: undefined } as never), PlanError, "run: input 'x' is not fed");
    await rejects(
      () => step.run({ ...good, x: new Int32Array(4) }),
      PlanError,
      "run: input 'x': takes float32, not int32",
    );
    await rejects(
      () => step.run({ ...good, n: ndarray(Float32Array.of(1.5), []) }),
      PlanError,
      "run: input 'n': takes int32, not float32",
    );
    await rejects(
      () => step.run({ ...good, x: new Float32Array(5) }),
      PlanError,
      "run: input 'x': 5 elements do not fill [2, 2] (5 and 4)",
    );
    await rejects(
      () => step.run({ ...good, x: 3 }),
      PlanError,
      "run: input 'x': 1 elements do not fill [2, 2] (1 and 4)",
    );
    await rejects(
      () => step.run({ ...good, x: ndarray(new Float32Array(4), [4, 1]) }),
      PlanError,
      "run: input 'x' has another shape: [4, 1] and [2, 2]",
    );
    await rejects(
      () => step.run(good, { steps: 3 }),
      PlanError,
      "run: input 'x': 4 elements do not fill [3, 2, 2] (4 and 12)",
    );
    await rejects(() => step.run(good, { steps: 0 }), PlanError, 'run: steps must be an integer ≥ 1: 0');
    await rejects(
      () => failing.compile(() => ({ outputs: { y: w } }), {}).run({ z: 1 } as never),
      PlanError,
      "run: there is no input 'z': the step has none",
    );
  });

  test('an input of another step', async () => {
    const hint = '  A step computes with the inputs that it is called with; read takes no inputs at all.';
    throws(
      () => failing.compile(() => ({ outputs: { y: a.add(1) } }), {}),
      PlanError,
      `compile: input a float32[2] is not an input of this step\n${hint}`,
    );
    throws(
      () => failing.compile(({ a: own }) => ({ outputs: { y: a.add(own) } }), { a: { shape: [2] } }),
      PlanError,
      `compile: input a float32[2] is not an input of this step\n${hint}`,
    );
    await rejects(
      () => failing.read(a.add(1)),
      PlanError,
      `compile: input a float32[2] is not an input of this step\n${hint}`,
    );
    await rejects(
      () => failing.read(a),
      PlanError,
      `compile: input a float32[2] is not an input of this step\n${hint}`,
    );
  });

  test('updates that cannot be', () => {
    const update = (leaf: Leaf, value: Leaf) => () =>
      failing.compile(() => ({ updates: [[leaf, value]] }), {});
    throws(
      update(constant(1), w),
      PlanError,
      'updates: only a parameter or a state can be updated, not constant 1 float32[]',
    );
    throws(
      update(w.add(1) as Leaf, w),
      PlanError,
      'updates: only a parameter or a state can be updated, not add float32[2]',
    );
    throws(
      () =>
        failing.compile(
          () => ({
            updates: [
              [w, w.add(1)],
              [w, w.add(2)],
            ],
          }),
          {},
        ),
      PlanError,
      'updates: w is updated twice in one step',
    );
    throws(
      update(w, state('s', [3], 0)),
      PlanError,
      'updates: w cannot take another shape or dtype: float32[2] and float32[3]',
    );
    throws(
      update(w, state('s', [2], 0, 'int32')),
      PlanError,
      'updates: w cannot take another shape or dtype: float32[2] and int32[2]',
    );
  });

  test('values that do not fit a leaf', async () => {
    await rejects(() => failing.write(w, new Int32Array(2)), PlanError, 'w: takes float32, not int32');
    await rejects(
      () => failing.write(w, new Float32Array(3)),
      PlanError,
      'w: 3 elements do not fill [2] (3 and 2)',
    );
    await rejects(
      () => failing.write(w, [1, 2] as never),
      PlanError,
      'w: takes float32, not Array\n  Give new Float32Array(…) of it.',
    );
  });

  test('everything, once it is closed; what runs is finished first', async () => {
    const running = closing.compile(({ x }) => ({ outputs: { y: x.add(1) } }), { x: { shape: [1] } });
    const run = running.run({ x: Float32Array.of(1) });
    await closing.close();
    await closing.close();
    assert.is((await run).y.get(0), 2);
    const message = 'engine: it has been closed';
    await rejects(() => running.run({ x: Float32Array.of(1) }), BackendError, message);
    await rejects(() => running.prepare(), BackendError, message);
    await rejects(() => running.explain(), BackendError, message);
    await rejects(() => closing.read(w), BackendError, message);
    await rejects(() => closing.write(w, new Float32Array(2)), BackendError, message);
    throws(() => closing.compile(() => ({}), {}), BackendError, message);
  });

  test('a backend that nobody knows', async () => {
    await rejects(
      () => openEngine({ backend: 'tpu' as never }),
      UsageError,
      "openEngine: unknown backend 'tpu': auto, wasm, reference, gpu",
    );
  });
});

suite('engine: compiling', (test) => {
  test('the same function with the same signature is planned once', async () => {
    await using engine = await openEngine({ backend: 'reference' });
    let traced = 0;
    const step = ({ x }: { x: Leaf }) => {
      traced++;
      return { outputs: { y: x.add(1) } };
    };
    const once = engine.compile(step, { x: { shape: [2] } });
    assert.is(engine.compile(step, { x: { shape: [2] } }), once);
    assert.is.not(engine.compile(step, { x: { shape: [3] } }), once);
    assert.is.not(engine.compile(step, { x: { shape: [2] } }, { optimize: false }), once);
    assert.is(traced, 3);
  });

  test('a failed run does not stop those behind it', async () => {
    await using engine = await openEngine({ backend: 'reference' });
    const broken = parameter('broken', [2], new Float32Array(3));
    const reading = engine.read(broken);
    const after = engine.read(constant(4));
    await rejects(() => reading, Error, 'broken: the initial value has 3 elements, the shape [2] 2');
    assert.is((await after).get(), 4);
  });
});
