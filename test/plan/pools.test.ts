import * as assert from 'uvu/assert';
import { randomUniform as uniformOf } from '../../src/core/random.js';
import { sizeOf } from '../../src/core/shape.js';
import { type Engine, openEngine } from '../../src/engine/engine.js';
import type { Plan } from '../../src/plan/plan.js';
import { gradients } from '../../src/tensor/gradients.js';
import { input, parameter, state } from '../../src/tensor/leaves.js';
import { conv2d } from '../../src/tensor/ops/conv2d.js';
import { less } from '../../src/tensor/ops/pointwise.js';
import { maxPool2d } from '../../src/tensor/ops/pool.js';
import { randomKey, randomUniform } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { compareArrays } from '../support/kernelCases/compare.js';
import { kindsOf, planOf } from '../support/plans.js';
import { reasonOf } from '../support/runCase.js';
import { suite } from '../support/suite.js';

const images = input('images', [2, 9, 8, 3]);
const filter = parameter('filter', [3, 3, 3, 4], 0.1);
const bias = parameter('bias', [4], 0);
const y = conv2d(images, filter).add(bias);

function plan(outputs: Record<string, Tensor>, limits = {}): Plan {
  return planOf({ outputs }, limits);
}

const backends = [
  { backend: 'reference', precision: 'float64', poison: true },
  { backend: 'wasm', simd: 'baseline', poison: true },
  { backend: 'wasm', simd: 'relaxed', poison: true },
  { backend: 'wasm', threads: 2 },
] as const;
const engines = await Promise.all(backends.map((options) => openEngine(options).catch(reasonOf)));

suite('plans: a convolution and the pool behind it', (test) => {
  test('are one step, with what stands between and behind', () => {
    const pooled = plan({ pooled: maxPool2d(y.relu()).multiply(2) });
    assert.is(kindsOf(pooled), 'conv2d');
    assert.match(
      pooled.toString(),
      '| then relu(add(x0, x1)) pooled by window 2x2 strides 2,2 pad 0,0,0,0 gives values | then multiply(x0, 2) |',
    );
    assert.is(pooled.steps[0]!.label, 'conv2d add relu maxPool2d multiply');
    assert.equal(
      pooled.steps[0]!.outputs.map(({ shape }) => shape),
      [[2, 3, 3, 4]],
    );
  });

  test('with indices where a gradient asks for them; the image before the pool is nowhere', () => {
    const [gradient] = gradients(maxPool2d(y.relu()).square().sum(), [filter]);
    const step = plan({ gradient: gradient! });
    assert.is(kindsOf(step), 'conv2d conv2dFilterGradient');
    assert.equal(step.steps[0]!.outputs.length, 2);
    assert.not.ok(step.slots.some(({ size, leaf }) => leaf === undefined && size >= sizeOf([2, 7, 6, 4])));
  });

  test('count what they compute once', () => {
    const multiplyAdds = 2 * sizeOf([2, 7, 6, 4]) * 27;
    assert.match(
      plan({ a: maxPool2d(y) }).toString(),
      `| ${multiplyAdds + 2 * 7 * 6 * 4 + 2 * 9 * 4 * 4} flops`,
    );
  });

  test('not where the backend has no such kernel', () => {
    assert.is(kindsOf(plan({ a: maxPool2d(y) }, { absorbs: false })), 'conv2d maxPool');
  });

  test('not where somebody else wants the result, or another part of it', () => {
    assert.is(kindsOf(plan({ y, pooled: maxPool2d(y) })), 'conv2d maxPool');
    assert.is(kindsOf(plan({ sum: y.sum(), pooled: maxPool2d(y) })), 'conv2d reduce maxPool');
    assert.is(kindsOf(plan({ a: maxPool2d(y.slice([0, 1])) })), 'conv2d map maxPool');
    assert.is(kindsOf(plan({ a: maxPool2d(y.reshape([2, 6, 7, 4])) })), 'conv2d maxPool');
  });

  test('not where the windows are others', () => {
    assert.is(kindsOf(plan({ a: maxPool2d(y, 3) })), 'conv2d maxPool');
    assert.is(kindsOf(plan({ a: maxPool2d(y, 2, { strides: 1 }) })), 'conv2d maxPool');
    assert.is(kindsOf(plan({ a: maxPool2d(y, 2, { padding: 'same' }) })), 'conv2d maxPool');
  });
});

