/** Operators that move elements, and those that compute shapes. */
import { DataError, ModelError } from '../../../core/errors.js';
import { formatShape, type Shape, sizeOf } from '../../../core/shape.js';
import { inverse } from '../../weights.js';
import { type Call, constantInput, inputOf, type Operator } from '../call.js';
import { constantOf, isFloatType } from '../decode.js';
import {
  type Activation,
  activation,
  arranged,
  batch,
  channelsFirst,
  identity,
  integersOf,
  isIdentity,
  type Numbers,
  numbers,
  shapeOf,
} from '../values.js';

const positive = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

/** One axis of all elements of an example, in the order that ONNX has them or with what that order is. */
function flat(call: Call, input: Activation): Activation {
  const { tape, name } = call;
  if (input.order.length === 1) return input;
  const { made, order, flattened } = input;
  if (flattened !== undefined) return input;
  // a reshape before it is of no account; what it was made of has the same elements in the same order
  const source = tape.find(made.name);
  const through = source?.kind === 'reshape' ? source.inputs[0]! : undefined;
  const before = through === undefined ? made : { name: through, shape: tape.shapeOf(through) };
  const sameOrder = isIdentity(order) || sizeOf(made.shape) === Math.max(...made.shape);
  const target =
    sameOrder && before.shape.length === 1
      ? before
      : tape.add(name, 'flatten', {}, [sameOrder ? before : made]);
  if (sameOrder) return activation(target);
  return {
    type: 'activation',
    made: target,
    order: [0],
    flattened: { places: placesOf(input), from: input },
  };
}

/** Where the elements of an activation, in ONNX's row-major order, stand in Quern's. */
function placesOf({ made, order }: Activation): Int32Array {
  const extents = order.map((axis) => made.shape[axis]!);
  const steps = order.map((axis) => sizeOf(made.shape.slice(axis + 1)));
  const places = new Int32Array(sizeOf(extents));
  for (let i = 0; i < places.length; i++) {
    let rest = i;
    for (let axis = extents.length - 1; axis >= 0; axis--) {
      places[i]! += (rest % extents[axis]!) * steps[axis]!;
      rest = Math.floor(rest / extents[axis]!);
    }
  }
  return places;
}

/** An activation under another shape, of an example as ONNX sees it. */
export function reshaped(call: Call, input: Activation, target: Shape): Activation {
  const from = shapeOf(input);
  if (sizeOf(from) !== sizeOf(target)) {
    throw new ModelError(`${call.what}: ${formatShape(from)} does not fill ${formatShape(target)}`);
  }
  if (from.join() === target.join()) return input;
  if (target.length === 1) return flat(call, input);
  const big = (shape: Shape) => shape.filter((extent) => extent !== 1).join();
  // channels behind one pixel, and the like
  if (target.length === 3 && big(from) === big(target) && big(target) === String(target[0])) {
    const { made, flattened } = input;
    if (flattened === undefined) {
      const shape = [target[1]!, target[2]!, target[0]!];
      return activation(call.tape.add(call.name, 'reshape', { shape }, [made]), channelsFirst);
    }
  }
  const made = arranged(call.tape, input, identity(input.order.length));
  return activation(call.tape.add(call.name, 'reshape', { shape: [...target] }, [made]));
}

/** What a shape with 0 (as it was), −1 (what is left) and the batch comes to for an example. */
function exampleShape(call: Call, input: Activation, wanted: readonly number[]): number[] {
  const from = shapeOf(input);
  const [first, ...rest] = wanted.map((extent, axis) =>
    extent === 0 && axis > 0 ? (from[axis - 1] ?? 0) : extent,
  );
  const size = sizeOf(from);
  if (rest.includes(batch)) throw new ModelError(`${call.what}: moves the batch into ${formatShape(rest)}`);
  const known = sizeOf(rest.filter((extent) => extent !== -1));
  const open = rest.includes(-1);
  const target = rest.map((extent) => (extent === -1 ? size / known : extent));
  // a fixed number in front is that of the batch which the file was made with
  const whole = open ? first !== -1 : sizeOf(target) === size;
  if (!whole || target.some((extent) => !Number.isInteger(extent) || extent < 1)) {
    throw new ModelError(
      `${call.what}: ${formatShape(from)} of each example does not become ${formatShape(rest)}`,
    );
  }
  return target;
}

