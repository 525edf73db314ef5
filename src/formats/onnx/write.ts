/** Models as ONNX. https://onnx.ai/onnx/operators */
import { DataError, ModelError } from '../../core/errors.js';
import { at, last } from '../../core/lists.js';
import { isJoin } from '../../nn/layers/graph.js';
import type { Normalization } from '../../training/inference/normalization.js';
import type { Network, NetworkNode } from '../network.js';
import { flagOption, inputShapeOf, numberOption, paddingOf, pairOption, sidesOption } from '../options.js';
import { depthwiseOutFirst, type Floats, filled, filterOutFirst, weightOf } from '../weights.js';
import { type Attribute, OnnxBuilder } from './builder.js';

interface Printing {
  readonly builder: OnnxBuilder;
  readonly network: Network;
  readonly node: NetworkNode;
}

/** Writes a node's operators and gives the name of the value they make, and whether images in it have channels first. */
type Printer = (printing: Printing) => { readonly name: string; readonly channelsFirst: boolean };

/** The initializer of a weight. */
function stored({ builder, node }: Printing, name: string, change = (value: Floats) => value): string {
  const weight = weightOf(node, name);
  if (weight === undefined) throw new DataError(`onnx: ${node.name} has no ${name}`);
  const { shape, data } = change(weight);
  return builder.floats(`${node.name}.${name}`, shape, data);
}

/** A weight that a layer may lack: then ones or zeros. */
function storedOr(printing: Printing, name: string, size: number, value: number): string {
  const { builder, node } = printing;
  if (node.weights.has(name)) return stored(printing, name);
  return builder.floats(`${node.name}.${name}`, [size], filled(size, value).data);
}

const windowAttributes = ({ network, node }: Printing) => {
  const { top, left, bottom, right } = paddingOf(network, node);
  return { strides: pairOption(node, 'strides'), pads: [top, left, bottom, right] };
};

const bias = (printing: Printing) => (printing.node.weights.has('bias') ? [stored(printing, 'bias')] : []);

const convolution: Printer = (printing) => {
  const { builder, node } = printing;
  const name = builder.node(
    'Conv',
    [builder.first(at(node.inputs, 0)), stored(printing, 'filter', filterOutFirst), ...bias(printing)],
    {
      ...windowAttributes(printing),
      kernel_shape: pairOption(node, 'kernelSize'),
      dilations: pairOption(node, 'dilation'),
      group: numberOption(node, 'groups', 1),
    },
    node.name,
  );
  return { name, channelsFirst: true };
};

const depthwise: Printer = (printing) => {
  const { builder, network, node } = printing;
  const group = at(inputShapeOf(network, node), 2);
  const separable = node.kind === 'separableConv2d';
  const own = stored(printing, separable ? 'depthwiseFilter' : 'filter', depthwiseOutFirst);
  const attributes = { ...windowAttributes(printing), kernel_shape: pairOption(node, 'kernelSize'), group };
  const x = builder.first(at(node.inputs, 0));
  if (!separable) {
    return {
      name: builder.node('Conv', [x, own, ...bias(printing)], attributes, node.name),
      channelsFirst: true,
    };
  }
  const spread = builder.node('Conv', [x, own], attributes);
  const mixing = stored(printing, 'pointwiseFilter', filterOutFirst);
  return {
    name: builder.node('Conv', [spread, mixing, ...bias(printing)], {}, node.name),
    channelsFirst: true,
  };
};

const dense: Printer = (printing) => {
  const { builder, node } = printing;
  const x = builder.last(at(node.inputs, 0));
  const kernel = stored(printing, 'kernel');
  if (node.shape.length === 1) {
    return {
      name: builder.node('Gemm', [x, kernel, ...bias(printing)], {}, node.name),
      channelsFirst: false,
    };
  }
  const [added] = bias(printing);
  const product = builder.node('MatMul', [x, kernel], {}, added === undefined ? node.name : undefined);
  const name = added === undefined ? product : builder.node('Add', [product, added], {}, node.name);
  return { name, channelsFirst: false };
};

const batchNorm: Printer = (printing) => {
  const { builder, node } = printing;
  const size = last(node.shape);
  // a rank of its own for whatever is neither rows nor images: there channels are behind
  if (node.shape.length !== 1 && node.shape.length !== 3) {
    throw new ModelError(`onnx: ${node.name}: batchNorm of ${node.shape.length} axes is not written`);
  }
  const weights = [
    storedOr(printing, 'gamma', size, 1),
    storedOr(printing, 'beta', size, 0),
    stored(printing, 'movingMean'),
    stored(printing, 'movingVariance'),
  ];
  const attributes = {
    epsilon: { float: numberOption(node, 'epsilon') },
    momentum: { float: numberOption(node, 'momentum') },
  };
  const name = builder.node(
    'BatchNormalization',
    [builder.first(at(node.inputs, 0)), ...weights],
    attributes,
    node.name,
  );
  return { name, channelsFirst: true };
};

