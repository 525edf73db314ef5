/** Layers as modules of PyTorch and lines of Python. */
import { ModelError } from '../../core/errors.js';
import { at, last } from '../../core/lists.js';
import type { Network, NetworkNode } from '../network.js';
import {
  flagOption,
  inputShapeOf,
  numberOption,
  paddingOf,
  pairOption,
  type Sides,
  sidesOption,
} from '../options.js';
import {
  depthwiseOutFirst,
  type Floats,
  filled,
  filterOutFirst,
  reordered,
  transposed,
  weightOf,
} from '../weights.js';

export interface Printing {
  readonly network: Network;
  readonly node: NetworkNode;
  /** Name of the module. */
  readonly own: string;
  /** The variables of what it is applied to. */
  readonly inputs: readonly string[];
  /** As FlattenedOrders has it, of the input and of the node. */
  readonly order: Int32Array | undefined;
  readonly moved: boolean;
}

export interface Printed {
  /** Modules by name. */
  readonly modules?: Readonly<Record<string, string>>;
  /** What computes the value. */
  readonly forward: string;
  readonly tensors?: Readonly<Record<string, Floats | undefined>>;
}

type Printer = (printing: Printing) => Printed;

/** A number as Python writes it. */
export const python = (value: number) =>
  Number.isInteger(value) ? String(value) : String(value).replace('e-0', 'e-');
const pair = ([a, b]: readonly [number, number]) => `(${a}, ${b})`;

/** Symmetric padding as an argument, other padding as a function around the input. */
function padded(
  { network, node, inputs }: Printing,
  fill = '',
): { readonly x: string; readonly padding: string } {
  const { top, bottom, left, right } = paddingOf(network, node);
  const x = at(inputs, 0);
  if (top === bottom && left === right) return { x, padding: pair([top, left]) };
  return { x: `F.pad(${x}, (${left}, ${right}, ${top}, ${bottom})${fill})`, padding: pair([0, 0]) };
}

/** The channels of an image, or the numbers of a row, that a node is applied to. */
const width = ({ network, node }: Printing) => last(inputShapeOf(network, node));

const conv2d: Printer = (printing) => {
  const { node, own } = printing;
  const { x, padding } = padded(printing);
  const [filters, groups] = [at(node.shape, 2), numberOption(node, 'groups', 1)];
  const options = [
    `${width(printing)}, ${filters}, ${pair(pairOption(node, 'kernelSize'))}`,
    `stride=${pair(pairOption(node, 'strides'))}, padding=${padding}`,
    `dilation=${pair(pairOption(node, 'dilation'))}, groups=${groups}, bias=${flagOption(node, 'useBias') ? 'True' : 'False'}`,
  ];
  const filter = weightOf(node, 'filter');
  return {
    modules: { [own]: `nn.Conv2d(${options.join(', ')})` },
    forward: `self.${own}(${x})`,
    tensors: { [`${own}.weight`]: filter && filterOutFirst(filter), [`${own}.bias`]: weightOf(node, 'bias') },
  };
};

const depthwise: Printer = (printing) => {
  const { node, own } = printing;
  const { x, padding } = padded(printing);
  const channels = width(printing);
  const spread = channels * numberOption(node, 'depthMultiplier', 1);
  const separable = node.kind === 'separableConv2d';
  const bias = flagOption(node, 'useBias') ? 'True' : 'False';
  const name = separable ? `${own}_depthwise` : own;
  const first = `nn.Conv2d(${channels}, ${spread}, ${pair(pairOption(node, 'kernelSize'))}, stride=${pair(pairOption(node, 'strides'))}, padding=${padding}, groups=${channels}, bias=${separable ? 'False' : bias})`;
  const filter = weightOf(node, separable ? 'depthwiseFilter' : 'filter');
  const tensors = { [`${name}.weight`]: filter && depthwiseOutFirst(filter) };
  if (!separable) {
    return {
      modules: { [own]: first },
      forward: `self.${own}(${x})`,
      tensors: { ...tensors, [`${own}.bias`]: weightOf(node, 'bias') },
    };
  }
  const mixing = weightOf(node, 'pointwiseFilter');
  return {
    modules: {
      [name]: first,
      [`${own}_pointwise`]: `nn.Conv2d(${spread}, ${node.shape[2]}, 1, bias=${bias})`,
    },
    forward: `self.${own}_pointwise(self.${name}(${x}))`,
    tensors: {
      ...tensors,
      [`${own}_pointwise.weight`]: mixing && filterOutFirst(mixing),
      [`${own}_pointwise.bias`]: weightOf(node, 'bias'),
    },
  };
};