const reshapeConstant = (value: Numbers, wanted: readonly number[]): Numbers => {
  const shape = wanted.map((extent, axis) => (extent === 0 ? (value.shape[axis] ?? 0) : extent));
  const known = sizeOf(shape.filter((extent) => extent !== -1));
  const target = shape.map((extent) => (extent === -1 ? value.data.length / known : extent));
  if (sizeOf(target) !== value.data.length || target.some((extent) => extent < 0)) {
    throw new DataError(`a constant ${formatShape(value.shape)} does not fill ${formatShape(wanted)}`);
  }
  return { ...value, shape: target };
};

const reshape: Operator = (call) => {
  const [value] = call.inputs;
  const wanted = call.attributes.ints('shape') ?? integersOf(call.inputs[1], call.what);
  if (value?.type === 'constant') return reshapeConstant(value, wanted);
  const input = inputOf(call);
  if (wanted.join() === '-1') return { type: 'whole', of: input };
  return reshaped(call, input, exampleShape(call, input, wanted));
};

const flatten: Operator = (call) => {
  const input = inputOf(call);
  const axis = positive(call.attributes.int('axis', 1), input.order.length + 1);
  if (axis !== 1) throw new ModelError(`${call.what}: of the axes from ${axis} on`);
  return flat(call, input);
};

const transpose: Operator = (call) => {
  const [value] = call.inputs;
  if (value?.type === 'constant') return transposeConstant(call, value);
  const input = inputOf(call);
  const rank = input.order.length + 1;
  const perm = call.attributes.ints('perm') ?? identity(rank).reverse();
  if (
    perm[0] !== 0 ||
    perm.length !== rank ||
    [...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)
  ) {
    throw new ModelError(
      `${call.what}: axes ${formatShape(perm)} of ${rank}, of which the batch stays in front`,
    );
  }
  if (rank === 2) return input;
  return activation(
    input.made,
    perm.slice(1).map((axis) => input.order[axis - 1]!),
  );
};

function transposeConstant(call: Call, { shape, data, float }: Numbers): Numbers {
  const perm = call.attributes.ints('perm') ?? identity(shape.length).reverse();
  call.tape.fold(data.length);
  const places = placesOf({
    type: 'activation',
    made: { name: '', shape },
    order: perm,
  });
  const moved = Float64Array.from(places, (place) => data[place]!);
  return numbers(
    perm.map((axis) => shape[axis]!),
    float ? Float32Array.from(moved) : moved,
    float,
  );
}

function axesOf(call: Call, rank: number): number[] | undefined {
  const given =
    call.attributes.ints('axes') ?? (constantInput(call, 1) && Array.from(constantInput(call, 1)!.data));
  return given?.map((axis) => positive(axis, rank));
}

const squeeze: Operator = (call) => {
  const [value] = call.inputs;
  const shape: Shape = value?.type === 'constant' ? value.shape : [batch, ...shapeOf(inputOf(call))];
  const axes = axesOf(call, shape.length) ?? shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []));
  const left = shape.filter((extent, axis) => !(axes.includes(axis) && extent === 1));
  if (value?.type === 'constant') return { ...value, shape: left };
  return reshaped(call, inputOf(call), left.slice(1));
};

const unsqueeze: Operator = (call) => {
  const [value] = call.inputs;
  const shape: Shape = value?.type === 'constant' ? value.shape : [batch, ...shapeOf(inputOf(call))];
  const given = call.attributes.ints('axes') ?? integersOf(call.inputs[1], call.what);
  const rank = shape.length + given.length;
  const axes = new Set(given.map((axis) => positive(axis, rank)));
  const rest = [...shape];
  const target = Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : (rest.shift() ?? 1)));
  if (value?.type === 'constant') return { ...value, shape: target };
  if (target[0] !== batch) throw new ModelError(`${call.what}: puts an axis before the batch`);
  return reshaped(call, inputOf(call), target.slice(1));
};

const shape: Operator = (call) => {
  const [value] = call.inputs;
  const whole = value?.type === 'constant' ? [...value.shape] : [batch, ...shapeOf(inputOf(call))];
  const start = positive(call.attributes.int('start', 0), whole.length);
  const end = call.attributes.has('end')
    ? positive(call.attributes.int('end', 0), whole.length)
    : whole.length;
  const part = whole.slice(start, end);
  return numbers([part.length], part);
};

