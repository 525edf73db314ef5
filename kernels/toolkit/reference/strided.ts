/** Common parts of the reference kernels: their type, the walks over elements and windows, and the epilogue. */
import type { NdArray } from 'ndarray';
import { fourAxes, type Shape, sizeOf } from '../../../src/core/shape.js';
import { collapseAxes } from '../../../src/core/view.js';
import { compileClosure } from '../../../src/writers/closure.js';
import { type Epilogue, epilogueStrides, type KernelCall, type Padding } from '../../contract.js';

/** Storage of a tensor. float32 tensors may be stored as Float64Array, which makes storing exact. */
export type Storage = Float32Array | Float64Array | Int32Array | Uint8Array;

export type Strided = NdArray<Storage>;

/**
 * The definition of a kernel. `inputs` have the layouts of the call at any offset, `outputs` are row-major without gaps
 * at any offset. Sums are kept in double precision; only storing rounds.
 */
export type ReferenceKernel<Specification> = (
  call: KernelCall<Specification>,
  inputs: readonly Strided[],
  outputs: readonly Strided[],
) => void;

/**
 * Visits the positions of `shape` in row-major order: `index` counts them, `at[i]` is where walker i stands, which starts
 * at its offset and moves by its strides. `at` is reused between visits.
 */
export function forEachElement(
  shape: Shape,
  walkers: readonly { readonly stride: readonly number[]; readonly offset: number }[],
  visit: (index: number, at: readonly number[]) => void,
): void {
  const { shape: extents, strides } = collapseAxes(
    shape,
    walkers.map((walker) => walker.stride),
  );
  const at = walkers.map((walker) => walker.offset);
  const position = extents.map(() => 0);
  const size = sizeOf(shape);
  for (let index = 0; index < size; index++) {
    visit(index, at);
    for (let axis = extents.length - 1; axis >= 0; axis--) {
      const extent = extents[axis]!;
      const wraps = ++position[axis]! === extent;
      for (let i = 0; i < at.length; i++) {
        const stride = strides[i]![axis]!;
        at[i]! += wraps ? stride - stride * extent : stride;
      }
      if (!wraps) break;
      position[axis] = 0;
    }
  }
}

/** A window that slides over images. */
interface Sliding {
  /** Height and width. */
  readonly window: readonly [number, number];
  /** Steps between windows, [height, width]. */
  readonly strides: readonly [number, number];
  readonly padding: Padding;
}

/**
 * Visits every pair of a window and an image pixel inside it, windows in row-major order, then pixels of the window in
 * row-major order. `y` and `x` number the pixels of `[batch, height, width, channels]` shapes from 0, over the batch too;
 * `tap` numbers the pixels of the window, those outside the image included: those are visited too where `frame` is set,
 * with an `x` of −1.
 */
export function forEachTap(
  { window, strides, padding, frame = false }: Sliding & { readonly frame?: boolean },
  images: Shape,
  windows: Shape,
  visit: (y: number, x: number, tap: number) => void,
): void {
  const [batch, height, width] = fourAxes(images);
  const [, rows, columns] = fourAxes(windows);
  const [windowHeight, windowWidth] = window;
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        for (let a = 0; a < windowHeight; a++) {
          const p = i * strides[0] + a - padding.top;
          for (let b = 0; b < windowWidth; b++) {
            const q = j * strides[1] + b - padding.left;
            const inside = p >= 0 && p < height && q >= 0 && q < width;
            if (!inside && !frame) continue;
            visit(
              (n * rows + i) * columns + j,
              inside ? (n * height + p) * width + q : -1,
              a * windowWidth + b,
            );
          }
        }
      }
    }
  }
}

/** The elements of a row-major array, from its first. */
export function elementsOf(array: Strided): Storage {
  return array.data.subarray(array.offset);
}

/** The epilogue as a function of a result and its row-major index in the output; without one, the result itself. */
export function finisher(
  { specification, inputs: layouts, outputs }: KernelCall<{ readonly epilogue?: Epilogue | undefined }>,
  inputs: readonly Strided[],
): (value: number, index: number) => number {
  const { epilogue } = specification;
  if (epilogue === undefined) return (value) => value;
  const closure = compileClosure(epilogue.expression);
  const shape = outputs[0]!.shape;
  const columns = shape.at(-1) ?? 1;
  const first = inputs.length - epilogue.operands;
  const steps = layouts.slice(first).map((layout) => epilogueStrides(layout, shape));
  const operands = new Array<number>(1 + epilogue.operands);
  return (value, index) => {
    const column = index % columns;
    const row = (index - column) / columns;
    operands[0] = value;
    for (let i = 0; i < steps.length; i++) {
      const { data, offset } = inputs[first + i]!;
      operands[i + 1] = data[offset + row * steps[i]!.row + column * steps[i]!.column]!;
    }
    return closure(operands, index);
  };
}

/** Stores `results`, row-major, through the epilogue of the call if it has one. */
export function storeResults(
  results: ArrayLike<number>,
  call: KernelCall<{ readonly epilogue?: Epilogue | undefined }>,
  inputs: readonly Strided[],
  output: Strided,
): void {
  const finish = finisher(call, inputs);
  const { data, offset } = output;
  for (let index = 0; index < results.length; index++) data[offset + index] = finish(results[index]!, index);
}
