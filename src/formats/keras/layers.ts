/** Keras's layers as Quern's, by the names of their classes. */
import { DataError, ModelError } from '../../core/errors.js';
import { sizeOf } from '../../core/shape.js';
import type { Made, Options, Tape } from '../tape.js';
import { weightsOf } from '../tape.js';
import type { Floats } from '../weights.js';
import { listOf, type Members, numberOf, objectOf, pairOf, textOf } from './members.js';

interface KerasCall {
  readonly tape: Tape;
  readonly className: string;
  readonly name: string;
  readonly config: Members;
  readonly inputs: readonly Made[];
  /** In Keras's order. */
  readonly weights: readonly Floats[];
  /** Begins errors. */
  readonly what: string;
  note(text: string): void;
}

type Reader = (call: KerasCall) => Made;

/** Adds the layer, then the activation that its configuration names. */
function withActivation(
  call: KerasCall,
  kind: string,
  options: Options,
  names: readonly (string | undefined)[],
): Made {
  const { tape, name, inputs, config } = call;
  const used = names.filter((each) => each !== undefined);
  const made = tape.addWeighted(name, kind, options, { inputs, weights: named(call, used) });
  return activate(call, made, config.activation);
}

function named({ weights, what }: KerasCall, names: readonly string[]): ReturnType<typeof weightsOf> {
  if (weights.length !== names.length) {
    throw new DataError(`${what}: has ${weights.length} weights, its configuration asks for ${names.length}`);
  }
  return weightsOf(Object.fromEntries(names.map((each, i) => [each, weights[i]])));
}

const activations: Readonly<Record<string, readonly [string, Options]>> = {
  relu: ['relu', {}],
  relu6: ['clip', { low: 0, high: 6 }],
  sigmoid: ['sigmoid', {}],
  tanh: ['tanh', {}],
  softplus: ['softplus', {}],
  softsign: ['softsign', {}],
  elu: ['elu', { alpha: 1 }],
  selu: ['selu', {}],
  gelu: ['gelu', {}],
  silu: ['silu', {}],
  swish: ['silu', {}],
  hard_silu: ['hardSilu', {}],
  hard_swish: ['hardSilu', {}],
  softmax: ['softmax', { axis: -1 }],
  leaky_relu: ['leakyRelu', { slope: 0.2 }],
};

/** A name, or the configuration of an activation with options. */
function activate(call: KerasCall, made: Made, value: unknown): Made {
  const { tape, name, what } = call;
  if (value === undefined || value === null) return made;
  const described = objectOf(value);
  const given = textOf(value) ?? textOf(described.config) ?? textOf(described.class_name);
  if (given === 'linear') return made;
  if (given === 'hard_sigmoid')
    return tape.add(`${name}_${given}`, 'hardSigmoid', hardSigmoidOptions(call), [made]);
  const found = given !== undefined && Object.hasOwn(activations, given) ? activations[given] : undefined;
  if (found === undefined) {
    throw new ModelError(
      `${what}: there is no activation '${given ?? 'of its own'}': ${Object.keys(activations).join(', ')}`,
    );
  }
  return tape.add(`${name}_${given}`, found[0], found[1], [made]);
}

/** Keras 2 and tfjs have another hard sigmoid than Keras 3; its files say who wrote them by their form. */
const hardSigmoidOptions = ({ config }: KerasCall): Options =>
  'registered_name' in config || objectOf(config.dtype).class_name === 'DTypePolicy'
    ? { slope: 1 / 6, offset: 0.5 }
    : { slope: 0.2, offset: 0.5 };

function checkChannelsLast({ config, what }: KerasCall): void {
  const format = textOf(config.data_format) ?? 'channels_last';
  if (format !== 'channels_last') throw new ModelError(`${what}: data_format '${format}' is not read`);
}

function convolution(call: KerasCall): Options {
  checkChannelsLast(call);
  const { config, what } = call;
  const padding = textOf(config.padding) ?? 'valid';
  if (padding !== 'valid' && padding !== 'same')
    throw new ModelError(`${what}: padding '${padding}' is not read`);
  return {
    kernelSize: pairOf(config.kernel_size, 1),
    strides: pairOf(config.strides, 1),
    padding,
    useBias: config.use_bias !== false,
  };
}

const biasName = ({ config }: KerasCall) => (config.use_bias === false ? undefined : 'bias');

const conv2d: Reader = (call) => {
  const { config } = call;
  const dilation = pairOf(config.dilation_rate, 1);
  const groups = numberOf(config.groups, 1);
  const options = {
    filters: numberOf(config.filters, 0),
    ...convolution(call),
    ...(dilation.every((step) => step === 1) ? {} : { dilation }),
    ...(groups === 1 ? {} : { groups }),
  };
  return withActivation(call, 'conv2d', options, ['filter', biasName(call)]);
};