/** Around what looks at the last axis: images have their channels there in Quern. */
const behind = ({ node }: Printing, call: (x: string) => string, x: string) =>
  node.shape.length === 3 ? `${call(`${x}.permute(0, 2, 3, 1)`)}.permute(0, 3, 1, 2)` : call(x);

const dense: Printer = (printing) => {
  const { node, own, inputs, order } = printing;
  const kernel = weightOf(node, 'kernel')!;
  const rows = order === undefined ? kernel : reordered(kernel, order);
  const bias = flagOption(node, 'useBias') ? '' : ', bias=False';
  return {
    modules: { [own]: `nn.Linear(${width(printing)}, ${node.shape.at(-1)}${bias})` },
    forward: behind(printing, (x) => `self.${own}(${x})`, at(inputs, 0)),
    tensors: { [`${own}.weight`]: transposed(rows, [1, 0]), [`${own}.bias`]: weightOf(node, 'bias') },
  };
};

const ordered = (floats: Floats | undefined, order: Int32Array | undefined) =>
  floats && order ? reordered(floats, order) : floats;

const batchNorm: Printer = ({ node, own, inputs, order }) => {
  const size = last(node.shape);
  const images = node.shape.length === 3;
  if (!images && node.shape.length !== 1)
    throw new ModelError(`pytorch: ${node.name}: batchNorm of ${node.shape.length} axes is not written`);
  const options = `${size}, eps=${python(numberOption(node, 'epsilon'))}, momentum=${python(Number((1 - numberOption(node, 'momentum')).toPrecision(12)))}`;
  const weight = weightOf(node, 'gamma') ?? filled(size, 1);
  return {
    modules: { [own]: `nn.BatchNorm${images ? '2d' : '1d'}(${options})` },
    forward: `self.${own}(${inputs[0]})`,
    tensors: {
      [`${own}.weight`]: ordered(weight, order),
      [`${own}.bias`]: ordered(weightOf(node, 'beta') ?? filled(size, 0), order),
      [`${own}.running_mean`]: ordered(weightOf(node, 'movingMean'), order),
      [`${own}.running_var`]: ordered(weightOf(node, 'movingVariance'), order),
    },
  };
};

const layerNorm: Printer = (printing) => {
  const { node, own, inputs } = printing;
  const size = last(node.shape);
  return {
    modules: { [own]: `nn.LayerNorm(${size}, eps=${python(numberOption(node, 'epsilon'))})` },
    forward: behind(printing, (x) => `self.${own}(${x})`, at(inputs, 0)),
    tensors: {
      [`${own}.weight`]: weightOf(node, 'gamma') ?? filled(size, 1),
      [`${own}.bias`]: weightOf(node, 'beta') ?? filled(size, 0),
    },
  };
};

const affine: Printer = (printing) => {
  const { node, own, inputs, order } = printing;
  const size = last(node.shape);
  return {
    modules: { [own]: `Affine(${size})` },
    forward: behind(printing, (x) => `self.${own}(${x})`, at(inputs, 0)),
    tensors: {
      [`${own}.weight`]: ordered(weightOf(node, 'gain') ?? filled(size, 1), order),
      [`${own}.bias`]: ordered(weightOf(node, 'offset') ?? filled(size, 0), order),
    },
  };
};

const maxPool: Printer = (printing) => {
  const { node } = printing;
  const { x, padding } = padded(printing, ', value=float("-inf")');
  return {
    forward: `F.max_pool2d(${x}, ${pair(pairOption(node, 'window'))}, ${pair(pairOption(node, 'strides'))}, ${padding})`,
  };
};

