import type { NdArray } from 'ndarray';
import { checkFunction, checkList, checkOptionNames } from '../core/check.js';
import { GradientError } from '../core/errors.js';
import { at } from '../core/lists.js';
import { randomKey as foldKey, randomUniform } from '../core/random.js';
import { formatShape, type Shape, sizeOf } from '../core/shape.js';
import { gradients } from '../tensor/gradients.js';
import { constant } from '../tensor/leaves.js';
import { add, divide, multiply, subtract } from '../tensor/ops/pointwise.js';
import { sum } from '../tensor/ops/reduce.js';
import type { Tensor } from '../tensor/tensor.js';
import { type CompiledStep, type Engine, openEngine, type Signature } from './engine.js';

/** A point at which gradients are checked: an ndarray, or row-major numbers with their shape. */
export type GradientInput = NdArray | { readonly data: ArrayLike<number>; readonly shape: Shape };

export interface GradientCheckOptions {
  /** Largest relative error that passes. Default 1e-5. */
  readonly tolerance?: number;
  /** Length of the steps to both sides. Default 1e-5. Keep kinks and jumps of `f` further away than that. */
  readonly step?: number;
  /** Random directions for each input. Default 2. */
  readonly directions?: number;
  /** Derivatives smaller than this are compared absolutely: the error is relative to it. Default 1e-3. */
  readonly scale?: number;
  /** Of the random directions and weights. Default 0. */
  readonly seed?: number;
}

/** The largest error that was found. */
export interface GradientCheck {
  readonly relativeError: number;
  /** Index of the input in whose direction it was found. */
  readonly input: number;
  /** The directional derivative by `gradients` and by central differences. */
  readonly analytic: number;
  readonly numeric: number;
}

/** `size` numbers in (−1, 1). */
function uniform(size: number, ...path: readonly number[]): Float32Array {
  const [seed, ...rest] = path;
  const key = foldKey(seed!, 'checkGradients', ...rest);
  return Float32Array.from({ length: size }, (_, i) => 2 * randomUniform(i, key, 0) - 1);
}

/** A random direction of length 1. */
function direction(size: number, ...path: readonly number[]): Float32Array {
  const values = uniform(size, ...path);
  const length = Math.sqrt(values.reduce((total, value) => total + value * value, 0));
  return length === 0 ? values : values.map((value) => value / length);
}

/**
 * Compares the gradients of `f` with central differences along random directions v, at a point x, in double precision:
 *
 *     Σ v · ∂f/∂x ≈ (f(x + εv) − f(x − εv)) / 2ε
 *
 * One direction checks all elements of an input at once (the method of HIPS autograd, https://github.com/HIPS/autograd).
 *
 *     await checkGradients((x, w) => mean(tanh(matmul(x, w))), [
 *       { data: [1, 2, 3, 4, 5, 6], shape: [2, 3] },
 *       { data: [0.1, -0.2, 0.3], shape: [3, 1] },
 *     ]);
 *
 * Gradients of gradients: `checkGradients((x) => gradients(sum(f(x)), [x])[0], …)`. Integers (indices, labels) belong
 * into `f`, as constants.
 *
 * @param f pure function of float32 tensors; what is not a scalar is summed with random weights
 * @param inputs one for each parameter of `f`
 * @returns the largest error
 * @throws GradientError above the tolerance, naming the input and both numbers; or where there is nothing to check
 */
export async function checkGradients(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly GradientInput[],
  options: GradientCheckOptions = {},
): Promise<GradientCheck> {
  checkOptionNames('checkGradients', options, {
    tolerance: true,
    step: true,
    directions: true,
    scale: true,
    seed: true,
  });
  checkFunction('checkGradients: f', f);
  checkList('checkGradients: inputs', 'a list of inputs', inputs, 'Such as [{ data: [1, 2], shape: [2] }].');
  const { tolerance = 1e-5, step = 1e-5, directions = 2, scale = 1e-3, seed = 0 } = options;
  if (inputs.length === 0 || directions < 1) {
    throw new GradientError(
      `checkGradients: nothing to check: ${inputs.length} inputs and ${directions} directions`,
    );
  }
  const points = inputs.map(feedOf);
  await using engine = await openEngine({ backend: 'reference', precision: 'float64' });
  const check = compileCheck(engine, f, inputs, { step, seed });

  let worst: GradientCheck | undefined;
  for (let input = 0; input < inputs.length; input++) {
    for (let d = 0; d < directions; d++) {
      const feeds = Object.fromEntries(
        points.flatMap((point, i) => {
          const size = sizeOf(at(inputs, i).shape);
          return [
            [`point${i}`, point],
            [`direction${i}`, i === input ? direction(size, seed, i, d) : new Float32Array(size)],
          ];
        }),
      );
      const { analytic, numeric } = await check.run(feeds);
      const [a, n] = [analytic.get(), numeric.get()];
      const error = Math.abs(a - n) / Math.max(Math.abs(a), Math.abs(n), scale);
      // a NaN is the largest error of all
      const less = worst !== undefined && (Number.isNaN(worst.relativeError) || error <= worst.relativeError);
      if (!less) worst = { relativeError: error, input, analytic: a, numeric: n };
    }
  }
  const { relativeError, input, analytic, numeric } = worst!;
  if (!(relativeError <= tolerance)) {
    throw new GradientError(
      `checkGradients: the gradient in input ${input} ${formatShape(at(inputs, input).shape)} is wrong: ` +
        `${analytic} along a direction, where differences give ${numeric} (relative error ${relativeError})`,
      { hint: 'Or the function has a kink or a jump there: move the point, or make the step smaller.' },
    );
  }
  return worst!;
}

/** The gradient along a direction: by the graph, and as (f(x + εv) − f(x − εv)) / 2ε. */
function compileCheck(
  engine: Engine,
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly GradientInput[],
  { step, seed }: { readonly step: number; readonly seed: number },
): CompiledStep<Signature, 'analytic' | 'numeric'> {
  const signature: Signature = Object.fromEntries(
    inputs.flatMap(({ shape }, i) => [
      [`point${i}`, { shape: [...shape] }],
      [`direction${i}`, { shape: [...shape] }],
    ]),
  );
  return engine.compile(
    (feeds) => {
      const x = inputs.map((_, i) => feeds[`point${i}`]!);
      const v = inputs.map((_, i) => feeds[`direction${i}`]!);
      const scalarOf = (y: Tensor) =>
        y.size === 1 ? sum(y) : sum(multiply(y, constant(uniform(y.size, seed), y.shape)));
      const along = (distance: number) =>
        scalarOf(f(...x.map((point, i) => add(point, multiply(at(v, i), distance)))));
      const parts = gradients(scalarOf(f(...x)), x).map((gradient, i) => sum(multiply(gradient, at(v, i))));
      const epsilon = constant(step);
      return {
        outputs: {
          analytic: parts.reduce((total, part) => add(total, part), constant(0)),
          numeric: divide(subtract(along(step), along(-step)), multiply(epsilon, 2)),
        },
      };
    },
    signature,
    // the unoptimized plan is the definition
    { optimize: false },
  );
}

/** Returns an input as the engine is fed it. */
function feedOf(input: GradientInput, index: number): NdArray | Float32Array {
  if ('stride' in input) return input;
  const { data, shape } = input;
  if (data.length !== sizeOf(shape)) {
    throw new GradientError(
      `checkGradients: input ${index} has ${data.length} elements, its shape ${formatShape(shape)} ${sizeOf(shape)}`,
    );
  }
  return Float32Array.from(data);
}
