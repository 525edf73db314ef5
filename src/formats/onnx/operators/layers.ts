/** Operators that are layers: convolutions, products, pools, normalizations. */
import { DataError, ModelError } from '../../../core/errors.js';
import { formatShape, fourAxes } from '../../../core/shape.js';
import type { Json } from '../../../nn/layer.js';
import { type Options, weightsOf } from '../../tape.js';
import { depthwiseOutLast, filterOutLast, inverse, reordered, transposed } from '../../weights.js';
import { add, type Call, constantInput, inputOf, type Operator } from '../call.js';
import {
  type Activation,
  activation,
  alongChannels,
  arranged,
  channelsFirst,
  floatConstant,
  identity,
  scalarOf,
  shapeOf,
} from '../values.js';

interface Window {
  readonly size: readonly number[];
  readonly strides: number[];
  readonly padding: Json;
  readonly dilation: number[];
}

function windowOf({ attributes, what }: Call, size: readonly number[], input: Activation): Window {
  if (size.length !== 2) throw new ModelError(`${what}: windows of ${size.length} axes, images have 2`);
  const strides = attributes.ints('strides') ?? [1, 1];
  const dilation = attributes.ints('dilations') ?? [1, 1];
  const auto = attributes.text('auto_pad', 'NOTSET');
  if (auto === 'VALID') return { size, strides, dilation, padding: 'valid' };
  if (auto === 'SAME_UPPER') return { size, strides, dilation, padding: 'same' };
  let [top, left, bottom, right] = (attributes.ints('pads') ?? [0, 0, 0, 0]) as [
    number,
    number,
    number,
    number,
  ];
  if (auto === 'SAME_LOWER') {
    const extents = shapeOf(input).slice(1);
    const total = size.map((extent, i) => {
      const reach = (extent - 1) * dilation[i]! + 1;
      return Math.max((Math.ceil(extents[i]! / strides[i]!) - 1) * strides[i]! + reach - extents[i]!, 0);
    }) as [number, number];
    [bottom, right] = [total[0] >> 1, total[1] >> 1];
    [top, left] = [total[0] - bottom, total[1] - right];
  }
  const plain = [top, left, bottom, right].every((side) => side === 0);
  return { size, strides, dilation, padding: plain ? 'valid' : { top, bottom, left, right } };
}

const conv: Operator = (call) => {
  const { tape, attributes, what, name } = call;
  const input = inputOf(call);
  const x = arranged(tape, input, channelsFirst);
  const weight = floatConstant(call.inputs[1], what);
  if (weight.shape.length !== 4)
    throw new ModelError(`${what}: a filter of ${weight.shape.length} axes, images need 4`);
  const { size, strides, dilation, padding } = windowOf(call, weight.shape.slice(2), input);
  const [filters, , height, width] = fourAxes(weight.shape);
  const groups = attributes.int('group', 1);
  const channels = x.shape[2]!;
  const bias = call.inputs[2] === undefined ? undefined : floatConstant(call.inputs[2], what);
  const common = { kernelSize: [...size], strides, padding, useBias: bias !== undefined };
  const near = dilation.every((step) => step === 1);
  if (groups > 1 && groups === channels && near && filters % channels === 0) {
    const filter = depthwiseOutLast({ shape: [filters, 1, height, width], data: weight.data }, channels);
    const made = tape.addWeighted(
      name,
      'depthwiseConv2d',
      { ...common, depthMultiplier: filters / channels },
      { inputs: [x], weights: weightsOf({ filter, bias }) },
    );
    return activation(made, channelsFirst);
  }
  const options: Options = {
    filters,
    ...common,
    ...(near ? {} : { dilation }),
    ...(groups === 1 ? {} : { groups }),
  };
  const made = tape.addWeighted(name, 'conv2d', options, {
    inputs: [x],
    weights: weightsOf({ filter: filterOutLast(weight), bias }),
  });
  return activation(made, channelsFirst);
};

