import { checkOptionNames } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { formatShape, sameShape } from '../../core/shape.js';
import { add } from '../../tensor/ops/pointwise.js';
import { layerOptionsElsewhere } from '../check.js';
import { type Layer, layer } from '../layer.js';
import { checkLayer } from '../sequential.js';

/**
 * A residual block (He, Zhang, Ren and Sun, CVPR 2016): x + body(x), or projection(x) + body(x) where the body changes
 * the shape. Paths: `body`, `projection`.
 *
 * @param options.projection a layer that gives x the shape of body(x), such as `conv2d(64, 1, { strides: 2 })`
 * @throws ShapeError, when applied, if the two sides differ in shape
 */
export function residual(body: Layer, options: { readonly projection?: Layer } = {}): Layer {
  checkOptionNames('residual', options, { projection: true }, layerOptionsElsewhere);
  const { projection } = options;
  checkLayer('residual: body', body);
  if (projection !== undefined) checkLayer('residual: projection', projection);
  return layer(
    'residual',
    {},
    (x, context) => {
      const shortcut = projection === undefined ? x : context.apply('projection', projection, x);
      const y = context.apply('body', body, x);
      if (!sameShape(shortcut.shape, y.shape)) {
        throw new ShapeError(
          `residual: the two sides differ in shape: ${formatShape(shortcut.shape)} and ${formatShape(y.shape)}`,
          { hint: "projection: conv2d(filters, 1, { strides }) changes the shortcut's shape." },
        );
      }
      return add(shortcut, y);
    },
    projection === undefined ? { body } : { body, projection },
  );
}
