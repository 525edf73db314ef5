/** Networks as Keras's layers: their configurations and their weights. tfjs takes nearly the same. */
import { ModelError } from '../../core/errors.js';
import { at, last } from '../../core/lists.js';
import { formatShape } from '../../core/shape.js';
import type { Json } from '../../nn/layer.js';
import { isJoin } from '../../nn/layers/graph.js';
import type { Normalization } from '../../training/inference/normalization.js';
import type { Network, NetworkNode } from '../network.js';
import { flagOption, numberOption, paddingOf, pairOption, type Sides, sidesOption } from '../options.js';
import { type Floats, filled, weightOf } from '../weights.js';

/** Keras 3, or the older form that tfjs takes. */
type Dialect = 'keras3' | 'tfjs';

type Config = { readonly [key: string]: Json };

export interface KerasLayer {
  readonly className: string;
  readonly config: Config & { readonly name: string };
  /** Names of the layers before it. */
  readonly inputs: readonly string[];
  /** In Keras's order, with their names. */
  readonly weights: readonly (readonly [string, Floats])[];
}

interface Printing {
  readonly network: Network;
  readonly node: NetworkNode;
  readonly dialect: Dialect;
}

interface Printed {
  readonly className: string;
  readonly config: Config;
  readonly weights?: readonly (readonly [string, Floats])[];
}

type Printer = (printing: Printing) => Printed;

const weights = (node: NetworkNode, names: Readonly<Record<string, string>>) =>
  Object.entries(names).flatMap(([own, theirs]) => {
    const weight = weightOf(node, own);
    return weight === undefined ? [] : [[theirs, weight] as const];
  });

/** Tells whether nothing that reaches the node is below 0: then zeros around it are as good as nothing. */
function nonNegative(network: Network, { inputs }: NetworkNode): boolean {
  const source = network.nodes.find(({ name }) => name === inputs[0]);
  return source !== undefined && (source.kind === 'relu' || source.kind === 'sigmoid');
}

/** 'valid' or 'same', or the padding that a layer of its own must add. */
function namedPadding({ network, node }: Printing): { padding: 'valid' | 'same'; around?: Sides } {
  const { padding } = node.options;
  if (padding === 'valid' || padding === 'same') return { padding };
  const around = sidesOption(node);
  if (Object.values(around).every((side) => side === 0)) return { padding: 'valid' };
  const named = paddingOf(network, { ...node, options: { ...node.options, padding: 'same' } });
  const same = (Object.keys(around) as (keyof Sides)[]).every((side) => around[side] === named[side]);
  return same ? { padding: 'same' } : { padding: 'valid', around };
}

const convolutionConfig = (printing: Printing): Config => ({
  kernel_size: pairOption(printing.node, 'kernelSize'),
  strides: pairOption(printing.node, 'strides'),
  padding: namedPadding(printing).padding,
  data_format: 'channels_last',
  dilation_rate: pairOption(printing.node, 'dilation'),
  activation: 'linear',
  use_bias: flagOption(printing.node, 'useBias'),
});

const conv2d: Printer = (printing) => {
  const { node, dialect } = printing;
  const groups = numberOption(node, 'groups', 1);
  if (groups !== 1 && dialect === 'tfjs')
    throw new ModelError(`tfjs: ${node.name}: convolutions have no groups`);
  return {
    className: 'Conv2D',
    config: {
      filters: at(node.shape, 2),
      ...(groups === 1 ? {} : { groups }),
      ...convolutionConfig(printing),
    },
    weights: weights(node, { filter: 'kernel', bias: 'bias' }),
  };
};

const depthwise: Printer = (printing) => ({
  className: 'DepthwiseConv2D',
  config: {
    depth_multiplier: numberOption(printing.node, 'depthMultiplier'),
    ...convolutionConfig(printing),
  },
  weights: weights(printing.node, {
    filter: printing.dialect === 'tfjs' ? 'depthwise_kernel' : 'kernel',
    bias: 'bias',
  }),
});

const separable: Printer = (printing) => ({
  className: 'SeparableConv2D',
  config: {
    filters: at(printing.node.shape, 2),
    depth_multiplier: numberOption(printing.node, 'depthMultiplier'),
    ...convolutionConfig(printing),
  },
  weights: weights(printing.node, {
    depthwiseFilter: 'depthwise_kernel',
    pointwiseFilter: 'pointwise_kernel',
    bias: 'bias',
  }),
});

