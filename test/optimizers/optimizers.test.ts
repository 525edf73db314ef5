import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import type { BackendOptions } from '../../src/engine/choose.js';
import { adam } from '../../src/optimizers/adam.js';
import type { Optimizer } from '../../src/optimizers/optimizer.js';
import { optimizerNames, parseOptimizer } from '../../src/optimizers/parse.js';
import { sgd } from '../../src/optimizers/sgd.js';
import { gradients } from '../../src/tensor/gradients.js';
import { input, parameter, state } from '../../src/tensor/leaves.js';
import { add } from '../../src/tensor/ops/pointwise.js';
import type { Leaf, Tensor } from '../../src/tensor/tensor.js';
import { assertClose, assertThrows, readFixture, valuesOf, withEngine } from '../nn/support.js';
import { suite } from '../support/suite.js';

interface Case {
  readonly name: string;
  readonly options: Readonly<Record<string, number | boolean>>;
  readonly rates: number[];
  /** Both parameters after every step. */
  readonly trajectory: [number[], number[]][];
}

const { about, start, cases } = readFixture<{ about: string; start: [number[][], number[]]; cases: Case[] }>(
  'optimizers/fixtures/optimizers.json',
);

/** The loss of the fixture: Σ a tanh a + Σ b⁴ + Σ a[:, 0] b. */
function lossOf(a: Tensor, b: Tensor): Tensor {
  const column = a.slice([0, 0], [2, 1]).reshape([2]);
  return a.tanh().multiply(a).sum().add(b.square().square().sum()).add(column.multiply(b).sum());
}

function makeParameters(): [Leaf, Leaf] {
  return [
    parameter('a', [2, 3], Float32Array.from(start[0].flat())),
    parameter('b', [2], Float32Array.from(start[1])),
  ];
}

async function follow(backend: BackendOptions, one: Case, tolerance: number): Promise<void> {
  const optimizer = parseOptimizer(one.name, one.options);
  const [a, b] = makeParameters();
  const built = optimizer.build([a, b]);
  const steps = state('steps', [], 0, 'int32');
  await withEngine(backend, async (engine) => {
    const step = engine.compile(
      ({ rate }) => {
        const next = add(steps, 1);
        return { updates: [...built.updates(gradients(lossOf(a, b), [a, b]), rate, next), [steps, next]] };
      },
      { rate: { shape: [] } },
    );
    for (const [i, rate] of one.rates.entries()) {
      await step.run({ rate });
      assertClose(`a after step ${i + 1}`, valuesOf(await engine.read(a)), one.trajectory[i]![0], tolerance);
      assertClose(`b after step ${i + 1}`, valuesOf(await engine.read(b)), one.trajectory[i]![1], tolerance);
    }
  });
}

suite(`optimizers beside ${about}`, (test) => {
  for (const one of cases) {
    const rates = new Set(one.rates).size > 1 ? ', the rate halved on the way' : '';
    const title = `${one.name} ${JSON.stringify(one.options)}${rates}`;
    // the fixture's start is rounded to float32 here
    test(`reference: ${title}`, () => follow({ backend: 'reference', precision: 'float64' }, one, 1e-6));
    test(`wasm: ${title}`, () => follow({ backend: 'wasm' }, one, 2e-5));
  }
});

/** A plan of one step for the parameters above. */
async function planOf(optimizer: Optimizer) {
  const [a, b] = makeParameters();
  return withEngine({ backend: 'wasm' }, async (engine) => {
    const built = optimizer.build([a, b]);
    const { plan } = engine.compile(
      ({ ga, gb, rate, step }) => ({ updates: built.updates([ga, gb], rate, step) }),
      { ga: { shape: [2, 3] }, gb: { shape: [2] }, rate: { shape: [] }, step: { shape: [], dtype: 'int32' } },
    );
    return plan;
  });
}

