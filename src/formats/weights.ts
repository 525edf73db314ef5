/** Weights as the layouts of other formats have them. Quern's filters are [height, width, in, out]. */
import { fourAxes, type Shape, sizeOf } from '../core/shape.js';
import type { StoredTensor } from '../training/files/safetensors.js';
import type { NetworkNode } from './network.js';

/** A float32 tensor, row-major. */
export interface Floats {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** The float32 values of a tensor of a model, whose weights are never anything else. */
function floatsOf({ shape, data }: StoredTensor): Floats {
  return { shape, data: data instanceof Float32Array ? data : Float32Array.from(data) };
}

/** A weight of a node, if it has it. */
export function weightOf(node: NetworkNode, name: string): Floats | undefined {
  const tensor = node.weights.get(name);
  return tensor && floatsOf(tensor);
}

/** Axis i of the result is axis `order[i]` of the tensor, copied. */
export function transposed({ shape, data }: Floats, order: readonly number[]): Floats {
  const target = order.map((axis) => shape[axis]!);
  const steps = strides(shape);
  const moved = order.map((axis) => steps[axis]!);
  const result = new Float32Array(data.length);
  const index = new Array<number>(order.length).fill(0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = data[from]!;
    for (let axis = order.length - 1; axis >= 0; axis--) {
      from += moved[axis]!;
      if (++index[axis]! < target[axis]!) break;
      from -= moved[axis]! * target[axis]!;
      index[axis] = 0;
    }
  }
  return { shape: target, data: result };
}

function strides(shape: Shape): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

/** [height, width, in, out] → [out, in, height, width], as ONNX and PyTorch have filters. */
export const filterOutFirst = (filter: Floats): Floats => transposed(filter, [3, 2, 0, 1]);

/** The reverse. */
export const filterOutLast = (filter: Floats): Floats => transposed(filter, [2, 3, 1, 0]);

/** [height, width, in, multiplier] → [in · multiplier, 1, height, width]: a group for each channel. */
export function depthwiseOutFirst(filter: Floats): Floats {
  const [height, width, channels, multiplier] = fourAxes(filter.shape);
  const { data } = transposed(filter, [2, 3, 0, 1]);
  return { shape: [channels * multiplier, 1, height, width], data };
}

/** The reverse. */
export function depthwiseOutLast({ shape, data }: Floats, channels: number): Floats {
  const [out, , height, width] = fourAxes(shape);
  return transposed({ shape: [channels, out / channels, height, width], data }, [2, 3, 0, 1]);
}

/** `size` times the same number. */
export const filled = (size: number, value: number): Floats => ({
  shape: [size],
  data: new Float32Array(size).fill(value),
});

/** The rows of a matrix in another order: row i of the result is row `order[i]`. */
export function reordered({ shape, data }: Floats, order: ArrayLike<number>): Floats {
  const width = sizeOf(shape.slice(1));
  const result = new Float32Array(data.length);
  for (let i = 0; i < order.length; i++) {
    result.set(data.subarray(order[i]! * width, (order[i]! + 1) * width), i * width);
  }
  return { shape, data: result };
}

/** Where the elements of [channels, height, width] stand in [height, width, channels]: entry i is the place of the i-th. */
export function channelsFirstOrder([height, width, channels]: readonly [number, number, number]): Int32Array {
  const order = new Int32Array(height * width * channels);
  let i = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < height * width; pixel++) order[i++] = pixel * channels + channel;
  }
  return order;
}

/** The reverse of an order. */
export function inverse(order: ArrayLike<number>): Int32Array {
  const result = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) result[order[i]!] = i;
  return result;
}