const dense: Printer = ({ node }) => ({
  className: 'Dense',
  config: { units: last(node.shape), activation: 'linear', use_bias: flagOption(node, 'useBias') },
  weights: weights(node, { kernel: 'kernel', bias: 'bias' }),
});

const normalization = (node: NetworkNode) => ({
  epsilon: numberOption(node, 'epsilon'),
  center: flagOption(node, 'center'),
  scale: flagOption(node, 'scale'),
});

const batchNorm: Printer = ({ node }) => ({
  className: 'BatchNormalization',
  config: { axis: node.shape.length, momentum: numberOption(node, 'momentum'), ...normalization(node) },
  weights: weights(node, {
    gamma: 'gamma',
    beta: 'beta',
    movingMean: 'moving_mean',
    movingVariance: 'moving_variance',
  }),
});

const layerNorm: Printer = ({ node }) => ({
  className: 'LayerNormalization',
  config: { axis: node.shape.length, ...normalization(node) },
  weights: weights(node, { gamma: 'gamma', beta: 'beta' }),
});

/** A normalization that stays as it is: mean 0, variance 1. */
const affine: Printer = ({ node }) => {
  const size = last(node.shape);
  return {
    className: 'BatchNormalization',
    config: {
      axis: node.shape.length,
      momentum: 1,
      epsilon: 0,
      center: flagOption(node, 'center'),
      scale: flagOption(node, 'scale'),
      trainable: false,
    },
    weights: [
      ...weights(node, { gain: 'gamma', offset: 'beta' }),
      ['moving_mean', filled(size, 0)],
      ['moving_variance', filled(size, 1)],
    ],
  };
};

const pool =
  (className: string): Printer =>
  (printing) => {
    const { node, network } = printing;
    const { padding, around } = namedPadding(printing);
    if (around !== undefined && (className === 'AveragePooling2D' || !nonNegative(network, node))) {
      throw new ModelError(`keras: ${node.name}: a pool with padding of its own has no counterpart`);
    }
    const config = { pool_size: pairOption(node, 'window'), strides: pairOption(node, 'strides'), padding };
    return { className, config: { ...config, data_format: 'channels_last' } };
  };

const activation =
  (name: string, inTfjs: string | null = name): Printer =>
  ({ node, dialect }) => {
    const used = dialect === 'tfjs' ? inTfjs : name;
    if (used === null) throw new ModelError(`tfjs: ${node.name}: there is no activation '${name}'`);
    return { className: 'Activation', config: { activation: used } };
  };

const clip: Printer = ({ node }) => {
  const low = numberOption(node, 'low');
  if (low !== 0) throw new ModelError(`keras: ${node.name}: a clip from ${low} on has no counterpart`);
  return { className: 'ReLU', config: { max_value: numberOption(node, 'high') } };
};

const hardSigmoid: Printer = (printing) => {
  const { node, dialect } = printing;
  const [slope, usual] = [numberOption(node, 'slope'), dialect === 'tfjs' ? 0.2 : 1 / 6];
  if (Math.abs(slope - usual) > 1e-6 || numberOption(node, 'offset') !== 0.5) {
    throw new ModelError(`${dialect}: ${node.name}: a hard sigmoid of slope ${slope} has no counterpart`);
  }
  return activation('hard_sigmoid')(printing);
};

const joinClasses: Readonly<Record<string, string>> = {
  add: 'Add',
  subtract: 'Subtract',
  multiply: 'Multiply',
  maximum: 'Maximum',
  minimum: 'Minimum',
  average: 'Average',
  concatenate: 'Concatenate',
};

const join: Printer = ({ node, dialect }) => {
  const className = joinClasses[node.kind]!;
  if (dialect === 'tfjs' && className === 'Subtract')
    throw new ModelError(`tfjs: ${node.name}: there is no Subtract`);
  return { className, config: className === 'Concatenate' ? { axis: -1 } : {} };
};

const fixed =
  (className: string, config: (node: NetworkNode) => Config = () => ({})): Printer =>
  ({ node }) => ({ className, config: config(node) });