/** A product of rows with a matrix [in, out]. */
function product(call: Call, matrix: { shape: readonly number[]; data: Float32Array }, bias?: Float32Array) {
  const input = inputOf(call);
  const { flattened } = input;
  const x = flattened === undefined ? arranged(call.tape, input, identity(input.order.length)) : input.made;
  if (matrix.shape.length !== 2) throw new ModelError(`${call.what}: a matrix ${formatShape(matrix.shape)}`);
  if (flattened !== undefined && matrix.shape[0] !== flattened.places.length) {
    throw new DataError(
      `${call.what}: a matrix ${formatShape(matrix.shape)} for ${flattened.places.length} numbers of each example`,
    );
  }
  // row p of the kernel belongs to the element that ONNX has at the place i with places[i] = p
  const kernel = flattened === undefined ? matrix : reordered(matrix, inverse(flattened.places));
  const units = matrix.shape[1]!;
  const weights = weightsOf({ kernel, bias: bias && { shape: [units], data: bias } });
  return activation(
    call.tape.addWeighted(
      call.name,
      'dense',
      { units, useBias: bias !== undefined },
      { inputs: [x], weights },
    ),
  );
}

const times = (values: Float32Array, factor: number) =>
  factor === 1 ? values : values.map((value) => value * factor);

const gemm: Operator = (call) => {
  const { attributes, what } = call;
  if (attributes.int('transA', 0) !== 0) throw new ModelError(`${what}: transA is not read`);
  const given = floatConstant(call.inputs[1], what);
  const matrix = attributes.int('transB', 0) === 0 ? given : transposed(given, [1, 0]);
  const added = constantInput(call, 2);
  const units = matrix.shape[1] ?? 0;
  let bias: Float32Array | undefined;
  if (added !== undefined) {
    const only = scalarOf(added);
    if (only === undefined && added.data.length !== units) {
      throw new ModelError(`${what}: a bias ${formatShape(added.shape)} for ${units} numbers`);
    }
    const values = only === undefined ? Float32Array.from(added.data) : new Float32Array(units).fill(only);
    bias = times(values, attributes.float('beta', 1));
  }
  return product(call, { shape: matrix.shape, data: times(matrix.data, attributes.float('alpha', 1)) }, bias);
};

const matmul: Operator = (call) => product(call, floatConstant(call.inputs[1], call.what));

/** Pixels that a window at the end may reach beyond the image, where sizes are rounded up. */
function roundedUp(call: Call, { size, strides, padding }: Window, input: Activation): Json {
  if (call.attributes.int('ceil_mode', 0) === 0) return padding;
  const sides = (typeof padding === 'object' ? padding : {}) as Record<string, number>;
  const { top = 0, bottom = 0, left = 0, right = 0 } = sides;
  const extents = shapeOf(input).slice(1);
  const more = size.map((extent, i) => {
    const [before, after] = i === 0 ? [top, bottom] : [left, right];
    const free = extents[i]! + before + after - extent;
    let windows = Math.ceil(free / strides[i]!);
    // a window that begins in the padding behind does not count
    if (windows * strides[i]! >= extents[i]! + before) windows -= 1;
    return Math.max(0, windows * strides[i]! - free);
  }) as [number, number];
  return { top, bottom: bottom + more[0], left, right: right + more[1] };
}

const pool =
  (kind: 'maxPool2d' | 'averagePool2d'): Operator =>
  (call) => {
    const { tape, attributes, what, name } = call;
    const input = inputOf(call);
    let x = arranged(tape, input, channelsFirst);
    const window = windowOf(call, attributes.ints('kernel_shape') ?? [], input);
    if (window.dilation.some((step) => step !== 1))
      throw new ModelError(`${what}: dilated pools are not read`);
    let padding = roundedUp(call, window, input);
    if (kind === 'averagePool2d' && attributes.int('count_include_pad', 0) === 1 && padding !== 'valid') {
      if (typeof padding !== 'object' || attributes.int('ceil_mode', 0) !== 0) {
        throw new ModelError(`${what}: a mean that counts padding it does not name`);
      }
      x = tape.add(`${name}_padded`, 'zeroPad2d', { padding }, [x]);
      padding = 'valid';
    }
    const options = { window: [...window.size], strides: window.strides, padding };
    return activation(tape.add(name, kind, options, [x]), channelsFirst);
  };

