/** Cases of Winograd's algorithms of any size, and the bounds of their errors from their matrices. */

import { gridOf } from '../../../kernels/conv2d/contract.js';
import { backward, forward } from '../../../kernels/conv2d/wasm.js';
import { winogradCode } from '../../../kernels/conv2d/winograd.js';
import { winogradFilterGradientWasm } from '../../../kernels/conv2d/winogradFilter.js';
import type { AxisTiles } from '../../../kernels/conv2d/winogradTiles.js';
import { f2x3, f2x5, f4x3, type Matrix, type Winograd } from '../../../kernels/conv2d/winogradTransforms.js';
import type { KernelKind } from '../../../kernels/kinds.js';
import { randomUniform } from '../../../src/core/random.js';
import type { SimdLevel } from '../../../src/writers/wasm/simdLevel.js';
import { type CaseOf, defineCase, dense, type Fill, uniform } from '../../support/kernelCases/builders.js';
import { compileCase, runWasmCase, type WasmTable } from '../wasmSupport.js';

export const algorithms: Readonly<Record<string, Winograd>> = {
  'F(2x2, 3x3)': f2x3,
  'F(4x4, 3x3)': f4x3,
  'F(2x2, 5x5)': f2x5,
};

/** The kernels by one algorithm, whatever the rule says. */
export function winogradKernels(algorithm: Winograd) {
  return {
    conv2d: (call, options) => winogradCode(forward(call), options, algorithm),
    conv2dInputGradient: (call, options) => winogradCode(backward(call), options, algorithm),
    conv2dFilterGradient: (call, options) => winogradFilterGradientWasm(call, options, algorithm),
  } satisfies WasmTable;
}

export interface Geometry {
  readonly images: readonly [number, number, number, number];
  readonly filters: number;
  /** Side of the filter; default: 3 */
  readonly window?: number;
  /** [top, bottom, left, right]; default: none */
  readonly pad?: readonly [number, number, number, number];
}

export interface Sizes {
  readonly x: readonly [number, number, number, number];
  readonly w: readonly [number, number, number, number];
  readonly y: readonly [number, number, number, number];
  readonly pad: readonly [number, number, number, number];
}

export function sizesOf({ images, filters, window = 3, pad = [0, 0, 0, 0] }: Geometry): Sizes {
  const specification = specificationOf({ pad });
  const grid = gridOf(specification, [images[1], images[2]], [window, window]);
  return { x: images, w: [window, window, images[3], filters], y: [images[0], ...grid, filters], pad };
}

export function specificationOf({ pad: [top, bottom, left, right] }: Pick<Sizes, 'pad'>) {
  return { strides: [1, 1] as const, padding: { top, bottom, left, right } };
}

const operands = {
  conv2d: ['x', 'w', 'y'],
  conv2dInputGradient: ['y', 'w', 'x'],
  conv2dFilterGradient: ['x', 'y', 'w'],
} as const;
type Pass = keyof typeof operands;

/** One of the three passes. */
export function passCase<K extends Pass>(kind: K, geometry: Geometry, fills: readonly [Fill, Fill]) {
  const sizes = sizesOf(geometry);
  const [a, b, out] = operands[kind];
  const inputs = [dense(sizes[a], 'float32', fills[0]), dense(sizes[b], 'float32', fills[1])];
  const name = `${sizes.x.join('x')} with ${sizes.w.join('x')} pad ${sizes.pad}`;
  return defineCase<Pass>(kind, name, specificationOf(sizes), inputs, [sizes[out]]) as CaseOf<K>;
}

/** Runs a case on one of the kernels, its units cut into `ranges`; its first output. */
export function run<K extends KernelKind>(
  table: WasmTable,
  kernelCase: CaseOf<K>,
  simd: SimdLevel,
  ranges = 1,
): Float32Array {
  const code = compileCase(table, kernelCase, { simd, shared: false });
  return runWasmCase(code, kernelCase as never, ranges)[0] as Float32Array;
}

export const same = [1, 1, 1, 1] as const;
export const oneScale: Fill = uniform(-1, 1);
export const positive: Fill = uniform(0, 1);
export const whole: Fill = (index, key) => Math.floor(17 * randomUniform(index, key, 0)) - 8;
export const manyScales: Fill = (index, key) => {
  const exponent = Math.round(40 * randomUniform(index, key + 7, 0)) - 20;
  return oneScale(index, key) * 2 ** exponent;
};

export const unit = 2 ** -24;
export const range = (count: number) => Array.from({ length: count }, (_, index) => index);
export const gammaOf = (roundings: number) => (roundings * unit) / (1 - roundings * unit);

export const sizeOfEach = (matrix: Matrix): number[][] => matrix.map((row) => row.map(Math.abs));

/** a · m · bᵀ */
export function sandwich(a: Matrix, m: Matrix, b: Matrix = a): number[][] {
  const product = a.map((row) => m[0]!.map((_, j) => row.reduce((sum, v, k) => sum + v * m[k]![j]!, 0)));
  return product.map((row) => b.map((other) => row.reduce((sum, v, k) => sum + v * other[k]!, 0)));
}

/** The tiles along an axis: where they begin, and the matrices of each. */
export function tilesOn(algorithm: Winograd, { full, count, edge }: AxisTiles) {
  return range(count).map((index) => {
    const { results, image, result } = index < full ? algorithm : edge!;
    const filter = algorithm.filter.slice(0, image.length);
    return { start: index * algorithm.results, ...{ results, image, result, filter } };
  });
}
export type TileOn = ReturnType<typeof tilesOn>[number];

const isPowerOfTwo = (value: number) => Number.isInteger(Math.log2(Math.abs(value)));

/**
 * Roundings on the way through a transform, along both axes: additions, and for a factor that is no power of two its own
 * rounding and that of its product.
 */
export function roundingsOf(matrix: Matrix): number {
  const ofRow = (row: readonly number[]) => {
    const factors = row.filter((value) => value !== 0);
    return factors.length - 1 + (factors.every(isPowerOfTwo) ? 0 : 2);
  };
  return 2 * Math.max(...matrix.map(ofRow));
}

/** The largest Σ_k a[i][k] · b[k][j] · Σ_p c[k][p], squared for two axes: what a normwise bound has to allow for. */
export function amplification(a: Matrix, b: Matrix, c: Matrix): number {
  const [left, middle, right] = [a, b, c].map(sizeOfEach) as [number[][], number[][], number[][]];
  const totals = right.map((row) => row.reduce((sum, value) => sum + value, 0));
  const ofPair = (row: number[], j: number) =>
    row.reduce((sum, value, k) => sum + value * middle[k]![j]! * totals[k]!, 0);
  return Math.max(...left.flatMap((row) => middle[0]!.map((_, j) => ofPair(row, j)))) ** 2;
}
