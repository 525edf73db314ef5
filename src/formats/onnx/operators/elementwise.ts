/** Operators that look at each element by itself, and those that join two values element by element. */
import { DataError, ModelError } from '../../../core/errors.js';
import { formatShape, type Shape, sameShape, sizeOf } from '../../../core/shape.js';
import type { JoinKind } from '../../../nn/layers/graph.js';
import { type Options, weightsOf } from '../../tape.js';
import { type Call, constantInput, inputOf, type Operator } from '../call.js';
import {
  type Activation,
  alongChannels,
  arranged,
  identity,
  type Numbers,
  numbers,
  type Pixels,
  scalarOf,
  shapeOf,
  type Value,
} from '../values.js';

/** The same place for every element, under another layer. */
function pointwise(call: Call, kind: string, options: Options = {}): Activation {
  const input = inputOf(call);
  return { ...input, made: call.tape.add(call.name, kind, options, [input.made]) };
}

const simple =
  (kind: string): Operator =>
  (call) =>
    pointwise(call, kind);

/** A float32 attribute as the decimal number that was meant. */
const decimal = (value: number) => Number(value.toPrecision(7));

const clip: Operator = (call) => {
  const { attributes } = call;
  const bound = (index: number, name: string, usual: number) => {
    const constant = constantInput(call, index);
    return constant === undefined ? attributes.float(name, usual) : (constant.data[0] ?? usual);
  };
  const low = bound(1, 'min', -3.4e38);
  const high = bound(2, 'max', 3.4e38);
  if (low === 0 && high > 3e38) return pointwise(call, 'relu');
  return pointwise(call, 'clip', { low, high });
};

const prelu: Operator = (call) => {
  const slope = call.inputs[1]?.type === 'constant' ? scalarOf(call.inputs[1]) : undefined;
  if (slope === undefined) throw new ModelError(`${call.what}: a slope for each channel is not read`);
  return pointwise(call, 'leakyRelu', { slope });
};

const hardSigmoid: Operator = (call) => {
  const slope = decimal(call.attributes.float('alpha', 0.2));
  const offset = decimal(call.attributes.float('beta', 0.5));
  return pointwise(call, 'hardSigmoid', { slope: Math.abs(slope - 1 / 6) < 1e-6 ? 1 / 6 : slope, offset });
};

const gelu: Operator = (call) => {
  if (call.attributes.text('approximate', 'none') !== 'none') {
    throw new ModelError(`${call.what}: the approximation by tanh is not read`);
  }
  return pointwise(call, 'gelu');
};

const dropout: Operator = (call) => {
  const given = call.inputs[1];
  const rate = given?.type === 'constant' ? (given.data[0] ?? 0.5) : call.attributes.float('ratio', 0.5);
  return rate > 0 && rate < 1 ? pointwise(call, 'dropout', { rate: decimal(rate) }) : inputOf(call);
};

type Arithmetic = (a: number, b: number) => number;

/** Both constants: NumPy's rule of broadcasting. */
function folded({ tape, what }: Call, [a, b]: readonly [Numbers, Numbers], f: Arithmetic): Numbers {
  const rank = Math.max(a.shape.length, b.shape.length);
  const padded = (shape: Shape) => [...new Array<number>(rank - shape.length).fill(1), ...shape];
  const [left, right] = [padded(a.shape), padded(b.shape)];
  const shape = left.map((extent, axis) => (extent === 1 ? right[axis]! : extent));
  if (right.some((extent, axis) => extent !== 1 && extent !== shape[axis])) {
    throw new DataError(`${what}: ${formatShape(a.shape)} and ${formatShape(b.shape)} do not broadcast`);
  }
  tape.fold(sizeOf(shape));
  const place = (from: Shape, index: number) => {
    let rest = index;
    let position = 0;
    let step = 1;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const at = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
      if (from[axis] !== 1) position += at * step;
      step *= from[axis]!;
    }
    return position;
  };
  const data = Array.from({ length: sizeOf(shape) }, (_, i) =>
    f(a.data[place(left, i)]!, b.data[place(right, i)]!),
  );
  const float = a.float || b.float;
  // integers are divided towards 0
  if (!float) for (const [i, value] of data.entries()) data[i] = Math.trunc(value);
  return numbers(shape, float ? Float32Array.from(data) : data, float);
}

/** factor · pixel + offset once more multiplied and moved. */
const onPixels = ({ factor, offset }: Pixels, times: number, plus: number): Pixels => ({
  type: 'pixels',
  factor: factor * times,
  offset: offset * times + plus,
});

type ArithmeticKind = 'add' | 'subtract' | 'multiply' | 'divide';

const arithmetic: Readonly<Record<ArithmeticKind, Arithmetic>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
};

/** What a constant behind an activation does to it, as factor and addend. */
function factorAndAddend(
  kind: ArithmeticKind,
  constant: ArrayLike<number>,
): { factor?: Float32Array; addend?: Float32Array } {
  const values = Float32Array.from(constant);
  switch (kind) {
    case 'add':
      return { addend: values };
    case 'subtract':
      return { addend: values.map((value) => -value) };
    case 'multiply':
      return { factor: values };
    case 'divide':
      return { factor: values.map((value) => 1 / value) };
  }
}