const averagePool: Printer = (printing) => {
  const { node, inputs } = printing;
  const { x, padding } = padded(printing);
  const sizes = `${pair(pairOption(node, 'window'))}, ${pair(pairOption(node, 'strides'))}`;
  if (x === inputs[0])
    return { forward: `F.avg_pool2d(${x}, ${sizes}, ${padding}, count_include_pad=False)` };
  // padding does not count: the sum over what is there, divided by how much that is
  const ones = x.replace(`F.pad(${inputs[0]}`, `F.pad(torch.ones_like(${inputs[0]})`);
  return { forward: `F.avg_pool2d(${x}, ${sizes}) / F.avg_pool2d(${ones}, ${sizes})` };
};

const zeroPad: Printer = ({ node, inputs }) => {
  const { top, bottom, left, right }: Sides = sidesOption(node);
  return { forward: `F.pad(${inputs[0]}, (${left}, ${right}, ${top}, ${bottom}))` };
};

/** With the axes as Quern has them, before a layer that moves elements. */
const plainly =
  (call: (x: string, printing: Printing) => string): Printer =>
  (printing) => {
    const { network, node, inputs } = printing;
    const images = inputShapeOf(network, node).length === 3;
    const made = call(images ? `${inputs[0]}.permute(0, 2, 3, 1)` : at(inputs, 0), printing);
    return { forward: node.shape.length === 3 ? `${made}.permute(0, 3, 1, 2)` : made };
  };

const flatten: Printer = ({ network, node, inputs, moved }) => {
  const images = inputShapeOf(network, node).length === 3;
  return { forward: `${inputs[0]}${images && !moved ? '.permute(0, 2, 3, 1)' : ''}.flatten(1)` };
};

const f =
  (call: (x: string, node: NetworkNode) => string): Printer =>
  ({ node, inputs }) => ({ forward: call(at(inputs, 0), node) });

const dropout: Printer = ({ node, own, inputs }) => ({
  modules: { [own]: `nn.Dropout(${python(numberOption(node, 'rate'))})` },
  forward: `self.${own}(${inputs[0]})`,
});

export const printers: Readonly<Record<string, Printer>> = {
  conv2d,
  depthwiseConv2d: depthwise,
  separableConv2d: depthwise,
  dense,
  batchNorm,
  layerNorm,
  affine,
  maxPool2d: maxPool,
  averagePool2d: averagePool,
  globalAveragePool2d: f((x) => `${x}.mean((2, 3))`),
  globalMaxPool2d: f((x) => `${x}.amax((2, 3))`),
  flatten,
  reshape: plainly((x, { node }) => `${x}.reshape(-1, ${node.shape.join(', ')})`),
  permute: plainly((x, { node }) => `${x}.permute(0, ${(node.options.axes as number[]).join(', ')})`),
  zeroPad2d: zeroPad,
  dropout,
  relu: f((x) => `F.relu(${x})`),
  leakyRelu: f((x, node) => `F.leaky_relu(${x}, ${python(numberOption(node, 'slope'))})`),
  sigmoid: f((x) => `torch.sigmoid(${x})`),
  tanh: f((x) => `torch.tanh(${x})`),
  gelu: f((x) => `F.gelu(${x})`),
  silu: f((x) => `F.silu(${x})`),
  elu: f((x, node) => `F.elu(${x}, ${python(numberOption(node, 'alpha'))})`),
  selu: f((x) => `F.selu(${x})`),
  clip: f(
    (x, node) =>
      `torch.clamp(${x}, ${python(numberOption(node, 'low'))}, ${python(numberOption(node, 'high'))})`,
  ),
  hardSigmoid: f(
    (x, node) =>
      `torch.clamp(${x} * ${python(numberOption(node, 'slope'))} + ${python(numberOption(node, 'offset'))}, 0, 1)`,
  ),
  hardSilu: f((x) => `F.hardswish(${x})`),
  softsign: f((x) => `F.softsign(${x})`),
  softplus: f((x) => `F.softplus(${x})`),
  softmax: plainly((x, { node }) => `torch.softmax(${x}, ${numberOption(node, 'axis')})`),
};
