import { kindOf } from './check.js';
import { ShapeError } from './errors.js';
import { at } from './lists.js';

/** Extents of the axes, outermost first. `[]` is a scalar; an extent of 0 makes the tensor empty. */
export type Shape = readonly number[];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

/** `[2, 3]`, as error messages print it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** A shape of four axes, such as `[batch, height, width, channels]`. */
export type FourAxes = readonly [number, number, number, number];

/** The shape as one of four axes. Throws a ShapeError where it has another number. */
export function fourAxes(shape: Shape): FourAxes {
  const [a, b, c, d] = shape;
  if (a === undefined || b === undefined || c === undefined || d === undefined || shape.length > 4) {
    throw new ShapeError(`four axes are needed: ${formatShape(shape)} (${shape.length})`);
  }
  return [a, b, c, d];
}

/** Elementwise equality. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Throws a ShapeError unless every extent is an integer ≥ 0. `what` names the caller in the message. */
export function checkShape(shape: Shape, what: string): void {
  if (!Array.isArray(shape)) {
    throw new ShapeError(`${what}: a shape must be a list of numbers: ${kindOf(shape)}`, {
      hint: '[28, 28] has two axes, [] is a scalar.',
    });
  }
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new ShapeError(`${what}: an extent must be an integer ≥ 0: ${formatShape(shape)}`);
    }
  }
}

/** Strides, in elements, of a row-major array. */
export function rowMajorStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= at(shape, axis);
  }
  return strides;
}

/**
 * The shape that `shapes` broadcast to: aligned at the last axis, an extent of 1 stretches (NumPy's rule).
 * Throws a ShapeError that names the two extents that clash.
 */
export function broadcastShapes(what: string, ...shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let axis = 0; axis < shape.length; axis++) {
      const position = rank - shape.length + axis;
      const extent = at(shape, axis);
      if (extent === 1) continue;
      const present = at(result, position);
      if (present !== 1 && present !== extent) {
        throw new ShapeError(
          `${what}: shapes do not broadcast: ${shapes.map(formatShape).join(' and ')} (${present} and ${extent})`,
          { hint: 'Shapes align at the last axis; extents must be equal, or one of them 1.' },
        );
      }
      result[position] = extent;
    }
  }
  return result;
}

/** Resolves an axis, negative counting from the end. Throws a ShapeError when it lies outside the shape. */
export function normalizeAxis(what: string, axis: number, shape: Shape): number {
  const resolved = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= shape.length) {
    throw new ShapeError(`${what}: axis ${axis} lies outside ${formatShape(shape)} (${shape.length} axes)`);
  }
  return resolved;
}

/**
 * Resolves a list of axes to ascending order. `undefined` means all of them.
 * Throws a ShapeError for an axis outside the shape or named twice.
 */
export function normalizeAxes(
  what: string,
  axes: number | readonly number[] | undefined,
  shape: Shape,
): number[] {
  if (axes === undefined) return shape.map((_, axis) => axis);
  if (typeof axes !== 'number' && !Array.isArray(axes)) {
    throw new ShapeError(`${what}: axes must be a number or a list of numbers: ${kindOf(axes)}`);
  }
  const resolved = [axes].flat().map((axis) => normalizeAxis(what, axis, shape));
  if (new Set(resolved).size !== resolved.length) {
    throw new ShapeError(
      `${what}: an axis is named twice: ${formatShape(resolved)} of ${formatShape(shape)}`,
    );
  }
  return resolved.sort((a, b) => a - b);
}
