import { checkOptionNames, checkPositive, checkShare } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { describe } from '../../tensor/build.js';
import { batchNormalize, channelMoments } from '../../tensor/ops/normalize.js';
import { add, divide, flush, multiply, sqrt, subtract } from '../../tensor/ops/pointwise.js';
import type { Tensor } from '../../tensor/tensor.js';
import { layerOptionsElsewhere } from '../check.js';
import { type Context, type Layer, layer } from '../layer.js';
import { type InitializerOption, resolveInitializer } from '../resolveInitializer.js';

export interface BatchNormOptions {
  /** m: what a running statistic keeps of itself at each step, 0 to 1; default 0.99. */
  readonly momentum?: number;
  /**
   * Corrects running statistics for how little they have seen: after t steps they are the mean of those steps' statistics,
   * weighted with m^(age), as Adam corrects its moments, and owe nothing to the 0 and 1 that they began with. Default true;
   * false is Keras's plain rule, by which they are far from arrived before some 3 / (1 − m) steps.
   */
  readonly biasCorrection?: boolean;
  /** Added to the variance; default 0.001. */
  readonly epsilon?: number;
  /** Adds `beta`. Default true. */
  readonly center?: boolean;
  /** Multiplies by `gamma`. Default true. */
  readonly scale?: boolean;
  /** Default 'zeros'. */
  readonly betaInitializer?: InitializerOption;
  /** Default 'ones'. */
  readonly gammaInitializer?: InitializerOption;
}

/** The share that a batch has in what has been gathered, once it is; gathers it. */
function gatheringRate(momentum: number, context: Context): Tensor | number {
  // nothing moves
  if (momentum === 1) return 0;
  const weight = context.state('movingWeight', [], 0, { trainingOnly: true });
  const next = add(multiply(weight, momentum), 1 - momentum);
  context.update(weight, next);
  return divide(1 - momentum, next);
}

/**
 * Batch normalization (Ioffe and Szegedy, ICML 2015), as Keras defines it: x `[batch, …, channels]`, each channel on its
 * own.
 *
 *     y = gamma · (x − mean) / √(variance + epsilon) + beta
 *
 * In training mean and variance (biased: divided by the number of elements) are those of the batch, over all axes but
 * the last, and `movingMean` and `movingVariance` move towards them. Otherwise they are the moving ones. The variance is
 * taken of x − mean in a pass of its own, so nothing cancels.
 *
 *     w ← m·w + 1 − m                                  what has been gathered, from 0
 *     moving ← moving · (1 − r) + batch's · r          r = (1 − m) / w: 1 in the first step, 1 − m after many
 *
 * which is (moving sum from 0) ÷ w at every step. w lives in the engine and in checkpoints, not in model files: `fit`
 * gathers anew, and so other data is soon known. Without `biasCorrection` r is 1 − m from the beginning. What is smaller
 * than 2⁻¹⁰⁰ is 0.
 *
 * @throws UsageError for options out of range; ShapeError, when applied, for an input of fewer than two axes
 */
export function batchNorm(options: BatchNormOptions = {}): Layer {
  checkOptionNames(
    'batchNorm',
    options,
    {
      momentum: true,
      biasCorrection: true,
      epsilon: true,
      center: true,
      scale: true,
      betaInitializer: true,
      gammaInitializer: true,
    },
    layerOptionsElsewhere,
  );
  const { momentum = 0.99, epsilon = 1e-3, center = true, scale = true, biasCorrection = true } = options;
  checkShare('batchNorm: momentum', momentum);
  checkPositive('batchNorm: epsilon', epsilon);
  const beta = resolveInitializer('batchNorm: betaInitializer', options.betaInitializer ?? 'zeros');
  const gamma = resolveInitializer('batchNorm: gammaInitializer', options.gammaInitializer ?? 'ones');
  return layer(
    'batchNorm',
    {
      momentum,
      epsilon,
      center,
      scale,
      betaInitializer: beta.description,
      gammaInitializer: gamma.description,
      biasCorrection,
    },
    (x, context) => {
      if (x.rank < 2) {
        throw new ShapeError(`batchNorm: needs [batch, …, channels]: ${describe(x)} (${x.rank} axes)`);
      }
      const shape = x.shape.slice(-1);
      const gain = scale ? context.parameter('gamma', shape, gamma) : 1;
      const offset = center ? context.parameter('beta', shape, beta) : 0;
      const movingMean = context.state('movingMean', shape, 0);
      const movingVariance = context.state('movingVariance', shape, 1);
      if (!context.training) {
        // in the order that leaves one product and one sum to each element: they end in the convolution before
        const factor = divide(gain, sqrt(add(movingVariance, epsilon)));
        return add(multiply(x, factor), subtract(offset, multiply(movingMean, factor)));
      }
      const moments = channelMoments(x);
      const rate = biasCorrection ? gatheringRate(momentum, context) : 1 - momentum;
      const moved = (moving: Tensor, now: Tensor) =>
        flush(add(multiply(moving, subtract(1, rate)), multiply(now, rate)));
      context.update(movingMean, moved(movingMean, moments.mean));
      context.update(movingVariance, moved(movingVariance, moments.variance));
      return batchNormalize(x, gain, offset, { epsilon, moments });
    },
  );
}
