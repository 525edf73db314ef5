import { checkText, wrongKind } from '../core/check.js';
import { allocateHost, checkHolds, type Dtype, dtypeOf, type HostArray } from '../core/dtype.js';
import { DtypeError, PlanError, ShapeError } from '../core/errors.js';
import { randomKey } from '../core/random.js';
import { checkShape, formatShape, type Shape, sizeOf } from '../core/shape.js';
import { scalar } from './build.js';
import { Leaf, type LeafKind } from './tensor.js';

/**
 * Makes the initial value of a parameter, row-major. `key` is unique to the seed and the parameter's name; the same
 * key gives the same bytes on every machine and backend.
 */
export type Initializer = (shape: Shape, key: number) => Float32Array;

/** A number fills the shape; an array is copied when the engine first needs it; a function makes it. */
export type InitialValue = number | HostArray | Initializer;

function initialValue(initial: InitialValue, shape: Shape, dtype: Dtype, key: number): () => HostArray {
  return () => {
    if (typeof initial === 'number') return allocateHost(dtype, sizeOf(shape)).fill(initial);
    return typeof initial === 'function' ? initial(shape, key) : initial;
  };
}

interface ResidentLeaf {
  readonly name: string;
  readonly shape: Shape;
  readonly initial: InitialValue;
  readonly dtype: Dtype;
  /** Default 0. */
  readonly seed?: number | undefined;
}

function residentLeaf(kind: LeafKind, { name, shape, initial, dtype, seed = 0 }: ResidentLeaf): Leaf {
  checkText(`${kind}: name`, name);
  checkShape(shape, name);
  const given = typeof initial === 'function' ? 'float32' : (dtypeOf(initial) ?? dtype);
  if (typeof initial === 'number') checkHolds(name, initial, dtype);
  if (given !== dtype) throw new DtypeError(`${name}: the initial value is ${given}, the leaf ${dtype}`);
  return new Leaf(kind, name, { shape, dtype }, initialValue(initial, shape, dtype, randomKey(seed, name)));
}

/** A value that is fed at every step, under `name`. Default dtype float32. */
export function input(name: string, shape: Shape, dtype: Dtype = 'float32'): Leaf {
  checkText('input: name', name);
  checkShape(shape, name);
  return new Leaf('input', name, { shape, dtype }, () => {
    throw new PlanError(`${name}: an input has no initial value`, { hint: 'Feed it: step.run({ … }).' });
  });
}

/**
 * A trainable float32 value that lives in the engine.
 *
 * @param name path that errors, summaries and model files use
 * @param initial a number, a Float32Array, or an initializer such as `glorotUniform()`
 * @param options.seed default 0; initializers draw from a key of seed and name
 */
export function parameter(
  name: string,
  shape: Shape,
  initial: InitialValue,
  options: { seed?: number } = {},
): Leaf {
  return residentLeaf('parameter', { name, shape, initial, dtype: 'float32', seed: options.seed });
}

/** Any other value that lives in the engine and may be updated: moments, running statistics, counters, datasets. */
export function state(name: string, shape: Shape, initial: InitialValue, dtype: Dtype = 'float32'): Leaf {
  return residentLeaf('state', { name, shape, initial, dtype });
}

/**
 * A value that never changes: a number (scalar, float32 unless said) or a typed array with its shape
 * (default: one axis).
 */
export function constant(value: number | HostArray, shape?: Shape, dtype?: Dtype): Leaf {
  if (typeof value === 'number') {
    if (shape !== undefined && shape.length > 0) {
      return residentLeaf('constant', { name: 'constant', shape, initial: value, dtype: dtype ?? 'float32' });
    }
    return scalar(value, dtype);
  }
  const held = dtypeOf(value);
  if (held === undefined) {
    throw wrongKind('constant: value', 'a number, a Float32Array, an Int32Array or a Uint8Array', value);
  }
  const extents = shape ?? [value.length];
  checkShape(extents, 'constant');
  if (sizeOf(extents) !== value.length) {
    throw new ShapeError(
      `constant: ${value.length} elements do not fill ${formatShape(extents)} (${value.length} and ${sizeOf(extents)})`,
    );
  }
  return residentLeaf('constant', {
    name: 'constant',
    shape: extents,
    initial: value,
    dtype: dtype ?? held,
  });
}
