import type { Data, DataType, NdArray, Value } from 'ndarray';
import { rowMajorStrides, type Shape, sizeOf } from './shape.js';

/** A strided window on a buffer: the ndarray model. Strides and offset count elements; a stride of 0 repeats. */
export interface View {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** The view of a whole row-major buffer. */
export function contiguousView(shape: Shape): View {
  return { shape, strides: rowMajorStrides(shape), offset: 0 };
}

/** Tells whether walking the view in row-major order walks consecutive elements. */
export function isContiguous(view: Pick<View, 'shape' | 'strides'>): boolean {
  let step = 1;
  for (let axis = view.shape.length - 1; axis >= 0; axis--) {
    const extent = view.shape[axis]!;
    if (extent === 0) return true;
    if (extent !== 1 && view.strides[axis] !== step) return false;
    step *= extent;
  }
  return true;
}

/** Stretches axes of extent 1 (and adds leading ones) to `shape`, which must be a broadcast of the view's. */
export function broadcastView(view: View, shape: Shape): View {
  const added = shape.length - view.shape.length;
  const strides = shape.map((extent, axis) => {
    const source = axis - added;
    return source < 0 || (view.shape[source] === 1 && extent !== 1) ? 0 : view.strides[source]!;
  });
  return { shape, strides, offset: view.offset };
}

/** Axis `i` of the result is axis `permutation[i]` of the view. */
export function transposeView(view: View, permutation: readonly number[]): View {
  return {
    shape: permutation.map((axis) => view.shape[axis]!),
    strides: permutation.map((axis) => view.strides[axis]!),
    offset: view.offset,
  };
}

/** Starts at `start[axis]` and takes every `step[axis]`-th element, `shape[axis]` of them. */
export function sliceView(view: View, start: readonly number[], step: readonly number[], shape: Shape): View {
  return {
    shape,
    strides: view.strides.map((stride, axis) => stride * step[axis]!),
    offset: view.offset + view.strides.reduce((sum, stride, axis) => sum + stride * start[axis]!, 0),
  };
}

/**
 * The same elements in the same order under another shape of the same size, or undefined where no strides express
 * that without a copy. Axes are matched in groups of equal size; a group of the old shape must be evenly strided.
 */
export function reshapeView(view: View, shape: Shape): View | undefined {
  if (sizeOf(shape) === 0 || isContiguous(view)) return { ...contiguousView(shape), offset: view.offset };
  const axes = view.shape.map((_, axis) => axis).filter((axis) => view.shape[axis] !== 1);
  const strides = new Array<number>(shape.length).fill(0);
  let oldAxis = 0;
  let newAxis = 0;
  while (oldAxis < axes.length) {
    const oldStart = oldAxis;
    const newStart = newAxis;
    let oldSize = view.shape[axes[oldAxis++]!]!;
    while (newAxis < shape.length && shape[newAxis] === 1) newAxis++;
    let newSize = shape[newAxis++]!;
    while (oldSize !== newSize) {
      if (oldSize < newSize) oldSize *= view.shape[axes[oldAxis++]!]!;
      else newSize *= shape[newAxis++]!;
    }
    for (let i = oldStart; i < oldAxis - 1; i++) {
      const outer = view.strides[axes[i]!]!;
      if (outer !== view.strides[axes[i + 1]!]! * view.shape[axes[i + 1]!]!) return undefined;
    }
    let step = view.strides[axes[oldAxis - 1]!]!;
    for (let axis = newAxis - 1; axis >= newStart; axis--) {
      strides[axis] = step;
      step *= shape[axis]!;
    }
  }
  return { shape, strides, offset: view.offset };
}

/**
 * Merges neighboring axes that all `views` walk evenly and drops axes of extent 1, so that loops over them are as
 * few and as long as can be. All views must have the same shape; the result lists the merged shape and the strides
 * of each view over it. At least one axis is left.
 */
export function collapseAxes(
  shape: Shape,
  views: readonly (readonly number[])[],
): { shape: number[]; strides: number[][] } {
  const merged: number[] = [];
  const strides: number[][] = views.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    const extent = shape[axis]!;
    if (extent === 1) continue;
    const last = merged.length - 1;
    if (last >= 0 && views.every((view, i) => strides[i]![last] === view[axis]! * extent)) {
      merged[last]! *= extent;
      for (let i = 0; i < views.length; i++) strides[i]![last] = views[i]![axis]!;
    } else {
      merged.push(extent);
      for (let i = 0; i < views.length; i++) strides[i]!.push(views[i]![axis]!);
    }
  }
  if (merged.length === 0) {
    merged.push(sizeOf(shape));
    for (const list of strides) list.push(0);
  }
  return { shape: merged, strides };
}

const namesOfNdarray: Readonly<Record<string, string>> = { uint8clamped: 'uint8_clamped' };