/** Depthwise filters have no gaps in Quern. */
function checkNear({ config, what }: KerasCall): void {
  if (pairOf(config.dilation_rate, 1).some((step) => step !== 1)) {
    throw new ModelError(`${what}: dilated depthwise filters are not read`);
  }
}

const depthwise: Reader = (call) => {
  checkNear(call);
  const options = { depthMultiplier: numberOf(call.config.depth_multiplier, 1), ...convolution(call) };
  return withActivation(call, 'depthwiseConv2d', options, ['filter', biasName(call)]);
};

const separable: Reader = (call) => {
  checkNear(call);
  const { config } = call;
  const options = {
    filters: numberOf(config.filters, 0),
    depthMultiplier: numberOf(config.depth_multiplier, 1),
    ...convolution(call),
  };
  return withActivation(call, 'separableConv2d', options, [
    'depthwiseFilter',
    'pointwiseFilter',
    biasName(call),
  ]);
};

const dense: Reader = (call) => {
  const options = { units: numberOf(call.config.units, 0), useBias: call.config.use_bias !== false };
  return withActivation(call, 'dense', options, ['kernel', biasName(call)]);
};

/** Only the last axis is normalized over, or each of its channels. */
function checkAxis({ config, what, inputs }: KerasCall): void {
  const axes = Array.isArray(config.axis) ? config.axis : [config.axis ?? -1];
  const rank = inputs[0]!.shape.length + 1;
  if (axes.length !== 1 || (axes[0] !== -1 && axes[0] !== rank - 1)) {
    throw new ModelError(`${what}: axis ${JSON.stringify(config.axis)} is not the last`);
  }
}

const batchNormalization: Reader = (call) => {
  checkAxis(call);
  const { config } = call;
  const [center, scale] = [config.center !== false, config.scale !== false];
  const options = {
    momentum: numberOf(config.momentum, 0.99),
    epsilon: numberOf(config.epsilon, 1e-3),
    center,
    scale,
  };
  const names = [scale ? 'gamma' : undefined, center ? 'beta' : undefined, 'movingMean', 'movingVariance'];
  // what was written for a layer that only scales and moves
  const still = call.weights.slice(-2);
  const affine =
    config.epsilon === 0 &&
    config.trainable === false &&
    still[0]?.data.every((x) => x === 0) &&
    still[1]?.data.every((x) => x === 1);
  if (!affine) return withActivation(call, 'batchNorm', options, names);
  const own = { ...call, weights: call.weights.slice(0, -2) };
  return withActivation(own, 'affine', { scale, center }, [
    scale ? 'gain' : undefined,
    center ? 'offset' : undefined,
  ]);
};

const layerNormalization: Reader = (call) => {
  checkAxis(call);
  const { config } = call;
  if (config.rms_scaling === true) throw new ModelError(`${call.what}: rms_scaling is not read`);
  const [center, scale] = [config.center !== false, config.scale !== false];
  const options = { epsilon: numberOf(config.epsilon, 1e-3), center, scale };
  return withActivation(call, 'layerNorm', options, [
    scale ? 'gamma' : undefined,
    center ? 'beta' : undefined,
  ]);
};

const pool =
  (kind: string): Reader =>
  (call) => {
    checkChannelsLast(call);
    const { tape, name, config, inputs } = call;
    const window = pairOf(config.pool_size, 2);
    const strides =
      config.strides === undefined || config.strides === null ? window : pairOf(config.strides, 1);
    return tape.add(name, kind, { window, strides, padding: textOf(config.padding) ?? 'valid' }, inputs);
  };

const globalPool =
  (kind: string): Reader =>
  (call) => {
    checkChannelsLast(call);
    const { tape, name, config, inputs } = call;
    const made = tape.add(name, kind, {}, inputs);
    return config.keepdims === true
      ? tape.add(`${name}_pixel`, 'reshape', { shape: [1, 1, ...made.shape] }, [made])
      : made;
  };

const reshape: Reader = ({ tape, name, config, inputs }) => {
  const wanted = listOf(config.target_shape).map((extent) => numberOf(extent, 0));
  const size = sizeOf(inputs[0]!.shape);
  const known = sizeOf(wanted.filter((extent) => extent !== -1));
  return tape.add(
    name,
    'reshape',
    { shape: wanted.map((extent) => (extent === -1 ? size / known : extent)) },
    inputs,
  );
};

