import { UsageError } from '../core/errors.js';
import { formatShape, type Shape, sizeOf } from '../core/shape.js';

/**
 * The image that a row of numbers is: the one that was named, or a gray square, which is said.
 *
 * @throws UsageError where it is neither
 */
export function imageOf(
  length: number,
  named: Shape | undefined,
  what: string,
): { shape: Shape; note: string } {
  if (named !== undefined) {
    if (sizeOf(named) !== length) {
      throw new UsageError(
        `${what}: the model takes ${length} numbers, an image ${formatShape(named)} has ${sizeOf(named)}`,
      );
    }
    return { shape: named, note: `the row of ${length} numbers is an image ${formatShape(named)}, as told` };
  }
  const side = Math.sqrt(length);
  if (!Number.isInteger(side)) {
    throw new UsageError(`${what}: the model takes ${length} numbers in a row, which are no square image`, {
      hint: 'Name the shape of an image: --image HEIGHTxWIDTHxCHANNELS.',
    });
  }
  const shape = [side, side, 1];
  return { shape, note: `the row of ${length} numbers is taken as a gray image ${formatShape(shape)}` };
}
