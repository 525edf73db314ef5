import { checkInteger, checkOptionNames } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { last } from '../../core/lists.js';
import { describe } from '../../tensor/build.js';
import { matmul } from '../../tensor/ops/matmul.js';
import { add } from '../../tensor/ops/pointwise.js';
import { layerOptionsElsewhere } from '../check.js';
import { type Layer, layer } from '../layer.js';
import { type InitializerOption, resolveInitializer } from '../resolveInitializer.js';

export interface DenseOptions {
  /** Default true. */
  readonly useBias?: boolean;
  /** Default 'glorotUniform'. */
  readonly kernelInitializer?: InitializerOption;
  /** Default 'zeros'. */
  readonly biasInitializer?: InitializerOption;
}

/**
 * y = x · kernel + bias: x `[batch, …, in]`, kernel `[in, units]`, bias `[units]` → `[batch, …, units]`.
 *
 * @throws UsageError unless `units` is an integer ≥ 1; ShapeError, when applied, for an input of fewer than two axes
 */
export function dense(units: number, options: DenseOptions = {}): Layer {
  checkOptionNames(
    'dense',
    options,
    { useBias: true, kernelInitializer: true, biasInitializer: true },
    layerOptionsElsewhere,
  );
  checkInteger('dense: units', units);
  const { useBias = true } = options;
  const kernelInitializer = resolveInitializer(
    'dense: kernelInitializer',
    options.kernelInitializer ?? 'glorotUniform',
  );
  const biasInitializer = resolveInitializer('dense: biasInitializer', options.biasInitializer ?? 'zeros');
  return layer(
    'dense',
    {
      units,
      useBias,
      kernelInitializer: kernelInitializer.description,
      biasInitializer: biasInitializer.description,
    },
    (x, context) => {
      if (x.rank < 2) {
        throw new ShapeError(`dense: needs [batch, …, in]: ${describe(x)} (${x.rank} axes)`, {
          hint: 'flatten() makes [batch, in] of any example, a single number too.',
        });
      }
      const kernel = context.parameter('kernel', [last(x.shape), units], kernelInitializer);
      const product = matmul(x, kernel);
      return useBias ? add(product, context.parameter('bias', [units], biasInitializer)) : product;
    },
  );
}