suite('optimizers', (test) => {
  test('defaults', () => {
    const { name, learningRate, options } = sgd();
    assert.equal(
      { name, learningRate, options },
      {
        name: 'sgd',
        learningRate: 0.01,
        options: { momentum: 0, nesterov: false, weightDecay: 0 },
      },
    );
    assert.is(adam().learningRate, 0.001);
    assert.equal(adam().options, { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0 });
  });

  test('states are named by slot and parameter', () => {
    const [a, b] = makeParameters();
    const names = (optimizer: Optimizer) => optimizer.build([a, b]).states.map(({ name }) => name);
    assert.equal(names(sgd()), []);
    assert.equal(names(sgd({ momentum: 0.9 })), ['optimizer.velocity.a', 'optimizer.velocity.b']);
    assert.equal(names(adam()), [
      'optimizer.firstMoment.a',
      'optimizer.firstMoment.b',
      'optimizer.secondMoment.a',
      'optimizer.secondMoment.b',
    ]);
    assert.equal(
      adam()
        .build([a])
        .states.map(({ shape, kind }) => [shape, kind]),
      [
        [[2, 3], 'state'],
        [[2, 3], 'state'],
      ],
    );
  });

  test('an update is one map per parameter, in place, behind what all of them share', async () => {
    const maps = async (optimizer: Optimizer) =>
      (await planOf(optimizer)).steps.map(({ kind, outputs }) => [kind, outputs.length]);
    assert.equal(await maps(sgd()), [
      ['map', 1],
      ['map', 1],
    ]);
    assert.equal(await maps(sgd({ momentum: 0.9, nesterov: true })), [
      ['map', 2],
      ['map', 2],
    ]);
    // the corrected learning rate, then parameter and both moments
    assert.equal(await maps(adam()), [
      ['map', 1],
      ['map', 3],
      ['map', 3],
    ]);
    // and the factor of the weight decay
    const plan = await planOf(adam({ weightDecay: 0.1 }));
    assert.equal(plan.steps.map(({ outputs }) => outputs.length).sort(), [1, 1, 3, 3]);
    for (const { leaf, slot } of plan.updates) assert.is(plan.slots[slot]!.leaf, leaf);
  });

  test('adam corrects its bias to full precision from the first step to the hundred thousandth', async () => {
    await withEngine({ backend: 'wasm' }, async (engine) => {
      const w = parameter('w', [1], 0);
      const built = adam({ epsilon: 0 }).build([w]);
      const step = engine.compile(
        ({ g, rate, time }) => {
          const [[, next]] = built.updates([g], rate, time) as [[Leaf, Tensor]];
          return { outputs: { next } };
        },
        { g: { shape: [1] }, rate: { shape: [] }, time: { shape: [], dtype: 'int32' } },
      );
      for (const t of [1, 2, 10, 1000, 100_000]) {
        const { next } = await step.run({ g: Float32Array.of(3), rate: 1, time: t });
        const [size] = valuesOf(next);
        // from moments of 0: −√(1 − β₂ᵗ) / (1 − β₁ᵗ) · 0.1 g / √(0.001 g²)
        const expected = (-Math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)) * (0.1 / Math.sqrt(0.001));
        assert.ok(Math.abs(size! / expected - 1) < 1e-6, `${size} for ${expected} at ${t}`);
      }
    });
  });

  test('adam with betas of 0 divides the gradient by its size', async () => {
    await withEngine({ backend: 'reference' }, async (engine) => {
      const w = parameter('w', [3], Float32Array.of(1, 2, 3));
      const built = adam({ beta1: 0, beta2: 0, epsilon: 0 }).build([w]);
      const step = engine.compile(({ g, rate, time }) => ({ updates: built.updates([g], rate, time) }), {
        g: { shape: [3] },
        rate: { shape: [] },
        time: { shape: [], dtype: 'int32' },
      });
      await step.run({ g: Float32Array.of(5, -7, 0.5), rate: 0.5, time: 1 });
      assert.equal(valuesOf(await engine.read(w)), [0.5, 2.5, 2.5]);
    });
  });

  test('one description serves several models', () => {
    const optimizer = adam();
    const [a] = makeParameters();
    const [first, second] = [optimizer.build([a]), optimizer.build([a])];
    assert.not(first.states[0] === second.states[0]);
  });

  test('options out of range are refused', () => {
    assertThrows(
      () => sgd({ learningRate: -1 }),
      UsageError,
      'sgd: learningRate must be a number ≥ 0, not -1',
    );
    assertThrows(
      () => sgd({ learningRate: Number.NaN }),
      UsageError,
      'sgd: learningRate must be a number ≥ 0, not NaN',
    );
    assertThrows(
      () => sgd({ momentum: 1 }),
      UsageError,
      'sgd: momentum must be at least 0 and below 1, not 1',
    );
    assertThrows(
      () => sgd({ weightDecay: -0.1 }),
      UsageError,
      'sgd: weightDecay must be a number ≥ 0, not -0.1',
    );
    assertThrows(() => adam({ beta1: 1 }), UsageError, 'adam: beta1 must be at least 0 and below 1, not 1');
    assertThrows(() => adam({ beta2: -1 }), UsageError, 'adam: beta2 must be at least 0 and below 1, not -1');
    assertThrows(() => adam({ epsilon: -1 }), UsageError, 'adam: epsilon must be a number ≥ 0, not -1');
  });

  test('a gradient is needed for every parameter', () => {
    const scalar = input('rate', []);
    for (const name of optimizerNames) {
      assertThrows(
        () =>
          parseOptimizer(name)
            .build(makeParameters())
            .updates([scalar], scalar, input('step', [], 'int32')),
        UsageError,
        `${name}: needs a gradient for every parameter: 1 gradients, 2 parameters`,
      );
    }
  });

  test('parseOptimizer finds a description again', () => {
    const described = ({ name, learningRate, options }: Optimizer) => ({ name, learningRate, options });
    for (const optimizer of [
      sgd({ momentum: 0.5, nesterov: true }),
      adam({ learningRate: 0.1, beta2: 0.99 }),
    ]) {
      const again = parseOptimizer(optimizer.name, {
        learningRate: optimizer.learningRate,
        ...optimizer.options,
      });
      assert.equal(described(again), described(optimizer));
    }
    assert.is(parseOptimizer('adam', { learningRate: 0.5 }).learningRate, 0.5);
  });

  test('parseOptimizer refuses what it does not know', () => {
    assertThrows(() => parseOptimizer('adamax'), UsageError, "optimizer: there is no 'adamax': sgd, adam");
    assertThrows(
      () => parseOptimizer('toString'),
      UsageError,
      "optimizer: there is no 'toString': sgd, adam",
    );
    assertThrows(
      () => parseOptimizer('sgd', { beta1: 0.9 }),
      UsageError,
      "sgd: has no option 'beta1': learningRate, momentum, nesterov, weightDecay",
    );
    assertThrows(
      () => parseOptimizer('sgd', { nesterov: 1 }),
      UsageError,
      'sgd: nesterov must be a boolean, not a number',
    );
  });
});