const gather: Operator = (call) => {
  const table = constantInput(call, 0);
  const indices = constantInput(call, 1);
  if (table === undefined || indices === undefined || table.shape.length !== 1) {
    throw new ModelError(`${call.what}: is read of shapes alone`);
  }
  call.tape.fold(indices.data.length);
  const data = Array.from(indices.data, (index) => table.data[positive(index, table.data.length)]);
  if (data.includes(undefined))
    throw new DataError(`${call.what}: an index outside ${table.data.length} numbers`);
  return { ...table, shape: indices.shape, data: data as number[] };
};

/** Where a slice of an axis begins and how many it takes, as in Python. */
function range(extent: number, start: number, end: number, step: number): number[] {
  const bound = (value: number, least: number, most: number) =>
    Math.min(most, Math.max(least, value < 0 ? value + extent : value));
  const [from, to] =
    step > 0
      ? [bound(start, 0, extent), bound(end, 0, extent)]
      : [bound(start, -1, extent - 1), bound(end, -1, extent - 1)];
  const count = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length: count }, (_, i) => from + i * step);
}

const sliced: Operator = (call) => {
  const table = constantInput(call, 0);
  if (table === undefined) throw new ModelError(`${call.what}: is read of shapes alone`);
  const part = (name: string, index: number) =>
    call.attributes.ints(name) ?? integersOf(call.inputs[index], call.what);
  const [starts, ends] = [part('starts', 1), part('ends', 2)];
  const rank = table.shape.length;
  const given =
    call.attributes.ints('axes') ??
    (call.inputs[3] === undefined ? identity(starts.length) : part('axes', 3));
  const steps = call.inputs[4] === undefined ? starts.map(() => 1) : part('steps', 4);
  if (starts.length !== 1 || ends.length !== 1 || given.length !== 1 || !steps[0]) {
    throw new ModelError(`${call.what}: along several axes at once`);
  }
  const axis = positive(given[0]!, rank);
  const extent = table.shape[axis] ?? 0;
  // an empty table may have any number of empty rows
  if (Math.max(...table.shape) > table.data.length)
    throw new ModelError(`${call.what}: of an empty table ${formatShape(table.shape)}`);
  const taken = range(extent, starts[0]!, ends[0]!, steps[0]);
  const inner = sizeOf(table.shape.slice(axis + 1));
  const outer = sizeOf(table.shape.slice(0, axis));
  call.tape.fold(table.data.length);
  const data = Array.from({ length: outer }, (_, i) =>
    taken.flatMap((at) =>
      Array.from({ length: inner }, (_unused, j) => table.data[(i * extent + at) * inner + j]!),
    ),
  ).flat();
  return { ...table, shape: table.shape.map((each, i) => (i === axis ? taken.length : each)), data };
};

/** Many times one number, of which shapes and paddings are made. */
const constantOfShape: Operator = (call) => {
  const shape = integersOf(call.inputs[0], call.what);
  const size = sizeOf(shape);
  if (shape.some((extent) => extent < 0) || size > 1024) {
    throw new ModelError(`${call.what}: of ${formatShape(shape)} is read of shapes alone`);
  }
  const tensor = call.attributes.tensor('value');
  const value = tensor === undefined ? undefined : constantOf(tensor);
  return numbers(shape, new Array<number>(size).fill(value?.data[0] ?? 0), value?.float ?? true);
};

const concat: Operator = (call) => {
  const { inputs, attributes, what, tape, name } = call;
  const constants = inputs.filter((value): value is Numbers => value?.type === 'constant');
  if (constants.length === inputs.length) {
    if (constants.some((value) => value.shape.length !== 1))
      throw new ModelError(`${what}: of constant tables`);
    tape.fold(constants.reduce((sum, value) => sum + value.data.length, 0));
    const data = constants.flatMap((value) => Array.from(value.data));
    return numbers(
      [data.length],
      data,
      constants.some(({ float }) => float),
    );
  }
  const values = inputs.map((value) => call.activation(value));
  const [first] = values as [Activation, ...Activation[]];
  const axis = positive(attributes.int('axis', 1), first.order.length + 1) - 1;
  const last = first.made.shape.length - 1;
  const flattened = values.some((value) => value.flattened !== undefined);
  // as Quern joins: along its last axis
  const want = flattened || first.order[axis] !== last ? identity(last + 1) : first.order;
  const made = values.map((value) => arranged(tape, value, want));
  if (want[axis] === last) return activation(tape.add(name, 'concatenate', {}, made), want);
  const turn = [...identity(last + 1).filter((each) => each !== axis), axis].map((each) => each + 1);
  const turned = made.map((value) => tape.add(`${name}_turned`, 'permute', { axes: turn }, [value]));
  const order = inverse(turn.map((each) => each - 1));
  return activation(tape.add(name, 'concatenate', {}, turned), Array.from(order));
};

