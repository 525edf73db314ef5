/** How rows of the op case table are written. */
import type { Dtype, HostArray } from '../../../src/core/dtype.js';
import { allocateHost } from '../../../src/core/dtype.js';
import { randomKey, randomUniform } from '../../../src/core/random.js';
import { type Shape, sizeOf } from '../../../src/core/shape.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import type { Fill } from '../kernelCases/builders.js';
import type { Tolerance } from '../kernelCases/compare.js';

export { integers, listed, quarters, uniform } from '../kernelCases/builders.js';

/** Numbers with a shape, row-major. */
export interface Values {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

export interface CaseInput {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly fill: Fill;
}

/** A row of the table: an op on inputs of certain shapes and ranges, and what it means. */
export interface OpCase {
  /** The exported function that the row is about. */
  readonly op: string;
  /** Unique, and stable: the data are seeded with it. */
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  readonly build: (...inputs: Tensor[]) => Tensor;
  /** The definition in plain loops, or numbers worked by hand; never the code under test. */
  readonly expected: (...inputs: Values[]) => Values;
  /** Of results in float32; integers are compared exactly. */
  readonly tolerance: Tolerance;
  /**
   * How often the op can be differentiated at these inputs, 0 to 2: they stay away from its kinks. Checked in the
   * float32 inputs.
   */
  readonly gradient: 0 | 1 | 2;
  /** Largest relative error of a gradient; larger than 1e-5 where the op itself is an approximation. */
  readonly gradientTolerance: number;
  /** NaN, infinities or the ends of a range occur: not every gpu holds them. */
  readonly extreme: boolean;
}

export interface CaseOptions {
  readonly tolerance?: Tolerance;
  readonly gradient?: OpCase['gradient'];
  readonly gradientTolerance?: number;
  readonly extreme?: boolean;
}

export const exact: Tolerance = { absolute: 0, relative: 0 };

/** A few roundings of a float32. */
export const rounding: Tolerance = { absolute: 1e-6, relative: 1e-6 };

export function defineCase(
  op: string,
  detail: string,
  inputs: readonly CaseInput[],
  build: OpCase['build'],
  expected: OpCase['expected'],
  options: CaseOptions = {},
): OpCase {
  return {
    op,
    name: `${op}: ${detail}`,
    inputs,
    build,
    expected,
    tolerance: options.tolerance ?? rounding,
    gradient: options.gradient ?? 2,
    gradientTolerance: options.gradientTolerance ?? 1e-5,
    extreme: options.extreme ?? false,
  };
}

export function float32(shape: Shape, fill: Fill = between(-1, 1)): CaseInput {
  return { shape, dtype: 'float32', fill };
}

export function int32(shape: Shape, fill: Fill): CaseInput {
  return { shape, dtype: 'int32', fill };
}

export function uint8(shape: Shape, fill: Fill): CaseInput {
  return { shape, dtype: 'uint8', fill };
}

/** Uniform in (low, high), no nearer than 1e-3 to any of `kinks`. */
export function between(low: number, high: number, ...kinks: readonly number[]): Fill {
  return (index, key) => {
    const value = low + (high - low) * randomUniform(index, key, 0);
    const near = kinks.find((kink) => Math.abs(value - kink) < 1e-3);
    return near === undefined ? value : near + (value < near ? -1e-3 : 1e-3);
  };
}

/** The numbers low + i · (high − low) / size in a mixed order: any two of them differ by 1e-3 or more. */
export function distinct(size: number, low: number, high: number): Fill {
  if (high - low < size * 1e-3)
    throw new Error(`distinct: ${size} numbers from ${low} to ${high} are too close`);
  let known: { readonly key: number; readonly ranks: Uint32Array } | undefined;
  return (index, key) => {
    if (known?.key !== key) known = { key, ranks: ranksOf(size, key) };
    return low + (known.ranks[index]! * (high - low)) / size;
  };
}

/** The places of `size` random numbers among them, smallest first; of equal ones the first is smaller. */
function ranksOf(size: number, key: number): Uint32Array {
  const order = Array.from({ length: size }, (_, index) => ({ index, value: randomUniform(index, key, 0) }));
  const ranks = new Uint32Array(size);
  for (const [rank, { index }] of order.sort((a, b) => a.value - b.value).entries()) ranks[index] = rank;
  return ranks;
}

/** The data of a case, an array for each input. */
export function dataOf({ name, inputs }: OpCase): HostArray[] {
  return inputs.map(({ shape, dtype, fill }, input) => {
    const key = randomKey(2, name, input);
    const data = allocateHost(dtype, sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = fill(i, key);
    return data;
  });
}

/** What a case is expected to give for its data. */
export function expectedOf(opCase: OpCase): Values {
  return opCase.expected(...dataOf(opCase).map((data, i) => ({ shape: opCase.inputs[i]!.shape, data })));
}

/** `value` at every position of `shape`, row-major. */
export function generate(shape: Shape, value: (position: readonly number[]) => number): Values {
  const data: number[] = [];
  const position = shape.map(() => 0);
  for (let i = 0; i < sizeOf(shape); i++) {
    data.push(value(position));
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++position[axis]! < shape[axis]!) break;
      position[axis] = 0;
    }
  }
  return { shape, data };
}

/** The element at a position. */
export function at({ shape, data }: Values, position: readonly number[]): number {
  let index = 0;
  for (let axis = 0; axis < shape.length; axis++) index = index * shape[axis]! + position[axis]!;
  return data[index]!;
}

/** The element that broadcasting puts at a position: aligned at the last axis, extents of 1 stretch. */
export function broadcastAt(values: Values, position: readonly number[]): number {
  const added = position.length - values.shape.length;
  return at(
    values,
    values.shape.map((extent, axis) => (extent === 1 ? 0 : position[added + axis]!)),
  );
}

/** The numbers from 0 to count − 1. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