const layerNorm: Printer = (printing) => {
  const { builder, node } = printing;
  const size = last(node.shape);
  const weights = [storedOr(printing, 'gamma', size, 1)];
  if (flagOption(node, 'center')) weights.push(stored(printing, 'beta'));
  const attributes = { axis: -1, epsilon: { float: numberOption(node, 'epsilon') } };
  const name = builder.node(
    'LayerNormalization',
    [builder.last(at(node.inputs, 0)), ...weights],
    attributes,
    node.name,
  );
  return { name, channelsFirst: false };
};

const affine: Printer = (printing) => {
  const { builder, node } = printing;
  let name = builder.last(at(node.inputs, 0));
  if (flagOption(node, 'scale')) name = builder.node('Mul', [name, stored(printing, 'gain')]);
  if (flagOption(node, 'center')) name = builder.node('Add', [name, stored(printing, 'offset')]);
  return { name, channelsFirst: false };
};

const pool =
  (op: string, more: Readonly<Record<string, Attribute>> = {}): Printer =>
  (printing) => {
    const { builder, node } = printing;
    const attributes = { ...windowAttributes(printing), kernel_shape: pairOption(node, 'window'), ...more };
    return {
      name: builder.node(op, [builder.first(at(node.inputs, 0))], attributes, node.name),
      channelsFirst: true,
    };
  };

const globalPool =
  (op: string): Printer =>
  ({ builder, node }) => {
    const pooled = builder.node(op, [builder.first(at(node.inputs, 0))]);
    return { name: builder.node('Flatten', [pooled], {}, node.name), channelsFirst: false };
  };

/** Anything that looks at each element by itself. */
const pointwise =
  (
    op: string,
    attributes: (node: NetworkNode) => Readonly<Record<string, Attribute>> = () => ({}),
  ): Printer =>
  ({ builder, node }) => {
    const source = at(node.inputs, 0);
    const name = builder.node(op, [builder.any(source)], attributes(node), node.name);
    return { name, channelsFirst: builder.channelsFirst(source) };
  };

const float = (name: string, option: string) => (node: NetworkNode) => ({
  [name]: { float: numberOption(node, option) },
});

/** x · Φ(x) in operators that opset 17 has. */
const gelu: Printer = ({ builder, node }) => {
  const x = builder.any(at(node.inputs, 0));
  const error = builder.node('Erf', [builder.node('Div', [x, builder.scalar(Math.SQRT2)])]);
  const product = builder.node('Mul', [x, builder.node('Add', [error, builder.scalar(1)])]);
  const name = builder.node('Mul', [product, builder.scalar(0.5)], {}, node.name);
  return { name, channelsFirst: builder.channelsFirst(at(node.inputs, 0)) };
};

const silu: Printer = ({ builder, node }) => {
  const x = builder.any(at(node.inputs, 0));
  const name = builder.node('Mul', [x, builder.node('Sigmoid', [x])], {}, node.name);
  return { name, channelsFirst: builder.channelsFirst(at(node.inputs, 0)) };
};

const clip: Printer = ({ builder, node }) => {
  const bounds = ['low', 'high'].map((side) => builder.scalar(numberOption(node, side)));
  const name = builder.node('Clip', [builder.any(at(node.inputs, 0)), ...bounds], {}, node.name);
  return { name, channelsFirst: builder.channelsFirst(at(node.inputs, 0)) };
};

const dropout: Printer = ({ builder, node }) => {
  const source = at(node.inputs, 0);
  const ratio = builder.scalar(numberOption(node, 'rate'));
  const name = builder.node('Dropout', [builder.any(source), ratio], {}, node.name);
  return { name, channelsFirst: builder.channelsFirst(source) };
};

const zeroPad: Printer = ({ builder, node }) => {
  const { top, left, bottom, right } = sidesOption(node);
  const pads = builder.integers([0, 0, top, left, 0, 0, bottom, right]);
  return {
    name: builder.node('Pad', [builder.first(at(node.inputs, 0)), pads], {}, node.name),
    channelsFirst: true,
  };
};

/** With channels behind, as Quern has them. */
const plain =
  (
    op: string,
    more: (printing: Printing) => { inputs?: string[]; attributes?: Record<string, Attribute> },
  ): Printer =>
  (printing) => {
    const { builder, node } = printing;
    const { inputs = [], attributes = {} } = more(printing);
    return {
      name: builder.node(op, [builder.last(at(node.inputs, 0)), ...inputs], attributes, node.name),
      channelsFirst: false,
    };
  };

