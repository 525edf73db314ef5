import { UsageError } from '../core/errors.js';
import { state } from '../tensor/leaves.js';
import { multiply, subtract } from '../tensor/ops/pointwise.js';
import type { Leaf, Tensor } from '../tensor/tensor.js';

/** Options as plain data, as runs and checkpoints hold them. */
export type OptimizerOptions = Readonly<Record<string, number | boolean>>;

/** How parameters follow their gradients. A description: it holds no numbers and can be built many times. */
export interface Optimizer {
  /** By which `parseOptimizer` finds it again. */
  readonly name: string;
  /** The rate to start from, before any schedule. */
  readonly learningRate: number;
  /** What its function was called with, defaults included, without the learning rate. */
  readonly options: OptimizerOptions;
  /** Makes what the optimizer remembers about these parameters. */
  build(parameters: readonly Leaf[]): BuiltOptimizer;
}

export interface BuiltOptimizer {
  /** Leaves named `optimizer.<slot>.<parameter>`, all 0 at the beginning. */
  readonly states: readonly Leaf[];
  /**
   * The new values of parameters and states, as graph.
   *
   * @param gradients of the loss, in the order of the parameters
   * @param learningRate float32 scalar
   * @param step int32 scalar that counts steps: 1 in the first
   */
  updates(gradients: readonly Tensor[], learningRate: Tensor, step: Tensor): [Leaf, Tensor][];
}

/** One state per parameter, of its shape. */
export function slots(slot: string, parameters: readonly Leaf[]): Leaf[] {
  return parameters.map(({ name, shape }) => state(`optimizer.${slot}.${name}`, shape, 0));
}

/**
 * Decoupled weight decay (Loshchilov and Hutter, ICLR 2019), as Keras has it for every optimizer: w · (1 − η·λ). It
 * does not pass through momentum or moments, unlike the L2 term of PyTorch's SGD and Adam.
 */
export function decayed(parameter: Leaf, learningRate: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0
    ? parameter
    : multiply(parameter, subtract(1, multiply(learningRate, weightDecay)));
}

/** Throws a UsageError unless low ≤ value < high. */
export function checkRange(what: string, value: number, low: number, high = Infinity): void {
  if (value >= low && value < high) return;
  const range = high === Infinity ? `a number ≥ ${low}` : `at least ${low} and below ${high}`;
  throw new UsageError(`${what} must be ${range}, not ${String(value)}`);
}

/** Throws a UsageError unless value > 0. */
export function checkPositive(what: string, value: number): void {
  if (!(value > 0)) throw new UsageError(`${what} must be above 0, not ${String(value)}`);
}

/** Throws a UsageError unless there is a gradient for every parameter. */
export function checkGradientCount(
  what: string,
  gradients: readonly Tensor[],
  parameters: readonly Leaf[],
): void {
  if (gradients.length === parameters.length) return;
  throw new UsageError(
    `${what}: needs a gradient for every parameter: ${gradients.length} gradients, ${parameters.length} parameters`,
  );
}
