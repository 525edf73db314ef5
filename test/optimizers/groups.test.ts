import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import { adam, adamW } from '../../src/optimizers/adam.js';
import { type ParameterGroup, parameterGroups } from '../../src/optimizers/groups.js';
import type { Optimizer } from '../../src/optimizers/optimizer.js';
import { parseOptimizer } from '../../src/optimizers/parse.js';
import { sgd } from '../../src/optimizers/sgd.js';
import { input, parameter } from '../../src/tensor/leaves.js';
import type { Leaf } from '../../src/tensor/tensor.js';
import { assertClose, assertThrows, valuesOf, withEngine } from '../nn/support.js';
import { suite } from '../support/suite.js';

const makeParameters = (): Leaf[] =>
  ['layers.0.weights', 'layers.0.bias', 'layers.1.weights', 'layers.1.bias', 'layers.10.weights'].map(
    (name) => parameter(name, name.endsWith('bias') ? [1] : [1, 1], 1),
  );

/** Where five parameters of 1 are after two steps of gradients 1 and 0.5, at a rate of 0.5. */
async function after(optimizer: Optimizer): Promise<number[]> {
  const parameters = makeParameters();
  const built = optimizer.build(parameters);
  return withEngine({ backend: 'reference' }, async (engine) => {
    const step = engine.compile(
      ({ g, rate, time }) => ({
        updates: built.updates(
          parameters.map(({ shape }) => g.reshape(shape)),
          rate,
          time,
        ),
      }),
      { g: { shape: [1] }, rate: { shape: [] }, time: { shape: [], dtype: 'int32' } },
    );
    await step.run({ g: Float32Array.of(1), rate: 0.5, time: 1 });
    await step.run({ g: Float32Array.of(0.5), rate: 0.5, time: 2 });
    const values: number[] = [];
    for (const leaf of parameters) values.push(...valuesOf(await engine.read(leaf)));
    return values;
  });
}

suite('parameterGroups', (test) => {
  test('a group has a rate of its own', async () => {
    // by hand: 1 - 0.5 - 0.25, and with a tenth of it
    assertClose(
      'values',
      await after(parameterGroups(sgd(), [{ match: 'layers.1', learningRateFactor: 0.1 }])),
      [0.25, 0.25, 0.925, 0.925, 0.25],
      1e-7,
    );
    assert.equal(
      await after(parameterGroups(adam(), [{ match: 'layers.1', learningRateFactor: 0 }])).then((all) =>
        all.slice(2, 4),
      ),
      [1, 1],
    );
  });

  test('a group has options of its own; the first that matches counts', async () => {
    // decay of 0.5: 1 -> 0.75 - 0.5 = 0.25 -> 0.1875 - 0.25
    const decayed = -0.0625;
    const optimizer = sgd({ weightDecay: 0.5, decayVectors: true });
    assert.equal(await after(optimizer), new Array(5).fill(decayed));
    assert.equal(await after(parameterGroups(optimizer, [{ match: 'bias', options: { weightDecay: 0 } }])), [
      decayed,
      0.25,
      decayed,
      0.25,
      decayed,
    ]);
    assert.equal(
      await after(
        parameterGroups(optimizer, [
          { match: 'layers.1.bias', learningRateFactor: 0 },
          { match: 'layers.1', options: { weightDecay: 0 } },
          { match: 'bias', options: { decayVectors: false } },
        ]),
      ),
      [decayed, 0.25, 0.25, 1, decayed],
    );
  });

  test('without groups it is the optimizer', async () => {
    assert.equal(await after(parameterGroups(adamW(), [])), await after(adamW()));
    assert.equal(await after(parameterGroups(adamW(), [{ match: 'layers' }])), await after(adamW()));
  });

  test('states keep their names', () => {
    const names = (optimizer: Optimizer) =>
      optimizer
        .build(makeParameters())
        .states.map(({ name }) => name)
        .sort();
    assert.equal(names(parameterGroups(adam(), [{ match: 'bias' }])), names(adam()));
  });

  test('parseOptimizer finds a description again, from JSON', async () => {
    const made = parameterGroups(adamW({ learningRate: 0.25, weightDecay: 0.5 }), [
      { match: 'layers.0', learningRateFactor: 0.5 },
      { match: 'bias', options: { weightDecay: 0 } },
    ]);
    const { name, learningRate, options } = made;
    const given = JSON.parse(JSON.stringify({ learningRate, ...options })) as Record<string, unknown>;
    const again = parseOptimizer(name, given);
    assert.equal(
      { name: again.name, learningRate: again.learningRate, options: again.options },
      { name, learningRate, options },
    );
    assert.equal(await after(again), await after(made));
  });

  test('another learning rate is that of all groups', () => {
    const { options } = parameterGroups(sgd(0.5), []);
    assert.is(parseOptimizer('parameterGroups', options).learningRate, 0.01);
    assert.is(parseOptimizer('parameterGroups', { ...options, learningRate: 2 }).learningRate, 2);
  });

  test('what is wrong is refused', () => {
    const refuse = (groups: unknown, message: string) =>
      assertThrows(() => parameterGroups(sgd(), groups as ParameterGroup[]), UsageError, message);
    refuse('bias', 'parameterGroups: groups must be a list');
    refuse([{}], 'parameterGroups: match must be a path, or the beginning or end of paths');
    refuse([{ match: '' }], 'parameterGroups: match must be a path, or the beginning or end of paths');
    refuse(
      [{ match: 'bias', weightDecay: 0 }],
      "parameterGroups: a group has no member 'weightDecay': match, learningRateFactor, options\n" +
        '  What is different for the optimizer goes into options: { weightDecay: 0 }.',
    );
    refuse(
      [{ match: 'bias', learningRateFactor: -1 }],
      'parameterGroups: learningRateFactor must be a number of at least 0: -1',
    );
    refuse(
      [{ match: 'bias', options: { beta1: 0 } }],
      "sgd: has no option 'beta1': learningRate, momentum, nesterov, weightDecay, decayVectors",
    );
    const [weights, bias] = makeParameters();
    assertThrows(
      () => parameterGroups(sgd(), [{ match: 'bias' }, { match: 'layers.3' }]).build([weights!, bias!]),
      UsageError,
      "parameterGroups: no parameter belongs to 'layers.3'\n" +
        '  Each belongs to the first group that its path begins or ends with: layers.0.weights, layers.0.bias.',
    );
    const scalar = input('rate', []);
    assertThrows(
      () =>
        parameterGroups(sgd(), [])
          .build([weights!])
          .updates([], scalar, input('step', [], 'int32')),
      UsageError,
      'parameterGroups: needs a gradient for every parameter: 0 gradients, 1 parameters',
    );
    assertThrows(
      () => parseOptimizer('parameterGroups', { momentum: 1 }),
      UsageError,
      "parameterGroups: has no option 'momentum': learningRate, optimizer, options, groups",
    );
    assertThrows(
      () => parseOptimizer('parameterGroups'),
      UsageError,
      'parameterGroups: optimizer must be the name of an optimizer',
    );
  });
});