const globalPool =
  (kind: 'globalAveragePool2d' | 'globalMaxPool2d'): Operator =>
  (call) => {
    const x = arranged(call.tape, inputOf(call), channelsFirst);
    return globally(call, kind, activation(x, channelsFirst), true);
  };

function globally(call: Call, kind: string, { made: x, order }: Activation, keep: boolean): Activation {
  const made = add(call, kind, {}, x);
  if (!keep) return activation(made);
  const shape = [1, 1, ...made.shape];
  return activation(call.tape.add(`${call.name}_pixel`, 'reshape', { shape }, [made]), order);
}

/** Means over all pixels are pools; others are not read. */
const reduce =
  (kind: 'globalAveragePool2d' | 'globalMaxPool2d'): Operator =>
  (call) => {
    const input = inputOf(call);
    const rank = input.order.length + 1;
    const axes =
      call.attributes.ints('axes') ??
      (constantInput(call, 1) ? Array.from(constantInput(call, 1)!.data) : []);
    const reduced = axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
    const quern = reduced.map((axis) => input.order[axis - 1]).sort();
    if (rank !== 4 || quern.join() !== '0,1') {
      throw new ModelError(`${call.what}: over the axes ${formatShape(axes)}, not over the pixels of images`);
    }
    return globally(call, kind, input, call.attributes.int('keepdims', 1) === 1);
  };

const batchNormalization: Operator = (call) => {
  const { tape, attributes, what, name } = call;
  const input = inputOf(call);
  const along = (index: number) => {
    const { data } = floatConstant(call.inputs[index], what);
    const shape = input.order.length === 3 ? [data.length, 1, 1] : [data.length];
    return alongChannels({ shape, data, float: true }, input, what);
  };
  const x =
    input.flattened === undefined
      ? arranged(tape, input, input.order.length === 3 ? channelsFirst : [0])
      : input.made;
  const [gamma, beta, movingMean, movingVariance] = [1, 2, 3, 4].map((index) => {
    const data = along(index);
    return { shape: [data.length], data };
  });
  const options = { momentum: attributes.float('momentum', 0.9), epsilon: attributes.float('epsilon', 1e-5) };
  const made = tape.addWeighted(name, 'batchNorm', plainNumbers(options), {
    inputs: [x],
    weights: weightsOf({ gamma, beta, movingMean, movingVariance }),
  });
  return { ...input, made };
};

/** float32 attributes as the decimal number that was meant. */
function plainNumbers(options: Readonly<Record<string, number>>): Options {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, Number(value.toPrecision(7))]),
  );
}

const layerNormalization: Operator = (call) => {
  const { tape, attributes, what, name } = call;
  const input = inputOf(call);
  const rank = input.order.length + 1;
  const axis = attributes.int('axis', -1);
  if (axis !== -1 && axis !== rank - 1) throw new ModelError(`${what}: over other axes than the last`);
  const x = arranged(tape, input, identity(input.order.length));
  const gamma = floatConstant(call.inputs[1], what);
  const beta = call.inputs[2] === undefined ? undefined : floatConstant(call.inputs[2], what);
  const options = {
    ...plainNumbers({ epsilon: attributes.float('epsilon', 1e-5) }),
    center: beta !== undefined,
  };
  return activation(
    tape.addWeighted(name, 'layerNorm', options, { inputs: [x], weights: weightsOf({ gamma, beta }) }),
  );
};

export const layerOperators: Readonly<Record<string, Operator>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: matmul,
  MaxPool: pool('maxPool2d'),
  AveragePool: pool('averagePool2d'),
  GlobalAveragePool: globalPool('globalAveragePool2d'),
  GlobalMaxPool: globalPool('globalMaxPool2d'),
  ReduceMean: reduce('globalAveragePool2d'),
  ReduceMax: reduce('globalMaxPool2d'),
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
};
