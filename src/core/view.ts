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

/** Whether walking the view in row-major order walks consecutive elements. */
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