/** Convolution, bias, dropout, relu, pool, dropout, with all gradients: what a training step makes of them. */
function trainingStep(channels: number, filters: number) {
  const values = (shape: readonly number[], key: number) =>
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => uniformOf(i, key, 0) - 0.5);
  const weights = parameter('weights', [3, 3, channels, filters], values);
  const shift = parameter('shift', [filters], values);
  const step = state('step', [], 3, 'int32');
  const keep = (x: Tensor, name: string) =>
    x.multiply(less(randomUniform(x.shape, randomKey(1, [name], step)), 0.8));
  const signature = { x: { shape: [3, 9, 11, channels] } } as const;
  const build = ({ x }: { readonly x: Tensor }) => {
    const result = keep(conv2d(x, weights, { padding: 'same' }).add(shift), 'before');
    const pooled = keep(maxPool2d(result.relu()), 'behind');
    const [dw, db, dx] = gradients(pooled.square().sum(), [weights, shift, x]) as [Tensor, Tensor, Tensor];
    return { outputs: { pooled, dw, db, dx }, updates: [[step, step.add(1)] as const] };
  };
  return { signature, build };
}

async function resultsOf(engine: Engine, channels: number, filters: number, optimize: boolean) {
  const { signature, build } = trainingStep(channels, filters);
  const compiled = engine.compile(build, signature, { optimize });
  const x = Float32Array.from({ length: sizeOf(signature.x.shape) }, (_, i) => uniformOf(i, 77, 0) - 0.5);
  return { plan: compiled.plan, results: await compiled.run({ x }) };
}

for (const [i, options] of backends.entries()) {
  const engine = engines[i]!;
  suite(`training through a pooled convolution on ${Object.values(options).join(' ')}`, (test) => {
    for (const [channels, filters] of [
      [1, 5],
      [8, 12],
    ] as const) {
      const name = `${channels} to ${filters} channels, optimized and not`;
      if (typeof engine === 'string') {
        test.unavailable(name, engine);
        continue;
      }
      test(name, async () => {
        const fused = await resultsOf(engine, channels, filters, true);
        const plain = await resultsOf(engine, channels, filters, false);
        const pools = ({ steps }: Plan) => steps.filter(({ kind }) => kind === 'maxPool').length;
        assert.equal([pools(fused.plan), pools(plain.plan)], [0, 2]);
        for (const [output, array] of Object.entries(plain.results)) {
          const actual = fused.results[output as keyof typeof fused.results].data as ArrayLike<number>;
          compareArrays(actual, array.data as ArrayLike<number>, { absolute: 1e-5, relative: 1e-5 });
        }
      });
    }
  });
}

suite('plans: the gate of a relu before a pool', (test) => {
  test('moves to the entries without changing a bit', async () => {
    const open = engines.filter((engine) => typeof engine !== 'string');
    assert.ok(open.length > 0);
    // quarters with zeros, windows below zero, windows that meet in a pixel, and a gradient that is not 0 there
    const image = Float32Array.from({ length: 2 * 6 * 7 * 3 }, (_, i) => ((i * 37) % 17) / 4 - 3);
    const factors = Float32Array.from({ length: 2 * 4 * 5 * 3 }, (_, i) =>
      Math.fround(((i * 29) % 13) / 7 - 1),
    );
    const signature = { x: { shape: [2, 6, 7, 3] }, g: { shape: [2, 4, 5, 3] } } as const;
    const build = ({ x, g }: { readonly x: Tensor; readonly g: Tensor }) => {
      const pooled = maxPool2d(x.relu(), 3, { strides: 1 });
      const [dx] = gradients(pooled.multiply(g).sum(), [x]);
      return { outputs: { pooled, dx: dx! } };
    };
    const numbers = async (engine: Engine, optimize: boolean) => {
      const { dx, pooled } = await engine
        .compile(build, signature, { optimize })
        .run({ x: image, g: factors });
      return [...(dx.data as Float32Array), ...(pooled.data as Float32Array)];
    };
    for (const engine of open) {
      const moved = await numbers(engine, true);
      assert.ok(moved.some((value) => value === 0) && moved.some((value) => value > 0));
      assert.equal(moved, await numbers(engine, false));
    }
  });
});
