import { exactCos } from '../../core/math.js';
import type { Augmentation } from './augmentation.js';
import { counters, drawBelow, drawBetween } from './draws.js';

/** Where pixels come from: the pixel (x, y) of the new image lies at (x₀ + xx·x + xy·y, y₀ + yx·x + yy·y) of the old. */
export interface Placement {
  x0: number;
  y0: number;
  xx: number;
  xy: number;
  yx: number;
  yy: number;
}

const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** cos(x − π/2); `Math.sin` may differ between JavaScript engines. */
const exactSin = (angle: number) => exactCos(angle - Math.PI / 2);

/** Whether pixels come from between pixels, so that they must be mixed. */
export function resamples({ shift, rotate, scale, shear, elastic }: Augmentation): boolean {
  return [shift, rotate, scale, shear, elastic].some((transform) => transform !== undefined);
}

/**
 * Draws where the pixels of one sample come from. About the center of the image, in this order: mirror, enlarge, slant,
 * turn (positive angles are counter-clockwise as seen), move.
 *
 *     new = R S · s · F · old + t        old = F · S⁻¹ R⁻¹ / s · (new − t)
 *
 *     R = | cos   sin |    S = | 1  tan |    F = | ±1  0 |        y points down
 *         | −sin  cos |        | 0   1  |        |  0  1 |
 */
export function drawPlacement(
  augmentation: Augmentation,
  height: number,
  width: number,
  key: number,
  sample: number,
  placement: Placement,
): void {
  const { shift = 0, rotate = 0, scale, shear = 0, flip, crop = 0 } = augmentation;
  let [moveX, moveY] = [0, 0];
  if (crop > 0) {
    moveX = drawBelow(counters.cropX, key, sample, 2 * crop + 1) - crop;
    moveY = drawBelow(counters.cropY, key, sample, 2 * crop + 1) - crop;
  }
  if (shift > 0) {
    moveX += drawBetween(counters.shiftX, key, sample, -shift, shift);
    moveY += drawBetween(counters.shiftY, key, sample, -shift, shift);
  }
  const turn = rotate > 0 ? radians(drawBetween(counters.rotate, key, sample, -rotate, rotate)) : 0;
  const slant = shear > 0 ? radians(drawBetween(counters.shear, key, sample, -shear, shear)) : 0;
  const factor = scale === undefined ? 1 : drawBetween(counters.scale, key, sample, scale[0], scale[1]);
  const mirror = flip !== undefined && drawBelow(counters.flip, key, sample, 2) === 1 ? -1 : 1;
  place(placement, height, width, moveX, moveY, turn, slant, factor, mirror);
}

/** The placement for known moves (pixels), angles (radians), factor and mirror (−1 or 1). */
export function place(
  placement: Placement,
  height: number,
  width: number,
  moveX: number,
  moveY: number,
  turn: number,
  slant: number,
  factor: number,
  mirror: number,
): void {
  // without angles nothing is rounded
  const cos = turn === 0 ? 1 : exactCos(turn);
  const sin = turn === 0 ? 0 : exactSin(turn);
  const tan = slant === 0 ? 0 : exactSin(slant) / exactCos(slant);
  const [centerX, centerY] = [(width - 1) / 2, (height - 1) / 2];
  const xx = (mirror * (cos - tan * sin)) / factor;
  const xy = (mirror * (-sin - tan * cos)) / factor;
  const yx = sin / factor;
  const yy = cos / factor;
  placement.xx = xx;
  placement.xy = xy;
  placement.yx = yx;
  placement.yy = yy;
  placement.x0 = centerX - xx * (centerX + moveX) - xy * (centerY + moveY);
  placement.y0 = centerY - yx * (centerX + moveX) - yy * (centerY + moveY);
}
