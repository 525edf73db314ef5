/** What is called without an argument, or with one of another kind, says which in an error of Quern's own. */
import { messageOf, PlanError, QuernError, ShapeError, UsageError } from '../../src/core/errors.js';
import * as quern from '../../src/index.js';
import { rejects, throws } from '../support/messages.js';
import { suite } from '../support/suite.js';

const { ops } = quern;

/** A value as programs without types give it. */
const wrong = (value: unknown) => value as never;

const engine = await quern.openEngine({ backend: 'reference' });
const { test: dataset } = await quern.loadDataset('fixture', { offline: true });
const layers = quern.sequential([quern.flatten(), quern.dense(10)]);
const x = quern.leaves.input('x', [2, 3]);
const step = engine.compile(({ a }) => ({ outputs: { y: a.add(1) } }), { a: { shape: [2] } });

/** Opens something, or reads expressions, which are checked where they are used. */
const passed = ['openEngine', 'describeDatasets', 'call'];

async function thrownBy(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

const tables: Readonly<Record<string, object>> = {
  quern,
  ops,
  metrics: quern.metrics,
  datasets: quern.datasets,
  leaves: quern.leaves,
  random: quern.random,
  recipes: quern.recipes,
  initializers: quern.initializers,
};

suite('arguments of another kind', (test) => {
  test.after(() => engine.close());
  for (const [table, functions] of Object.entries(tables)) {
    test(`${table}: nothing, null, a text, a number or a list`, async () => {
      for (const [name, value] of Object.entries(functions)) {
        const isFunction = typeof value === 'function' && !/^class /.test(String(value));
        if (!isFunction || passed.includes(name)) continue;
        for (const given of [[], [null], ['text'], [3], [[]], [{}]]) {
          const error = await thrownBy(() => value(...given));
          if (error === undefined || error instanceof QuernError) continue;
          throw new Error(`${name}(${JSON.stringify(given)}) says: ${messageOf(error)}`);
        }
      }
    });
  }

  test('methods of tensors', async () => {
    for (const name of Object.getOwnPropertyNames(quern.Tensor.prototype)) {
      const method: unknown = x[name as keyof typeof x];
      if (typeof method !== 'function' || name === 'constructor') continue;
      for (const given of [[], [null], ['1'], [{}], [[x]]]) {
        const error = await thrownBy(() => method.apply(x, given));
        if (error === undefined || error instanceof QuernError) continue;
        throw new Error(`${name}(${given}) says: ${messageOf(error)}`);
      }
    }
  });

  test('a training without an optimizer or an engine', async () => {
    await rejects(
      () => quern.fit(engine, layers, dataset, wrong({ epochs: 1 })),
      UsageError,
      'fit: optimizer is missing\n  Give one with its learning rate: optimizer: adam(0.001).',
    );
    await rejects(
      () => quern.fit(engine, layers, dataset, wrong({ epochs: 1, optimizer: quern.adam })),
      UsageError,
      'fit: optimizer must be an optimizer: function adam\n  Give one with its learning rate: optimizer: adam(0.001).',
    );
    await rejects(
      () => quern.fit(wrong(quern.openEngine()), layers, dataset, { epochs: 1, optimizer: quern.adam() }),
      UsageError,
      'fit: engine must be an engine: Promise\n  await openEngine() gives one.',
    );
    await rejects(
      () => quern.evaluate(engine, wrong(layers), dataset),
      UsageError,
      'evaluate: model must be a model: Object\n  new Model(layer, [28, 28, 1]) makes one of a layer.',
    );
  });

  test('options of a training', async () => {
    const rows: readonly (readonly [option: string, given: unknown, message: string])[] = [
      ['schedule', quern.cosineDecay, 'must be a schedule such as cosineDecay(): function cosineDecay'],
      ['schedule', 'cosine', 'must be a schedule such as cosineDecay(): string'],
      ['plateau', {}, 'must be reduceOnPlateau(): it has no options'],
      ['normalization', null, 'must be { mean, deviation }: null'],
      ['checkpoint', {}, 'must be { save }: it has no save'],
      ['resume', 'run', 'must be a checkpoint: string'],
      ['callbacks', {}, 'must be a list of callbacks: Object'],
      ['signal', new AbortController(), 'must be an AbortSignal: it has no throwIfAborted'],
      ['onEpoch', 'log', 'must be a function: string'],
    ];
    for (const [option, given, message] of rows) {
      const options = { epochs: 1, optimizer: quern.adam(), [option]: given };
      await rejects(
        () => quern.fit(engine, layers, dataset, wrong(options)),
        UsageError,
        `fit: ${option} ${message}`,
      );
    }
  });

  test('layers and models', async () => {
    throws(
      () => (quern.sequential as (...parts: unknown[]) => unknown)(quern.dense(3), quern.relu()),
      UsageError,
      'sequential must be one list of layers: Object\n  Put them in brackets: sequential([dense(3), relu()]).',
    );
    throws(
      () => new quern.Model(layers, wrong(28)),
      ShapeError,
      'Model: inputShape: a shape must be a list of numbers: number\n  [28, 28] has two axes, [] is a scalar.',
    );
    throws(
      () => quern.summarize(wrong(layers)),
      UsageError,
      'summarize: model must be a model: Object\n  new Model(layer, [28, 28, 1]) makes one of a layer.',
    );
    await rejects(
      () => quern.openModel(engine, wrong('run')),
      UsageError,
      'openModel: file must be a model that has been read: string\n  loadModel(engine, path) opens a file; importModel(path) and decodeForeignModel(bytes) give one.',
    );
  });

  test('tensors', () => {
    throws(() => x.add(wrong('1')), UsageError, 'add: an operand must be a tensor or a number: string');
    throws(() => ops.add(x, wrong('1')), UsageError, 'add: an operand must be a tensor or a number: string');
    throws(
      () => x.matmul(wrong(new Float32Array(3))),
      UsageError,
      'matmul: an operand must be a tensor: Float32Array\n  leaves.constant(…) makes a tensor of a number or a typed array.',
    );
    throws(() => x.reshape(wrong(6)), UsageError, 'reshape: shape must be a list of numbers: number');
    throws(
      () => quern.leaves.input('x', wrong(undefined)),
      ShapeError,
      'x: a shape must be a list of numbers: undefined\n  [28, 28] has two axes, [] is a scalar.',
    );
  });

  test('what a step is fed', async () => {
    const fed = (a: unknown) => () => step.run({ a: wrong(a) });
    const message = (kind: string) => `run: input 'a': takes float32, not ${kind}`;
    const hint = '\n  Give new Float32Array(…) of it.';
    await rejects(fed(new Float64Array(2)), PlanError, `${message('Float64Array')}${hint}`);
    await rejects(fed([1, 2]), PlanError, `${message('Array')}${hint}`);
    await rejects(fed('12'), PlanError, message('string'));
    await rejects(fed(null), PlanError, message('null'));
    await rejects(fed(x), PlanError, message('Leaf'));
    await rejects(
      () => step.run(wrong(undefined)),
      UsageError,
      'run: feeds must be an object: undefined\n  A value for each input: run({ images, labels }).',
    );
  });

  test('what an engine is given', async () => {
    throws(() => engine.compile(wrong(x), {}), UsageError, 'compile: step must be a function: Leaf');
    throws(
      () => engine.compile(() => ({ outputs: { x } }), wrong(undefined)),
      UsageError,
      'compile: signature must be an object: undefined\n  For each input its shape: { images: { shape: [128, 784] } }; {} where there is none.',
    );
    await rejects(
      () => engine.write(wrong('w'), new Float32Array(1)),
      UsageError,
      'write: leaf must be a parameter or a state: string',
    );
  });
});