const printers: Readonly<Record<string, Printer>> = {
  conv2d,
  depthwiseConv2d: depthwise,
  separableConv2d: separable,
  dense,
  batchNorm,
  layerNorm,
  affine,
  maxPool2d: pool('MaxPooling2D'),
  averagePool2d: pool('AveragePooling2D'),
  globalAveragePool2d: fixed('GlobalAveragePooling2D', () => ({ data_format: 'channels_last' })),
  globalMaxPool2d: fixed('GlobalMaxPooling2D', () => ({ data_format: 'channels_last' })),
  flatten: fixed('Flatten'),
  reshape: fixed('Reshape', ({ shape }) => ({ target_shape: [...shape] })),
  permute: fixed('Permute', ({ options }) => ({ dims: options.axes! })),
  zeroPad2d: ({ node }) => zeroPadding(sidesOption(node)),
  dropout: fixed('Dropout', (node) => ({ rate: numberOption(node, 'rate') })),
  relu: activation('relu'),
  sigmoid: activation('sigmoid'),
  tanh: activation('tanh'),
  softplus: activation('softplus'),
  softsign: activation('softsign'),
  selu: activation('selu'),
  gelu: activation('gelu', null),
  silu: activation('silu', 'swish'),
  hardSilu: activation('hard_silu', null),
  hardSigmoid,
  leakyRelu: ({ node, dialect }) => ({
    className: 'LeakyReLU',
    config: { [dialect === 'tfjs' ? 'alpha' : 'negative_slope']: numberOption(node, 'slope') },
  }),
  elu: fixed('ELU', (node) => ({ alpha: numberOption(node, 'alpha') })),
  clip,
  softmax: fixed('Softmax', (node) => ({ axis: numberOption(node, 'axis') })),
};

const zeroPadding = ({ top, bottom, left, right }: Sides): Printed => ({
  className: 'ZeroPadding2D',
  config: {
    padding: [
      [top, bottom],
      [left, right],
    ],
    data_format: 'channels_last',
  },
});

/** Names that paths, scopes and files of Keras take. */
const nameOf = (name: string) => name.replace(/[^\w-]/g, '_');

/** Scales pixels from 0 to 255 as the network wants them. */
function rescaling({ mean, deviation }: Normalization): Config & { name: string } {
  return { name: 'pixels', scale: 1 / (255 * deviation), offset: -mean / deviation };
}

const padded = new Set(['conv2d', 'depthwiseConv2d', 'separableConv2d', 'maxPool2d']);

/**
 * The layers of a network, from pixels of 0 to 255 to probabilities.
 *
 * @throws ModelError for a layer that has no counterpart there
 */
export function kerasLayers(network: Network, normalization: Normalization, dialect: Dialect): KerasLayer[] {
  const layers: KerasLayer[] = [
    { className: 'Rescaling', config: rescaling(normalization), inputs: ['images'], weights: [] },
  ];
  for (const node of network.nodes) {
    const printing = { network, node, dialect };
    const printer = isJoin(node.kind) ? join : printers[node.kind];
    if (printer === undefined)
      throw new ModelError(`keras: ${node.name}: a layer '${node.kind}' has no counterpart`);
    const { className, config, weights: own = [] } = printer(printing);
    const name = nameOf(node.name);
    let inputs = node.inputs.map((source) => (source === 'input' ? 'pixels' : nameOf(source)));
    const around = padded.has(node.kind) ? namedPadding(printing).around : undefined;
    if (around !== undefined) {
      const before = zeroPadding(around);
      layers.push({ ...before, config: { ...before.config, name: `${name}_padding` }, inputs, weights: [] });
      inputs = [`${name}_padding`];
    }
    layers.push({ className, config: { ...config, name }, inputs, weights: own });
  }
  const end = last(layers);
  const shape = last(network.nodes).shape;
  if (shape.length !== 1) throw new ModelError(`keras: the model gives ${formatShape(shape)}, not classes`);
  layers.push({
    className: 'Softmax',
    config: { name: 'probabilities', axis: -1 },
    inputs: [end.config.name],
    weights: [],
  });
  return layers;
}

/** Tells whether every layer has the one before it as its input. */
export const isChain = (layers: readonly KerasLayer[]): boolean =>
  layers.every(
    ({ inputs }, i) =>
      inputs.length === 1 && inputs[0] === (i === 0 ? 'images' : at(layers, i - 1).config.name),
  );