/** ndarray's name of what the elements are. */
function dtypeOf(data: object): string {
  if (Array.isArray(data)) return 'array';
  if (!ArrayBuffer.isView(data)) return 'generic';
  const name = data.constructor.name.replace('Array', '').toLowerCase();
  return namesOfNdarray[name] ?? name;
}

/**
 * A view with the members of ndarray's (https://github.com/scijs/ndarray), which writes the text of a class for every form of
 * array and has it compiled: pages whose content security policy forbids that get these. What takes an ndarray takes one.
 */
class StridedView<D extends Data> implements NdArray<D> {
  readonly dtype: DataType<D>;

  constructor(
    readonly data: D,
    readonly shape: number[],
    readonly stride: number[],
    public offset: number,
  ) {
    this.dtype = dtypeOf(data) as DataType<D>;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get dimension(): number {
    return this.shape.length;
  }

  /** Axes from the smallest stride to the largest. */
  get order(): number[] {
    const axes = this.shape.map((_, axis) => axis);
    return axes.sort((a, b) => Math.abs(this.stride[a]!) - Math.abs(this.stride[b]!));
  }

  get T(): NdArray<D> {
    return this.transpose();
  }

  index(...at: number[]): Value<D> {
    let index = this.offset;
    for (let axis = 0; axis < this.stride.length; axis++) index += this.stride[axis]! * at[axis]!;
    return index as Value<D>;
  }

  get(...at: number[]): Value<D> {
    const index = Number(this.index(...at));
    const { data } = this;
    if (this.dtype === 'generic' && 'get' in data) return data.get(index) as Value<D>;
    return Reflect.get(data, index) as Value<D>;
  }

  set(...atAndValue: number[]): Value<D> {
    const value = atAndValue[this.stride.length]!;
    const index = Number(this.index(...atAndValue));
    const { data } = this;
    if (this.dtype === 'generic' && 'set' in data && !ArrayBuffer.isView(data))
      data.set(index, value as never);
    else Reflect.set(data, index, value);
    return value as Value<D>;
  }

  /** The part from `start` on. */
  lo(...start: number[]): NdArray<D> {
    const [shape, given] = [[...this.shape], this.shape.map((_, axis) => start[axis] ?? -1)];
    let { offset } = this;
    for (const [axis, from] of given.entries()) {
      if (from < 0) continue;
      offset += this.stride[axis]! * Math.trunc(from);
      shape[axis]! -= Math.trunc(from);
    }
    return new StridedView(this.data, shape, [...this.stride], offset);
  }

  /** The part of these extents. */
  hi(...extents: number[]): NdArray<D> {
    const shape = this.shape.map((extent, axis) => {
      const most = extents[axis] ?? -1;
      return most < 0 ? extent : Math.trunc(most);
    });
    return new StridedView(this.data, shape, [...this.stride], this.offset);
  }

  /** Every `steps[axis]`-th element; a negative step begins at the end. */
  step(...steps: number[]): NdArray<D> {
    const [shape, stride] = [[...this.shape], [...this.stride]];
    let { offset } = this;
    for (const [axis, given] of steps.entries()) {
      if (typeof given !== 'number' || axis >= shape.length) continue;
      const step = Math.trunc(given);
      if (step < 0) offset += stride[axis]! * (shape[axis]! - 1);
      shape[axis] = Math.ceil(shape[axis]! / Math.abs(step));
      stride[axis]! *= step;
    }
    return new StridedView(this.data, shape, stride, offset);
  }

  transpose(...axes: number[]): NdArray<D> {
    const order = this.shape.map((_, axis) => Math.trunc(axes[axis] ?? axis));
    const along = (list: readonly number[]) => order.map((axis) => list[axis]!);
    return new StridedView(this.data, along(this.shape), along(this.stride), this.offset);
  }

  /** Without the axes at which a position is given. */
  pick(...at: (number | null)[]): NdArray<D> {
    const kept = this.shape.map((_, axis) => axis).filter((axis) => !((at[axis] ?? -1) >= 0));
    let { offset } = this;
    for (const [axis, position] of at.entries()) {
      if (position !== null && position >= 0 && axis < this.stride.length)
        offset += this.stride[axis]! * Math.trunc(position);
    }
    const along = (list: readonly number[]) => kept.map((axis) => list[axis]!);
    return new StridedView(this.data, along(this.shape), along(this.stride), offset);
  }
}

/** An array's view, row-major from its beginning unless strides and an offset in elements are given. */
export function viewOf<D extends Data>(
  data: D,
  shape: readonly number[],
  strides: readonly number[] = rowMajorStrides(shape),
  offset = 0,
): NdArray<D> {
  return new StridedView(data, [...shape], [...strides], offset);
}
