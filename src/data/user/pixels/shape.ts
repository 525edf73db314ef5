import { DataError } from '../../../core/errors.js';
import type { ImageShape } from '../../images/picture.js';
import type { Reading } from '../reading.js';

/** Finds the shape of an image with so many pixels, if there is one: see `shapeOfPixels`. */
export function findShape(count: number, known: readonly (ImageShape | undefined)[]): ImageShape | undefined {
  for (const shape of known) {
    if (shape !== undefined && shape[0] * shape[1] * shape[2] === count) return shape;
  }
  for (const channels of [1, 3]) {
    const side = Math.round(Math.sqrt(count / channels));
    if (side > 0 && side * side * channels === count) return [side, side, channels];
  }
  return undefined;
}

/**
 * What a flat list of pixels is an image of: that of a known shape if the number is right, else a square, gray or with
 * three channels. Throws DataError naming `where`.
 */
export function shapeOfPixels(count: number, reading: Reading, where: string): ImageShape {
  const shape = findShape(count, reading.shapes);
  if (shape !== undefined) return shape;
  throw new DataError(`${where}: ${count} pixels are no square image, gray or with 3 channels`, {
    hint: `${reading.nameOf('storedShape')} tells height, width and channels of the images.`,
  });
}