const zeroPadding: Reader = (call) => {
  checkChannelsLast(call);
  const { tape, name, config, inputs } = call;
  const given = Array.isArray(config.padding) ? config.padding : [config.padding ?? 1, config.padding ?? 1];
  const [vertical, horizontal] = [pairOf(given[0], 0), pairOf(given[1], 0)];
  const padding = { top: vertical[0], bottom: vertical[1], left: horizontal[0], right: horizontal[1] };
  return tape.add(name, 'zeroPad2d', { padding }, inputs);
};

const dropout: Reader = ({ tape, name, className, config, inputs, note }) => {
  const rate = numberOf(config.rate, 0);
  if (className !== 'Dropout')
    note(`${className} '${name}' drops single numbers when it is trained on (Dropout)`);
  return rate > 0 && rate < 1 ? tape.add(name, 'dropout', { rate }, inputs) : inputs[0]!;
};

const relu: Reader = (call) => {
  const { tape, name, config, inputs, what } = call;
  const slope = numberOf(config.negative_slope, 0);
  if (numberOf(config.threshold, 0) !== 0) throw new ModelError(`${what}: a threshold is not read`);
  const high = config.max_value;
  if (typeof high !== 'number') {
    return slope === 0 ? tape.add(name, 'relu', {}, inputs) : tape.add(name, 'leakyRelu', { slope }, inputs);
  }
  if (slope !== 0) throw new ModelError(`${what}: a slope below 0 and a largest value together are not read`);
  return tape.add(name, 'clip', { low: 0, high }, inputs);
};

const simple =
  (kind: string, options: (config: Members) => Options = () => ({})): Reader =>
  ({ tape, name, config, inputs }) =>
    tape.add(name, kind, options(config), inputs);

const flatten: Reader = (call) => {
  checkChannelsLast(call);
  return call.tape.add(call.name, 'flatten', {}, call.inputs);
};

const softmax: Reader = (call) => {
  const axis = numberOf(call.config.axis, -1);
  const last = call.inputs[0]!.shape.length;
  return call.tape.add(call.name, 'softmax', { axis: axis === last ? -1 : axis }, call.inputs);
};

const skipped: Reader = ({ className, name, inputs, note }) => {
  note(`${className} '${name}' does nothing outside training and is left out`);
  return inputs[0]!;
};

const join =
  (kind: string): Reader =>
  (call) => {
    const { tape, name, inputs, config, what } = call;
    if (kind === 'concatenate') {
      const axis = numberOf(config.axis, -1);
      if (axis !== -1 && axis !== inputs[0]!.shape.length)
        throw new ModelError(`${what}: along axis ${axis}`);
    }
    return tape.add(name, kind, {}, inputs);
  };

export const kerasReaders: Readonly<Record<string, Reader>> = {
  Conv2D: conv2d,
  DepthwiseConv2D: depthwise,
  SeparableConv2D: separable,
  Dense: dense,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  MaxPooling2D: pool('maxPool2d'),
  AveragePooling2D: pool('averagePool2d'),
  GlobalAveragePooling2D: globalPool('globalAveragePool2d'),
  GlobalMaxPooling2D: globalPool('globalMaxPool2d'),
  Flatten: flatten,
  Reshape: reshape,
  Permute: simple('permute', ({ dims }) => ({ axes: listOf(dims).map((axis) => numberOf(axis, 0)) })),
  ZeroPadding2D: zeroPadding,
  Dropout: dropout,
  SpatialDropout2D: dropout,
  AlphaDropout: skipped,
  GaussianDropout: skipped,
  GaussianNoise: skipped,
  ActivityRegularization: skipped,
  RandomFlip: skipped,
  RandomRotation: skipped,
  RandomZoom: skipped,
  RandomTranslation: skipped,
  RandomContrast: skipped,
  RandomBrightness: skipped,
  Activation: (call) => activate(call, call.inputs[0]!, call.config.activation),
  ReLU: relu,
  LeakyReLU: simple('leakyRelu', (config) => ({
    slope: numberOf(config.negative_slope ?? config.alpha, 0.3),
  })),
  ELU: simple('elu', ({ alpha }) => ({ alpha: numberOf(alpha, 1) })),
  Softmax: softmax,
  Add: join('add'),
  Subtract: join('subtract'),
  Multiply: join('multiply'),
  Maximum: join('maximum'),
  Minimum: join('minimum'),
  Average: join('average'),
  Concatenate: join('concatenate'),
};

/** Tells whether a layer of this class is left out, since it only acts in training. */
export const trainingOnly = (className: string): boolean => kerasReaders[className] === skipped;
