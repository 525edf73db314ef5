import { exactCos } from '../../core/math.js';
import type { Augmentation } from './augmentation.js';
import { counters, type Draws } from './draws.js';

/** Where pixels come from: the pixel (x, y) of the new image lies at (x₀ + xx·x + xy·y, y₀ + yx·x + yy·y) of the old. */
export interface Placement {
  readonly x0: number;
  readonly y0: number;
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
}

/** The movement of an image about its center. */
interface Movement {
  /** Pixels. */
  readonly moveX: number;
  readonly moveY: number;
  /** Radians; default 0. */
  readonly turn?: number;
  readonly slant?: number;
  /** Default 1. */
  readonly factor?: number;
  /** −1 or 1, the default. */
  readonly mirror?: number;
}

interface Size {
  readonly height: number;
  readonly width: number;
}

const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** cos(x − π/2); `Math.sin` may differ between JavaScript engines. */
const exactSin = (angle: number) => exactCos(angle - Math.PI / 2);

/** Tells whether pixels come from between pixels, so that they must be mixed. */
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
export function drawPlacement(augmentation: Augmentation, size: Size, draws: Draws): Placement {
  const { shift = 0, rotate = 0, scale, shear = 0, flip, crop = 0 } = augmentation;
  let [moveX, moveY] = [0, 0];
  if (crop > 0) {
    moveX = draws.below(counters.cropX, 2 * crop + 1) - crop;
    moveY = draws.below(counters.cropY, 2 * crop + 1) - crop;
  }
  if (shift > 0) {
    moveX += draws.between(counters.shiftX, -shift, shift);
    moveY += draws.between(counters.shiftY, -shift, shift);
  }
  return place(size, {
    moveX,
    moveY,
    turn: rotate > 0 ? radians(draws.between(counters.rotate, -rotate, rotate)) : 0,
    slant: shear > 0 ? radians(draws.between(counters.shear, -shear, shear)) : 0,
    factor: scale === undefined ? 1 : draws.between(counters.scale, scale[0], scale[1]),
    mirror: flip !== undefined && draws.below(counters.flip, 2) === 1 ? -1 : 1,
  });
}

/** The placement of a known movement. */
export function place({ height, width }: Size, movement: Movement): Placement {
  const { moveX, moveY, turn = 0, slant = 0, factor = 1, mirror = 1 } = movement;
  // without angles nothing is rounded
  const cos = turn === 0 ? 1 : exactCos(turn);
  const sin = turn === 0 ? 0 : exactSin(turn);
  const tan = slant === 0 ? 0 : exactSin(slant) / exactCos(slant);
  const [centerX, centerY] = [(width - 1) / 2, (height - 1) / 2];
  const xx = (mirror * (cos - tan * sin)) / factor;
  const xy = (mirror * (-sin - tan * cos)) / factor;
  const yx = sin / factor;
  const yy = cos / factor;
  const x0 = centerX - xx * (centerX + moveX) - xy * (centerY + moveY);
  const y0 = centerY - yx * (centerX + moveX) - yy * (centerY + moveY);
  return { x0, y0, xx, xy, yx, yy };
}