/** A bias behind a convolution or product that has none becomes its own. */
function asBias(call: Call, input: Activation, addend: Float32Array): Activation | undefined {
  const { made } = input;
  const draft = call.tape.find(made.name);
  const biased = draft !== undefined && ['conv2d', 'depthwiseConv2d', 'dense'].includes(draft.kind);
  if (!biased || draft.options.useBias !== false) return undefined;
  const value = call.valueOf(made.name);
  if (value === undefined || call.uses(value) !== 1) return undefined;
  const weights = new Map(draft.weights).set('bias', { shape: [addend.length], data: addend });
  call.tape.replace(made.name, { ...draft.options, useBias: true }, weights);
  return input;
}

function withConstant(call: Call, kind: ArithmeticKind, value: Value, constant: Numbers): Value {
  const only = scalarOf(constant);
  if (value.type === 'pixels' && only !== undefined) {
    // in float64: what was meant is told from it
    if (kind === 'add' || kind === 'subtract') return onPixels(value, 1, kind === 'add' ? only : -only);
    return onPixels(value, kind === 'multiply' ? only : 1 / only, 0);
  }
  const input = call.activation(value);
  const { factor, addend } = factorAndAddend(kind, alongChannels(constant, input, call.what));
  if (addend !== undefined) {
    const biased = asBias(call, input, addend);
    if (biased !== undefined) return biased;
  }
  const options = { scale: factor !== undefined, center: addend !== undefined };
  const size = input.made.shape.at(-1)!;
  const vector = (data: Float32Array | undefined) => data && { shape: [size], data };
  const weights = weightsOf({ gain: vector(factor), offset: vector(addend) });
  return {
    ...input,
    made: call.tape.addWeighted(call.name, 'affine', options, { inputs: [input.made], weights }),
  };
}

/** Two activations, one with its elements moved to where the other has them. */
function joined(call: Call, kind: JoinKind, a: Activation, b: Activation): Activation {
  const [left, right] = [shapeOf(a), shapeOf(b)];
  const aligned = left.length === right.length && sizeOf(left) >= sizeOf(right);
  const [large, small] = aligned ? [a, b] : [b, a];
  if (large.order.length !== small.order.length) {
    throw new ModelError(`${call.what}: ${formatShape(left)} and ${formatShape(right)} differ in axes`);
  }
  const stretched = shapeOf(small).some((extent, axis) => extent !== 1 && extent !== shapeOf(large)[axis]);
  if (stretched)
    throw new ModelError(`${call.what}: ${formatShape(left)} and ${formatShape(right)} do not fit`);
  const together = sameShape(a.order, b.order) && a.flattened?.places.join() === b.flattened?.places.join();
  if (together) return { ...large, made: call.tape.add(call.name, kind, {}, [a.made, b.made]) };
  const order = large.flattened === undefined ? large.order : identity(1);
  const made = [a, b].map((value) => arranged(call.tape, value, order));
  return { type: 'activation', order, made: call.tape.add(call.name, kind, {}, made) };
}

const binary =
  (kind: ArithmeticKind): Operator =>
  (call) => {
    const [a, b] = call.inputs;
    if (a === undefined || b === undefined) throw new DataError(`${call.what}: needs two inputs`);
    if (b.type === 'constant') {
      return a.type === 'constant' ? folded(call, [a, b], arithmetic[kind]) : withConstant(call, kind, a, b);
    }
    if (a.type === 'constant') {
      if (kind === 'add' || kind === 'multiply') return withConstant(call, kind, b, a);
      if (kind === 'divide') throw new ModelError(`${call.what}: a constant divided by a value is not read`);
      const negative = withConstant(call, 'multiply', b, numbers([], [-1], true));
      return negative.type === 'constant' ? negative : withConstant(call, 'add', negative, a);
    }
    if (kind === 'divide') throw new ModelError(`${call.what}: a value divided by another is not read`);
    return joined(call, kind, call.activation(a), call.activation(b));
  };

const several =
  (kind: JoinKind): Operator =>
  (call) => {
    const values = call.inputs.map((value) => call.activation(value));
    if (values.length < 2) return values[0]!;
    const [first] = values;
    const same = values.every(
      (value) =>
        sameShape(value.order, first!.order) &&
        value.flattened === undefined &&
        sameShape(shapeOf(value), shapeOf(first!)),
    );
    if (!same) throw new ModelError(`${call.what}: values of several shapes`);
    return {
      ...first!,
      made: call.tape.add(
        call.name,
        kind,
        {},
        values.map(({ made }) => made),
      ),
    };
  };

export const elementwiseOperators: Readonly<Record<string, Operator>> = {
  Relu: simple('relu'),
  Sigmoid: simple('sigmoid'),
  Tanh: simple('tanh'),
  Softplus: simple('softplus'),
  Softsign: simple('softsign'),
  Selu: simple('selu'),
  HardSwish: simple('hardSilu'),
  Elu: (call) => pointwise(call, 'elu', { alpha: decimal(call.attributes.float('alpha', 1)) }),
  LeakyRelu: (call) => pointwise(call, 'leakyRelu', { slope: decimal(call.attributes.float('alpha', 0.01)) }),
  HardSigmoid: hardSigmoid,
  Gelu: gelu,
  PRelu: prelu,
  Clip: clip,
  Dropout: dropout,
  Add: binary('add'),
  Sub: binary('subtract'),
  Mul: binary('multiply'),
  Div: binary('divide'),
  Sum: several('add'),
  Max: several('maximum'),
  Min: several('minimum'),
  Mean: several('average'),
};
