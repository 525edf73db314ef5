import { checkOptionNames, checkRange, wrongKind } from '../core/check.js';
import { UsageError } from '../core/errors.js';
import { at } from '../core/lists.js';
import { tinySquared } from '../core/math.js';
import { state } from '../tensor/leaves.js';
import { flush, multiply, square, subtract } from '../tensor/ops/pointwise.js';
import type { Leaf, Tensor } from '../tensor/tensor.js';

/** The values of JSON, without null. */
export type PlainOption =
  | number
  | boolean
  | string
  | readonly PlainOption[]
  | { readonly [option: string]: PlainOption };

/** Options as plain data, as runs and checkpoints hold them. */
export type OptimizerOptions = Readonly<Record<string, PlainOption>>;

/** How parameters follow their gradients. A description: it holds no numbers and can be built many times. */
export interface Optimizer {
  /** By which `parseOptimizer` finds it again. */
  readonly name: string;
  /** The rate to start from, before any schedule. */
  readonly learningRate: number;
  /** The arguments of its function, defaults included, without the learning rate. */
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

/** Throws a UsageError for what is no optimizer: one that is missing, or `adam` in place of `adam(0.001)`. */
export function checkOptimizer(what: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && 'build' in value) return;
  const hint = 'Give one with its learning rate: optimizer: adam(0.001).';
  if (value === undefined) throw new UsageError(`${what} is missing`, { hint });
  throw wrongKind(what, 'an optimizer', value, hint);
}

/** Options by which every optimizer here keeps parameters small. */
export interface DecayOptions {
  /** λ ≥ 0, decoupled; default 0 (0.004 of `adamW` and `muon`). Of parameters of two axes or more, unless `decayVectors`. */
  readonly weightDecay?: number;
  /** Decays biases and the scales and shifts of normalizations too, all that has fewer than two axes. Default false. */
  readonly decayVectors?: boolean;
}

/** What options of other frameworks' optimizers are called here. */
const elsewhere = {
  lr: 'learningRate',
  decay: 'weightDecay',
  clipnorm: 'none: fit has clip: { norm }',
  clipvalue: 'none: fit has clip: { value }',
};

/**
 * Throws a UsageError for an option that the optimizer does not have, and for what stands behind its only argument:
 * `adam(0.001, { weightDecay: 0.01 })`.
 *
 * @param more the arguments behind the first
 */
export function checkSettings<Options extends DecayOptions>(
  name: string,
  options: Options,
  known: Readonly<Record<keyof NoInfer<Options>, true>>,
  more: readonly unknown[],
): void {
  checkOptionNames(name, options, known, elsewhere);
  if (more.every((one) => one === undefined)) return;
  throw new UsageError(`${name}: takes one argument: ${more.length + 1} are given`, {
    hint: `The learning rate stands among the options: ${name}({ learningRate: 0.001, weightDecay: 0.01 }).`,
  });
}

/**
 * Decoupled weight decay (Loshchilov and Hutter, ICLR 2019), as Keras has it for every optimizer: w · (1 − η·λ). It
 * does not pass through momentum or moments, unlike the L2 term of PyTorch's SGD and Adam. What has fewer than two axes
 * is spared: pulling a bias or the scale of a normalization to 0 restrains nothing, it moves what a layer gives (Keras
 * and PyTorch decay all, unless told which not).
 */
function decayed(
  parameter: Leaf,
  learningRate: Tensor,
  { weightDecay = 0, decayVectors = false }: DecayOptions,
): Tensor {
  if (weightDecay === 0 || (parameter.rank < 2 && !decayVectors)) return parameter;
  return multiply(parameter, subtract(1, multiply(learningRate, weightDecay)));
}

/** A parameter and its states after a step. */
interface Moved {
  readonly parameter: Tensor;
  /** In the order of `Rule.slots`. */
  readonly states: readonly Tensor[];
}

/** An optimizer that treats every parameter alike and alone. */
interface Rule {
  readonly name: string;
  readonly learningRate: number;
  /** Without those of the decay. */
  readonly options: OptimizerOptions;
  readonly decay: DecayOptions;
  /** Names of the states of a parameter, each of its shape, 0 at the beginning. */
  readonly slots: readonly string[];
  /**
   * Called once for a step, with what all parameters share; its result is called for each of them.
   *
   * @returns of the parameter after its decay, its gradient and its states: what becomes of them
   */
  step(
    learningRate: Tensor,
    step: Tensor,
  ): (decayed: Tensor, gradient: Tensor, states: readonly Tensor[], parameter: Leaf) => Moved;
}

/**
 * The optimizer of a rule. Gradients, new parameters and new states that are smaller than 2⁻¹⁰⁰ are 0: what has no
 * gradient any more decays to 0, not into the subnormal numbers. Throws a UsageError for a learning rate or a
 * decay out of range.
 */
export function optimizerOf({ name, learningRate, options, decay, slots, step: begin }: Rule): Optimizer {
  const { weightDecay = 0, decayVectors = false } = decay;
  checkRange(`${name}: learningRate`, learningRate, 0);
  checkRange(`${name}: weightDecay`, weightDecay, 0);
  return {
    name,
    learningRate,
    options: { ...options, weightDecay, decayVectors },
    build(parameters) {
      const states = slots.map((slot) =>
        parameters.map(({ name: path, shape }) => state(`optimizer.${slot}.${path}`, shape, 0)),
      );
      return {
        states: states.flat(),
        updates(gradients, rate, step) {
          checkGradientCount(name, gradients, parameters);
          const move = begin(rate, step);
          return parameters.flatMap((parameter, i): [Leaf, Tensor][] => {
            const own = states.map((slot) => at(slot, i));
            const moved = move(decayed(parameter, rate, decay), flush(at(gradients, i)), own, parameter);
            const after = [moved.parameter, ...moved.states];
            return [parameter, ...own].map((leaf, j): [Leaf, Tensor] => [leaf, flush(at(after, j))]);
          });
        },
      };
    },
  };
}

/** x², and 0 where that is below 2⁻¹⁰⁰: squares of small gradients are the first numbers to become subnormal. */
export function flushedSquare(x: Tensor): Tensor {
  return square(flush(x, tinySquared));
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
