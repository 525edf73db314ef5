/** Checks of the arrays that enter a backend; the engine and every backend share them. */
import { kindOf } from '../core/check.js';
import { type Dtype, dtypeOf, type HostArray } from '../core/dtype.js';
import { PlanError } from '../core/errors.js';
import { formatShape, type Shape, sizeOf } from '../core/shape.js';
import type { Leaf } from '../tensor/tensor.js';
import type { Feeds } from './backend.js';

/** Facts about a leaf that its resident keeps. A reference to the leaf itself would never let it go. */
export interface LeafFacts {
  readonly name: string;
  /** As messages call it. */
  readonly text: string;
  readonly dtype: Dtype;
  readonly shape: Shape;
  readonly size: number;
}

export function factsOf(leaf: Leaf): LeafFacts {
  const { name, dtype, shape, size } = leaf;
  return { name, text: String(leaf), dtype, shape, size };
}

/** Throws a PlanError unless `value` is of this dtype and fills `shape`. `name` says whose value it is. */
export function checkValue(name: string, value: HostArray, dtype: Dtype, shape: Shape): void {
  const given = dtypeOf(value);
  if (given !== dtype) {
    const maker = { float32: 'Float32Array', int32: 'Int32Array', uint8: 'Uint8Array' }[dtype];
    const other = given === undefined && (Array.isArray(value) || ArrayBuffer.isView(value));
    throw new PlanError(`${name}: takes ${dtype}, not ${given ?? kindOf(value)}`, {
      ...(other && { hint: `Give new ${maker}(…) of it.` }),
    });
  }
  const size = sizeOf(shape);
  if (value.length !== size) {
    throw new PlanError(
      `${name}: ${value.length} elements do not fill ${formatShape(shape)} (${value.length} and ${size})`,
    );
  }
}

/**
 * Throws a PlanError unless `feeds` has a value for every input and for nothing else, each of the input's dtype and,
 * for `steps` > 1, with a leading axis of that extent.
 */
export function checkFeeds(inputs: readonly Leaf[], feeds: Feeds, steps = 1): void {
  if (!Number.isSafeInteger(steps) || steps < 1) {
    throw new PlanError(`run: steps must be an integer ≥ 1: ${steps}`);
  }
  const names = inputs.map(({ name }) => name);
  for (const name of Object.keys(feeds)) {
    if (!names.includes(name)) {
      throw new PlanError(`run: there is no input '${name}': ${names.join(', ') || 'the step has none'}`);
    }
  }
  for (const { name, dtype, shape } of inputs) {
    const value = feeds[name];
    if (value === undefined) throw new PlanError(`run: input '${name}' is not fed`);
    checkValue(`run: input '${name}'`, value, dtype, steps === 1 ? shape : [steps, ...shape]);
  }
}