const printers: Readonly<Record<string, Printer>> = {
  conv2d: convolution,
  depthwiseConv2d: depthwise,
  separableConv2d: depthwise,
  dense,
  batchNorm,
  layerNorm,
  affine,
  maxPool2d: pool('MaxPool'),
  averagePool2d: pool('AveragePool', { count_include_pad: 0 }),
  globalAveragePool2d: globalPool('GlobalAveragePool'),
  globalMaxPool2d: globalPool('GlobalMaxPool'),
  flatten: plain('Flatten', () => ({})),
  reshape: plain('Reshape', ({ builder, node }) => ({ inputs: [builder.integers([-1, ...node.shape])] })),
  permute: plain('Transpose', ({ node }) => ({
    attributes: { perm: [0, ...(node.options.axes as number[])] },
  })),
  zeroPad2d: zeroPad,
  dropout,
  relu: pointwise('Relu'),
  leakyRelu: pointwise('LeakyRelu', float('alpha', 'slope')),
  sigmoid: pointwise('Sigmoid'),
  tanh: pointwise('Tanh'),
  softplus: pointwise('Softplus'),
  softsign: pointwise('Softsign'),
  elu: pointwise('Elu', float('alpha', 'alpha')),
  selu: pointwise('Selu'),
  hardSigmoid: pointwise('HardSigmoid', (node) => ({
    ...float('alpha', 'slope')(node),
    ...float('beta', 'offset')(node),
  })),
  hardSilu: pointwise('HardSwish'),
  gelu,
  silu,
  clip,
  softmax: plain('Softmax', ({ node }) => ({ attributes: { axis: numberOption(node, 'axis') } })),
};

/** Adds to a node that which joins several values: all with channels first where one is. */
function printJoin({ builder, node }: Printing) {
  const channelsFirst = node.inputs.some((source) => builder.channelsFirst(source));
  const values = node.inputs.map((source) => (channelsFirst ? builder.first(source) : builder.last(source)));
  if (node.kind === 'concatenate') {
    const axis = channelsFirst ? 1 : node.shape.length;
    return { name: builder.node('Concat', values, { axis }, node.name), channelsFirst };
  }
  const op = {
    add: 'Add',
    subtract: 'Sub',
    multiply: 'Mul',
    maximum: 'Max',
    minimum: 'Min',
    average: 'Mean',
  }[node.kind]!;
  if (op === 'Max' || op === 'Min' || op === 'Mean')
    return { name: builder.node(op, values, {}, node.name), channelsFirst };
  const [first, ...others] = values;
  const name = others.reduce(
    (sum, value, i) => builder.node(op, [sum, value], {}, i === others.length - 1 ? node.name : undefined),
    first!,
  );
  return { name, channelsFirst };
}

/** Pixels as the network wants them, of the input's bytes. */
function printPixels(builder: OnnxBuilder, { mean, deviation }: Normalization): string {
  const numbers = builder.node('Cast', [onnxInput], { to: 1 });
  const scaled = builder.node('Mul', [numbers, builder.scalar(1 / (255 * deviation))]);
  return mean === 0 ? scaled : builder.node('Add', [scaled, builder.scalar(-mean / deviation)]);
}

export const onnxInput = 'images';
export const onnxOutputs = { probabilities: 'probabilities', logits: 'logits' } as const;

/** The kinds of layers that can be written. */
export const onnxKinds: readonly string[] = Object.keys(printers);

/**
 * The bytes of an ONNX file: opset 17, a batch of any size. It takes the bytes of images, uint8 from 0 to 255, with
 * channels behind, and gives probabilities and logits.
 *
 * @param metadata texts by name, for `metadata_props`
 * @throws ModelError for a layer that has no counterpart
 */
export function encodeOnnx(
  network: Network,
  normalization: Normalization,
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  const builder = new OnnxBuilder();
  const { inputShape } = network;
  builder.define('input', printPixels(builder, normalization), { shape: inputShape, channelsFirst: false });
  for (const node of network.nodes) {
    const printer = isJoin(node.kind) ? printJoin : printers[node.kind];
    if (printer === undefined) {
      throw new ModelError(`onnx: ${node.name}: a layer '${node.kind}' has no counterpart`);
    }
    const { name, channelsFirst } = printer({ builder, network, node });
    builder.define(node.name, name, { shape: node.shape, channelsFirst });
  }
  const end = last(network.nodes);
  builder.node('Identity', [builder.last(end.name)], {}, onnxOutputs.logits);
  builder.node('Softmax', [onnxOutputs.logits], { axis: -1 }, onnxOutputs.probabilities);
  const layout =
    inputShape.length === 3 ? '[batch, height, width, channels]' : `[batch, ${inputShape.join(', ')}]`;
  return builder.bytes({
    input: { name: onnxInput, shape: inputShape, about: `uint8 pixels from 0 to 255, ${layout}` },
    outputs: [
      { name: onnxOutputs.probabilities, shape: end.shape, about: 'probability of every class, float32' },
      { name: onnxOutputs.logits, shape: end.shape, about: 'before the softmax, float32' },
    ],
    metadata,
    about: `An image classifier trained with Quern. Input '${onnxInput}': uint8 pixels from 0 to 255, ${layout}.`,
  });
}
