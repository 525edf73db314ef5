import { checkOptionNames, checkPositive } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { describe } from '../../tensor/build.js';
import { layerNormalize } from '../../tensor/ops/normalize.js';
import { add, multiply } from '../../tensor/ops/pointwise.js';
import { layerOptionsElsewhere } from '../check.js';
import { type Layer, layer } from '../layer.js';
import { type InitializerOption, resolveInitializer } from '../resolveInitializer.js';

export interface LayerNormOptions {
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

/**
 * Layer normalization (Ba, Kiros and Hinton, 2016), as Keras defines it: x `[batch, …, features]`, each position on its
 * own, in training and otherwise alike.
 *
 *     y = gamma · (x − mean) / √(variance + epsilon) + beta
 *
 * with mean and variance (biased) over the last axis, gamma and beta `[features]`.
 *
 * @throws UsageError for options out of range; ShapeError, when applied, for an input of fewer than two axes
 */
export function layerNorm(options: LayerNormOptions = {}): Layer {
  checkOptionNames(
    'layerNorm',
    options,
    { epsilon: true, center: true, scale: true, betaInitializer: true, gammaInitializer: true },
    layerOptionsElsewhere,
  );
  const { epsilon = 1e-3, center = true, scale = true } = options;
  checkPositive('layerNorm: epsilon', epsilon);
  const beta = resolveInitializer('layerNorm: betaInitializer', options.betaInitializer ?? 'zeros');
  const gamma = resolveInitializer('layerNorm: gammaInitializer', options.gammaInitializer ?? 'ones');
  return layer(
    'layerNorm',
    { epsilon, center, scale, betaInitializer: beta.description, gammaInitializer: gamma.description },
    (x, context) => {
      if (x.rank < 2) {
        throw new ShapeError(`layerNorm: needs [batch, …, features]: ${describe(x)} (${x.rank} axes)`);
      }
      const shape = x.shape.slice(-1);
      const normal = layerNormalize(x, { epsilon });
      const scaled = scale ? multiply(normal, context.parameter('gamma', shape, gamma)) : normal;
      return center ? add(scaled, context.parameter('beta', shape, beta)) : scaled;
    },
  );
}
