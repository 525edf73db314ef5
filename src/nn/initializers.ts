/**
 * Initial values, as Keras defines them (keras.initializers): a function of shape and key, in exact arithmetic, so
 * that a seed gives the same bytes in every JavaScript engine and on every backend.
 */
import { checkNumber } from '../core/check.js';
import { at, last } from '../core/lists.js';
import { exactLog } from '../core/math.js';
import { randomUniform } from '../core/random.js';
import { type Shape, sizeOf } from '../core/shape.js';
import type { Initializer } from '../tensor/leaves.js';
import { centralCoefficients, quantileSplit, tailCoefficients } from '../tensor/ops/quantile.js';

/** Initializers without options, by which layers and model files name them. */
export type InitializerName = 'zeros' | 'ones' | 'glorotUniform' | 'glorotNormal' | 'heUniform' | 'heNormal';

/**
 * An initializer as plain data: its name, its name with its options, or 'custom' for a function of a program's own.
 */
export type InitializerDescription =
  | InitializerName
  | { readonly name: string; readonly [option: string]: string | number }
  | 'custom';

/** An initializer that a model file can hold. */
export interface NamedInitializer extends Initializer {
  readonly description: InitializerDescription;
}

/** A copy of the function with a description of its own. */
export function describedAs(description: InitializerDescription, make: Initializer): NamedInitializer {
  return Object.assign((shape: Shape, key: number) => make(shape, key), { description });
}

function withOptions(
  name: string,
  options: Readonly<Record<string, number>>,
  make: Initializer,
): NamedInitializer {
  for (const [option, value] of Object.entries(options)) {
    checkNumber(`${name}: ${option}`, value);
  }
  return describedAs({ name, ...options }, make);
}

/** A number for each element from a uniform number of its own, strictly between 0 and 1. */
function drawn(shape: Shape, key: number, value: (uniform: number) => number): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => value(randomUniform(i, key, 0)));
}

interface Ratio {
  readonly numerator: readonly number[];
  readonly denominator: readonly number[];
}

function ratio(x: number, { numerator, denominator }: Ratio): number {
  const polynomial = (ascending: readonly number[]) => ascending.reduceRight((sum, c) => sum * x + c, 0);
  return polynomial(numerator) / polynomial(denominator);
}

/** Φ⁻¹(u) by AS 241, as tensor/ops/quantile.ts has it, in float64: 7 digits. */
function normalQuantile(u: number): number {
  const q = u - 0.5;
  if (Math.abs(q) <= quantileSplit.center) {
    return q * ratio(quantileSplit.centerSquared - q * q, centralCoefficients);
  }
  const root = Math.sqrt(-exactLog(Math.min(u, 1 - u)));
  const tail = ratio(root - quantileSplit.tailShift, tailCoefficients);
  return q < 0 ? -tail : tail;
}

/** Φ(−2): what a normal distribution has below two deviations. */
const belowTwo = 0.02275013194817921;

/** Φ⁻¹ of a uniform number in (Φ(−2), Φ(2)): a normal distribution cut off at two deviations. */
function truncatedQuantile(u: number): number {
  return normalQuantile(belowTwo + u * (1 - 2 * belowTwo));
}

/** The standard deviation that remains of 1 when a normal distribution is cut off at two deviations. */
const truncatedDeviation = 0.8796256610342398;

/**
 * Inputs and outputs that one weight connects, as Keras counts them: dense kernels `[in, out]`, filters
 * `[height, width, in, out]` with height · width times as many of both; a vector counts its length as both.
 */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length === 0) return { fanIn: 1, fanOut: 1 };
  if (shape.length === 1) return { fanIn: at(shape, 0), fanOut: at(shape, 0) };
  const receptive = sizeOf(shape.slice(0, -2));
  return { fanIn: shape.at(-2)! * receptive, fanOut: last(shape) * receptive };
}

/** All 0. */
export const zeros = (): NamedInitializer => describedAs('zeros', (shape) => new Float32Array(sizeOf(shape)));

/** All 1. */
export const ones = (): NamedInitializer =>
  describedAs('ones', (shape) => new Float32Array(sizeOf(shape)).fill(1));

/** All `value`. */
export function constantValue(value: number): NamedInitializer {
  return withOptions('constantValue', { value }, (shape) => new Float32Array(sizeOf(shape)).fill(value));
}

/** Uniform in (low, high). Default (−0.05, 0.05). */
export function uniform(low = -0.05, high = 0.05): NamedInitializer {
  return withOptions('uniform', { low, high }, (shape, key) =>
    drawn(shape, key, (u) => low + u * (high - low)),
  );
}

/** Normal, cut off at two deviations. Default mean 0, deviation (before the cut) 0.05. */
export function truncatedNormal(mean = 0, deviation = 0.05): NamedInitializer {
  return withOptions('truncatedNormal', { mean, deviation }, (shape, key) =>
    drawn(shape, key, (u) => mean + deviation * truncatedQuantile(u)),
  );
}

type Variance = (fanIn: number, fanOut: number) => number;

/** Uniform in ±√(3 · variance). */
const scaledUniform = (name: InitializerName, variance: Variance) => (): NamedInitializer =>
  describedAs(name, (shape, key) => {
    const { fanIn, fanOut } = fans(shape);
    const limit = Math.sqrt(3 * variance(fanIn, fanOut));
    return drawn(shape, key, (u) => limit * (2 * u - 1));
  });

/** Normal, cut off at two deviations and widened so that the variance is the one asked for. */
const scaledNormal = (name: InitializerName, variance: Variance) => (): NamedInitializer =>
  describedAs(name, (shape, key) => {
    const { fanIn, fanOut } = fans(shape);
    const deviation = Math.sqrt(variance(fanIn, fanOut)) / truncatedDeviation;
    return drawn(shape, key, (u) => deviation * truncatedQuantile(u));
  });

// An extent of 0 makes an empty parameter: its fan counts as 1, as in Keras.
const glorot: Variance = (fanIn, fanOut) => 1 / Math.max(1, (fanIn + fanOut) / 2);
const he: Variance = (fanIn) => 2 / Math.max(1, fanIn);

/** Uniform in ±√(6 / (fanIn + fanOut)): Glorot and Bengio, AISTATS 2010. The default of dense and conv2d. */
export const glorotUniform = scaledUniform('glorotUniform', glorot);

/** Truncated normal of variance 2 / (fanIn + fanOut): Glorot and Bengio, AISTATS 2010. */
export const glorotNormal = scaledNormal('glorotNormal', glorot);

/** Uniform in ±√(6 / fanIn): He, Zhang, Ren and Sun, ICCV 2015. For layers that a relu follows. */
export const heUniform = scaledUniform('heUniform', he);

/** Truncated normal of variance 2 / fanIn: He, Zhang, Ren and Sun, ICCV 2015. For layers that a relu follows. */
export const heNormal = scaledNormal('heNormal', he);
