/** What takes options refuses those that it does not have: a row for each way in. */
import * as assert from 'uvu/assert';
import { checkOptionNames } from '../../src/core/check.js';
import { UsageError } from '../../src/core/errors.js';
import * as quern from '../../src/index.js';
import { checkEarlyStopping } from '../../src/training/callbacks/earlyStopping.js';
import { saving } from '../../src/training/callbacks/saving.js';
import { suite } from '../support/suite.js';

const { ops, metrics } = quern;

/** Options as programs without types give them. */
const wrong = (options: object) => options as never;

const images = (...shape: number[]) => quern.leaves.input('x', shape);

await using engine = await quern.openEngine({ backend: 'reference' });
const { test: dataset } = await quern.loadDataset('fixture', { offline: true });
const model = new quern.Model(quern.sequential([quern.flatten(), quern.dense(10)]), [28, 28, 1]);
const trained = new quern.TrainedModel(engine, model, {
  dataset: 'fixture',
  classes: dataset.classes,
  normalization: { mean: 0, deviation: 1 },
} as never);

type Row = readonly [what: string, given: string, meant: string, call: (options: never) => unknown];

const rows: readonly Row[] = [
  ['openEngine', 'bakend', 'backend', (options) => quern.openEngine(options)],
  ['openEngine', 'mode', 'gpuMode', (options) => quern.openEngine(options)],
  ['compile', 'optimise', 'optimize', (options) => engine.compile(() => ({ outputs: {} }), {}, options)],
  ['checkGradients', 'tolerence', 'tolerance', (options) => quern.checkGradients((x) => x, [], options)],
  ['loadDataset', 'dataDirctory', 'dataDirectory', (options) => quern.loadDataset('mnist', options)],
  ['loadDataset', 'dataDir', 'dataDirectory', (options) => quern.loadDataset('mnist', options)],
  ['loadUserDataset', 'test_share', 'testShare', (options) => quern.loadUserDataset('absent', options)],
  ['describeDatasets', 'cacheDirectry', 'cacheDirectory', (options) => quern.describeDatasets(options)],
  ['createAugmenter', 'worker', 'workers', (options) => quern.createAugmenter(dataset, {}, 1, options)],
  ['dense', 'bias', 'useBias', (options) => quern.dense(10, options)],
  ['dense', 'kernel_initializer', 'kernelInitializer', (options) => quern.dense(10, options)],
  ['conv2d', 'pading', 'padding', (options) => quern.conv2d(32, 3, options)],
  ['conv2d', 'stride', 'strides', (options) => quern.conv2d(32, 3, options)],
  ['depthwiseConv2d', 'depth_multiplier', 'depthMultiplier', (options) => quern.depthwiseConv2d(3, options)],
  ['separableConv2d', 'usebias', 'useBias', (options) => quern.separableConv2d(8, 3, options)],
  ['batchNorm', 'eps', 'epsilon', (options) => quern.batchNorm(options)],
  ['layerNorm', 'centre', 'center', (options) => quern.layerNorm(options)],
  ['affine', 'scales', 'scale', (options) => quern.affine(options)],
  ['maxPool2d', 'stride', 'strides', (options) => quern.maxPool2d(2, options)],
  ['averagePool2d', 'pad', 'padding', (options) => quern.averagePool2d(2, options)],
  ['residual', 'projecton', 'projection', (options) => quern.residual(quern.relu(), options)],
  ['residualBlock', 'stride', 'strides', (options) => quern.residualBlock(8, options)],
  ['batchNorm', 'momentun', 'momentum', (norm) => quern.residualBlock(8, { norm })],
  ['model.apply', 'trainng', 'training', (options) => model.apply(images(2, 28, 28, 1), options)],
  [
    'crossEntropy',
    'labelSmooth',
    'labelSmoothing',
    (options) => quern.crossEntropy(images(2, 10), images(2, 10), options),
  ],
  ['conv2d', 'pading', 'padding', (options) => ops.conv2d(images(1, 4, 4, 1), images(2, 2, 1, 1), options)],
  [
    'depthwiseConv2d',
    'stride',
    'strides',
    (options) => ops.depthwiseConv2d(images(1, 4, 4, 1), images(2, 2, 1, 1), options),
  ],
  ['maxPool2d', 'stride', 'strides', (options) => ops.maxPool2d(images(1, 4, 4, 1), 2, options)],
  ['averagePool2d', 'pading', 'padding', (options) => ops.averagePool2d(images(1, 4, 4, 1), 2, options)],
  ['batchNormalize', 'epsilom', 'epsilon', (options) => ops.batchNormalize(images(2, 3), 1, 0, options)],
  ['layerNormalize', 'epsilom', 'epsilon', (options) => ops.layerNormalize(images(2, 3), options)],
  ['sgd', 'lr', 'learningRate', (options) => quern.sgd(options)],
  ['sgd', 'momentun', 'momentum', (options) => quern.sgd(options)],
  ['adam', 'lr', 'learningRate', (options) => quern.adam(options)],
  ['adam', 'beta_1', 'beta1', (options) => quern.adam(options)],
  ['adamW', 'weight_decay', 'weightDecay', (options) => quern.adamW(options)],
  ['rmsprop', 'center', 'centered', (options) => quern.rmsprop(options)],
  ['adagrad', 'initalSum', 'initialSum', (options) => quern.adagrad(options)],
  ['adadelta', 'decay', 'weightDecay', (options) => quern.adadelta(options)],
  ['muon', 'nestrov', 'nesterov', (options) => quern.muon(options)],
  ['stepDecay', 'milestone', 'milestones', (options) => quern.stepDecay(options)],
  ['linearDecay', 'finale', 'final', (options) => quern.linearDecay(options)],
  ['polynomialDecay', 'pow', 'power', (options) => quern.polynomialDecay(options)],
  ['exponentialDecay', 'finl', 'final', (options) => quern.exponentialDecay(options)],
  ['cosineDecay', 'warmUp', 'warmup', (options) => quern.cosineDecay(options)],
  ['warmUp', 'strt', 'start', (options) => quern.warmUp(quern.constantRate(), options)],
  ['oneCycle', 'startDivison', 'startDivisor', (options) => quern.oneCycle(options)],
  ['reduceOnPlateau', 'min_delta', 'minDelta', (options) => quern.reduceOnPlateau(options)],
  ['earlyStopping', 'patiense', 'patience', (options) => checkEarlyStopping(options, true)],
  ['checkpoint', 'everySecond', 'everySeconds', (options) => saving(options)],
  ['evaluate', 'sgnal', 'signal', (options) => quern.evaluate(engine, model, dataset, options)],
  ['predict', 'onprogres', 'onProgress', (options) => quern.predict(engine, model, [], options)],
  ['evaluate', 'sgnal', 'signal', (options) => trained.evaluate(dataset, options)],
  ['predict', 'sgnal', 'signal', (options) => trained.predict([], options)],
  ['classify', 'sgnal', 'signal', (options) => trained.classify([], options)],
  ['measureRobustness', 'sed', 'seed', (options) => metrics.measureRobustness(trained, dataset, options)],
  ['exportModel', 'result', 'results', (options) => quern.exportModel(trained, 'onnx', options)],
  ['importModel', 'pixel', 'pixels', (options) => quern.importModel('absent', options)],
  [
    'decodeForeignModel',
    'clases',
    'classes',
    (options) => quern.decodeForeignModel(new Uint8Array(4), options),
  ],
];