const pad: Operator = (call) => {
  const { attributes, what, tape, name } = call;
  const input = inputOf(call);
  const pads = attributes.ints('pads') ?? integersOf(call.inputs[1], what);
  const value = constantInput(call, 2)?.data[0] ?? attributes.float('value', 0);
  const rank = input.order.length + 1;
  if (attributes.text('mode', 'constant') !== 'constant' || value !== 0 || call.inputs[3] !== undefined) {
    throw new ModelError(`${what}: is read with zeros and for all axes alone`);
  }
  if (pads.length !== 2 * rank) throw new DataError(`${what}: ${pads.length} numbers for ${rank} axes`);
  if (pads.every((side) => side === 0)) return input;
  const sides = [0, 1, 2].map((quern) => {
    const axis = input.order.indexOf(quern) + 1;
    return [pads[axis]!, pads[axis + rank]!] as const;
  });
  const outside = pads[0] !== 0 || pads[rank] !== 0 || rank !== 4 || sides[2]!.some((side) => side !== 0);
  if (outside) throw new ModelError(`${what}: around other axes than the pixels of images`);
  const [[top, bottom], [left, right]] = sides as [readonly [number, number], readonly [number, number]];
  const made = tape.add(name, 'zeroPad2d', { padding: { top, bottom, left, right } }, [input.made]);
  return { ...input, made };
};

const same: Operator = ({ inputs, what }) => {
  const [value] = inputs;
  if (value === undefined) throw new DataError(`${what}: has no input`);
  return value;
};

/** To integers the part behind the point is lost, which sizes of paddings are computed by; between floats nothing is. */
const cast: Operator = (call) => {
  const { what, attributes } = call;
  const value = same(call);
  const float = isFloatType(attributes.int('to', 0));
  if (value.type === 'constant' || value.type === 'indices') {
    return { ...value, float, data: float ? value.data : Array.from(value.data, Math.trunc) };
  }
  const whole = value.type === 'pixels' && value.factor === 1 && value.offset === 0;
  if (!float && !whole) throw new ModelError(`${what}: rounds what layers make, which is not read`);
  return value;
};

const constant: Operator = ({ attributes, what }) => {
  const tensor = attributes.tensor('value');
  if (tensor !== undefined) return { type: 'constant', ...constantOf(tensor) };
  if (attributes.has('value_int')) return numbers([], [attributes.int('value_int', 0)]);
  if (attributes.has('value_float')) return numbers([], [attributes.float('value_float', 0)], true);
  const ints = attributes.ints('value_ints');
  if (attributes.has('value_ints') && ints !== undefined) return numbers([ints.length], ints);
  const floats = attributes.floats('value_floats');
  if (attributes.has('value_floats') && floats !== undefined) return numbers([floats.length], floats, true);
  throw new DataError(`${what}: holds no numbers`);
};

const softmax: Operator = (call) => {
  const input = inputOf(call);
  const rank = input.order.length + 1;
  const axis = positive(call.attributes.int('axis', call.opset < 13 ? 1 : -1), rank);
  if (axis !== rank - 1) throw new ModelError(`${call.what}: along axis ${axis} of ${rank}`);
  const made = arranged(call.tape, input, identity(input.order.length));
  return activation(call.tape.add(call.name, 'softmax', { axis: -1 }, [made]));
};

export const shapeOperators: Readonly<Record<string, Operator>> = {
  Identity: same,
  Cast: cast,
  Constant: constant,
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Shape: shape,
  Gather: gather,
  Slice: sliced,
  Concat: concat,
  ConstantOfShape: constantOfShape,
  Pad: pad,
  Softmax: softmax,
};
