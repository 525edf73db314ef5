import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import type { BackendOptions } from '../../src/engine/options.js';
import { adadelta } from '../../src/optimizers/adadelta.js';
import { adagrad } from '../../src/optimizers/adagrad.js';
import { adam, adamW } from '../../src/optimizers/adam.js';
import { muon } from '../../src/optimizers/muon.js';
import type { Optimizer } from '../../src/optimizers/optimizer.js';
import { optimizerNames, parseOptimizer } from '../../src/optimizers/parse.js';
import { rmsprop } from '../../src/optimizers/rmsprop.js';
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
    // the fixture's start is rounded to float32 here; within muon, Keras rounds the betas of AdamW
    const tolerance = one.name === 'muon' ? 1e-5 : 1e-6;
    test(`reference: ${title}`, () => follow({ backend: 'reference', precision: 'float64' }, one, tolerance));
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
        options: { momentum: 0, nesterov: false, weightDecay: 0, decayVectors: false },
      },
    );
    assert.is(adam().learningRate, 0.001);
    const none = { weightDecay: 0, decayVectors: false };
    assert.equal(adam().options, { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, ...none });
    assert.equal(adamW().options, { ...adam().options, weightDecay: 0.004 });
    // those of Keras
    assert.equal(rmsprop().options, { rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false, ...none });
    assert.equal(adagrad().options, { initialSum: 0.1, epsilon: 1e-7, ...none });
    assert.equal(adadelta().options, { rho: 0.95, epsilon: 1e-7, ...none });
    assert.equal(muon().options, { momentum: 0.95, nesterov: true, ...none, weightDecay: 0.004 });
    for (const make of [adamW, rmsprop, adagrad, adadelta, muon]) {
      assert.is(make().learningRate, 0.001);
      assert.is(make(0.5).learningRate, 0.5);
    }
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
    assert.equal(names(rmsprop({ momentum: 0.9, centered: true })).length, 6);
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
    // the step's own work, and both parameters
    assert.equal(await maps(rmsprop()), [
      ['map', 2],
      ['map', 2],
    ]);
    assert.equal(await maps(rmsprop({ momentum: 0.9, centered: true })), [
      ['map', 4],
      ['map', 4],
    ]);
    assert.equal(await maps(adagrad()), [
      ['map', 2],
      ['map', 2],
    ]);
    assert.equal(await maps(adadelta()), [
      ['map', 3],
      ['map', 3],
    ]);
    // and the factor of the weight decay
    const plan = await planOf(adam({ weightDecay: 0.1 }));
    assert.equal(plan.steps.map(({ outputs }) => outputs.length).sort(), [1, 1, 3, 3]);
    for (const { leaf, slot } of plan.updates) assert.is(plan.slots[slot]!.leaf, leaf);
  });

  test('muon takes filters as a matrix, and a tall one like a wide one', async () => {
    const gradient = Float32Array.of(1, -2, 0.5, 3, 0.25, -1, 2, 0, -0.5, 1.5, 1, -3);
    const turned = Float32Array.from({ length: 12 }, (_, i) => gradient[(i % 6) * 2 + Math.floor(i / 6)]!);
    await withEngine({ backend: 'reference', precision: 'float64' }, async (engine) => {
      const after = async (shape: number[], g: Float32Array) => {
        const w = parameter('w', shape, 0);
        const built = muon({ momentum: 0, nesterov: false, weightDecay: 0 }).build([w]);
        const step = engine.compile(({ x, rate, time }) => ({ updates: built.updates([x], rate, time) }), {
          x: { shape },
          rate: { shape: [] },
          time: { shape: [], dtype: 'int32' },
        });
        await step.run({ x: g, rate: 1, time: 1 });
        return valuesOf(await engine.read(w));
      };
      const filters = await after([3, 1, 2, 2], gradient);
      assert.equal(filters, await after([6, 2], gradient));
      const wide = await after([2, 6], turned);
      assertClose(
        'wide',
        Array.from({ length: 12 }, (_, i) => wide[(i % 2) * 6 + Math.floor(i / 2)]!),
        filters,
        1e-6,
      );
      // two directions, each about as far as the other: 0.2 · √6 times a singular value near 1
      const length = Math.hypot(...filters) / (0.2 * Math.sqrt(6));
      assert.ok(length > 0.7 * Math.SQRT2 && length < 1.3 * Math.SQRT2, `${length}`);
    });
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
      'sgd: learningRate must be a number of at least 0: -1',
    );
    assertThrows(
      () => sgd({ learningRate: Number.NaN }),
      UsageError,
      'sgd: learningRate must be a number of at least 0: NaN',
    );
    assertThrows(() => sgd({ momentum: 1 }), UsageError, 'sgd: momentum must be at least 0 and below 1: 1');
    assertThrows(
      () => sgd({ weightDecay: -0.1 }),
      UsageError,
      'sgd: weightDecay must be a number of at least 0: -0.1',
    );
    assertThrows(() => adam({ beta1: 1 }), UsageError, 'adam: beta1 must be at least 0 and below 1: 1');
    assertThrows(() => adam({ beta2: -1 }), UsageError, 'adam: beta2 must be at least 0 and below 1: -1');
    const below1 = 'must be at least 0 and below 1:';
    assertThrows(() => adamW({ beta1: -1 }), UsageError, `adamW: beta1 ${below1} -1`);
    assertThrows(() => rmsprop({ rho: 1 }), UsageError, `rmsprop: rho ${below1} 1`);
    assertThrows(() => rmsprop({ momentum: 1 }), UsageError, `rmsprop: momentum ${below1} 1`);
    assertThrows(
      () => rmsprop({ epsilon: -1 }),
      UsageError,
      'rmsprop: epsilon must be a number of at least 0: -1',
    );
    assertThrows(
      () => adagrad({ initialSum: -1 }),
      UsageError,
      'adagrad: initialSum must be a number of at least 0: -1',
    );
    assertThrows(
      () => adagrad({ epsilon: -1 }),
      UsageError,
      'adagrad: epsilon must be a number of at least 0: -1',
    );
    assertThrows(() => adadelta({ rho: -1 }), UsageError, `adadelta: rho ${below1} -1`);
    assertThrows(
      () => adadelta({ epsilon: -1 }),
      UsageError,
      'adadelta: epsilon must be a number of at least 0: -1',
    );
    assertThrows(() => muon({ momentum: 1 }), UsageError, `muon: momentum ${below1} 1`);
    assertThrows(() => adam({ epsilon: -1 }), UsageError, 'adam: epsilon must be a number of at least 0: -1');
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
      adamW({ decayVectors: true }),
      adamW({ weightDecay: 0 }),
      rmsprop({ centered: true }),
      adagrad({ initialSum: 0 }),
      adadelta(1),
      muon({ nesterov: false, weightDecay: 0 }),
    ]) {
      const again = parseOptimizer(optimizer.name, {
        learningRate: optimizer.learningRate,
        ...optimizer.options,
      });
      assert.equal(described(again), described(optimizer));
    }
    assert.is(parseOptimizer('adam', { learningRate: 0.5 }).learningRate, 0.5);
    assert.is(parseOptimizer('adamw').name, 'adamW');
    assert.is(parseOptimizer('RMSprop').name, 'rmsprop');
  });

  test('parseOptimizer refuses what it does not know', () => {
    const names = 'sgd, adam, adamW, rmsprop, adagrad, adadelta, muon';
    for (const name of ['adamax', 'toString']) {
      assertThrows(() => parseOptimizer(name), UsageError, `optimizer: there is no '${name}': ${names}`);
    }
    assertThrows(
      () => parseOptimizer('sgd', { beta1: 0.9 }),
      UsageError,
      "sgd: has no option 'beta1': learningRate, momentum, nesterov, weightDecay, decayVectors",
    );
    assertThrows(
      () => parseOptimizer('sgd', { nesterov: 1 }),
      UsageError,
      'sgd: nesterov must be a boolean, not a number',
    );
  });
});
