/** Values of an ONNX graph as they are read: constants, pixels, and what Quern's layers make. */
import { DataError, ModelError } from '../../core/errors.js';
import { formatShape, type Shape, sizeOf } from '../../core/shape.js';
import type { Made, Tape } from '../tape.js';
import type { Constant } from './decode.js';

/**
 * A value that layers make. ONNX has images as [batch, channels, height, width], Quern has channels behind: axis i of
 * the ONNX value, the batch apart, is axis `order[i]` of Quern's.
 */
export interface Activation {
  readonly type: 'activation';
  readonly made: Made;
  readonly order: readonly number[];
  /** Of a flattened value whose elements stand in another order than in ONNX. */
  readonly flattened?: Flattened | undefined;
}

interface Flattened {
  /** Element i of ONNX's is element `places[i]` of Quern's. */
  readonly places: Int32Array;
  /** What was flattened. */
  readonly from: Activation;
}

/** The input before any layer: factor · pixel + offset, where the file's own pixels are the input. */
export interface Pixels {
  readonly type: 'pixels';
  readonly factor: number;
  readonly offset: number;
}

export interface Numbers extends Constant {
  readonly type: 'constant';
}

/** An activation whose examples stand in one row. */
export interface Whole {
  readonly type: 'whole';
  readonly of: Activation;
}

/** Places in such a row, for a batch of two. */
interface Indices extends Constant {
  readonly type: 'indices';
}

export type Value = Activation | Pixels | Numbers | Whole | Indices;

export const numbers = (shape: Shape, data: ArrayLike<number>, float = false): Numbers => ({
  type: 'constant',
  shape,
  data,
  float,
});

/** In place of the batch's size, which is not known, where shapes are computed. */
export const batch = -(2 ** 40);

export const identity = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

export const isIdentity = (order: readonly number[]): boolean => order.every((axis, i) => axis === i);

/** The shape of an activation as ONNX sees it, without the batch. */
export const shapeOf = ({ made, order }: Activation): Shape => order.map((axis) => made.shape[axis]!);

/** Channels first, as ONNX has images. */
export const channelsFirst: readonly number[] = [2, 0, 1];

export const activation = (
  made: Made,
  order: readonly number[] = identity(made.shape.length),
): Activation => ({
  type: 'activation',
  made,
  order,
});

/** A value with its elements where ONNX has them: `want` as in Activation. Moves them where they are not. */
export function arranged(tape: Tape, value: Activation, want: readonly number[]): Made {
  const { made, order, flattened } = value;
  if (flattened !== undefined) return unscrambled(tape, value, flattened);
  if (want.length !== order.length) {
    throw new ModelError(
      `'${made.name}': needs ${want.length} axes beside the batch, it has ${order.length}`,
    );
  }
  if (order.every((axis, i) => axis === want[i])) return made;
  // Quern's axis want[i] shall hold what is ONNX's axis i
  const axes = new Array<number>(want.length);
  for (const [i, axis] of want.entries()) axes[axis] = order[i]! + 1;
  return tape.add(`${made.name}_turned`, 'permute', { axes }, [made]);
}

/** Puts the elements of a flattened value into ONNX's order by way of the shape it had. */
function unscrambled(tape: Tape, { made }: Activation, { from }: Flattened): Made {
  const back = tape.add(`${made.name}_image`, 'reshape', { shape: [...from.made.shape] }, [made]);
  const turned = arranged(tape, activation(back, from.order), identity(from.order.length));
  return tape.add(`${made.name}_turned`, 'flatten', {}, [turned]);
}

/** The one number of a constant, or undefined where it has several. */
export function scalarOf(value: Constant): number | undefined {
  return sizeOf(value.shape) === 1 ? value.data[0] : undefined;
}

export function integersOf(value: Value | undefined, what: string): number[] {
  if (value?.type !== 'constant') throw new DataError(`${what}: must be numbers that the file holds`);
  return Array.from(value.data);
}

/**
 * A constant that is combined with an activation, as a number for each of Quern's last axis.
 *
 * @throws ModelError where it differs along another axis
 */
export function alongChannels(constant: Constant, value: Activation, what: string): Float32Array {
  const { made, order, flattened } = value;
  const size = made.shape.at(-1)!;
  const only = scalarOf(constant);
  if (only !== undefined) return new Float32Array(size).fill(only);
  const onnxShape = [1, ...shapeOf(value)];
  const padded = [
    ...new Array<number>(Math.max(0, onnxShape.length - constant.shape.length)).fill(1),
    ...constant.shape,
  ];
  const stretched = padded.flatMap((extent, axis) => (extent === 1 ? [] : [axis]));
  const [axis] = stretched;
  const fits =
    padded.length === onnxShape.length && stretched.length === 1 && padded[axis!] === onnxShape[axis!];
  if (!fits || order[axis! - 1] !== made.shape.length - 1) {
    throw new ModelError(
      `${what}: a constant ${formatShape(constant.shape)} that is not one number for each channel of ${formatShape(onnxShape)}`,
    );
  }
  const result = new Float32Array(size);
  for (let i = 0; i < size; i++) result[flattened?.places[i] ?? i] = constant.data[i]!;
  return result;
}

export function floatConstant(value: Value | undefined, what: string): { shape: Shape; data: Float32Array } {
  if (value?.type !== 'constant') throw new ModelError(`${what}: its weights are not in the file as numbers`);
  return {
    shape: value.shape,
    data: value.data instanceof Float32Array ? value.data : Float32Array.from(value.data),
  };
}