async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

async function refuses(call: () => unknown, message: string): Promise<void> {
  const error = await errorOf(call);
  assert.instance(error, UsageError, `nothing was refused where it should have been: ${message}`);
  assert.is((error as UsageError).message, message);
}

suite('names of options', (test) => {
  for (const [what, given, meant, call] of rows) {
    test(`${what} has no ${given}`, () =>
      refuses(
        () => call(wrong({ [given]: 1 })),
        `${what}: there is no option '${given}'\n  Its name here is ${meant}.`,
      ));
  }

  test('what is like nothing is answered by a list', () =>
    refuses(
      () => quern.affine(wrong({ colour: 1 })),
      "affine: there is no option 'colour'\n  There are scale, center.",
    ));

  test('what is elsewhere is said', async () => {
    await refuses(
      () => quern.dense(10, wrong({ activation: 'relu' })),
      "dense: there is no option 'activation'\n  Its name here is none: activations are layers of their own, such as relu().",
    );
    await refuses(
      () => trained.classify([], wrong({ normalization: { mean: 0, deviation: 1 } })),
      "classify: there is no option 'normalization'\n  Its name here is none: the model knows its own.",
    );
  });

  test('an option of another backend is refused', async () => {
    const open = (options: object) => () => quern.openEngine(wrong(options));
    await refuses(
      open({ gpuMode: 'cpu' }),
      "openEngine: 'gpuMode' is no option of the backend that is asked for: auto\n  It belongs to { backend: 'gpu' }.",
    );
    await refuses(
      open({ backend: 'reference', threads: 2 }),
      "openEngine: 'threads' is no option of the backend that is asked for: reference\n  It belongs to { backend: 'wasm' }.",
    );
    await refuses(
      open({ backend: 'gpu', precision: 'float64' }),
      "openEngine: 'precision' is no option of the backend that is asked for: gpu\n  It belongs to { backend: 'reference' }.",
    );
    await (await quern.openEngine(wrong({ backend: 'reference', threads: undefined }))).close();
  });

  test('what is no object is refused', async () => {
    await refuses(() => quern.dense(10, 'relu' as never), 'dense: options must be an object: relu');
    await refuses(() => quern.adam('0.1' as never), 'adam: options must be an object: 0.1');
    await refuses(() => quern.openEngine('wasm' as never), 'openEngine: options must be an object: wasm');
  });

  test('optimizers take one argument', async () => {
    const { sgd, adam, adamW, rmsprop, adagrad, adadelta, muon } = quern;
    for (const make of [sgd, adam, adamW, rmsprop, adagrad, adadelta, muon]) {
      const { name } = make;
      await refuses(
        () => make(0.001, wrong({ weightDecay: 0.01 })),
        `${name}: takes one argument: 2 are given\n  The learning rate stands among the options: ${name}({ learningRate: 0.001, weightDecay: 0.01 }).`,
      );
    }
  });

  test('the compiler compares the names', () => {
    const options: { readonly a?: number; readonly b?: number } = { a: 1 };
    checkOptionNames('f', options, { a: true, b: true });
    // @ts-expect-error one is missing
    checkOptionNames('f', options, { a: true });
    // @ts-expect-error one is too many
    checkOptionNames('f', options, { a: true, b: true, c: true });
    assert.is(options.a, 1);
  });
});
