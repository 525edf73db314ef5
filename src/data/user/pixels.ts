import { DataError } from '../../core/errors.js';

/**
 * Numbers as pixels from 0 to 255. Whole numbers are what they are; with fractions among them, all from 0 to 1, they are
 * shares of 255.
 *
 * @param where names the place of a number in its file, for errors
 * @throws DataError for a number outside
 */
export function toPixels(values: ArrayLike<number>, where: (index: number) => string): Uint8Array {
  if (values instanceof Uint8Array) return values;
  let fraction = false;
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!(value >= 0 && value <= 255)) {
      throw new DataError(`${where(i)}: a pixel is not from 0 to 255`, {
        hint: 'Pixels are whole numbers from 0 to 255, or fractions from 0 to 1; other scales must be converted.',
      });
    }
    if (!Number.isInteger(value)) fraction = true;
    if (value > most) most = value;
  }
  const scale = fraction && most <= 1 ? 255 : 1;
  const pixels = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) pixels[i] = Math.round(values[i]! * scale);
  return pixels;
}

/**
 * What a flat list of pixels is an image of: that of a known shape if the number is right, else a square, gray or with
 * three channels.
 */
export function shapeOfPixels(
  count: number,
  known: readonly (readonly [number, number, number] | undefined)[],
  where: string,
): readonly [number, number, number] {
  for (const shape of known) {
    if (shape !== undefined && shape[0] * shape[1] * shape[2] === count) return shape;
  }
  for (const channels of [1, 3]) {
    const side = Math.round(Math.sqrt(count / channels));
    if (side > 0 && side * side * channels === count) return [side, side, channels];
  }
  throw new DataError(`${where}: ${count} pixels are no square image, gray or with 3 channels`, {
    hint: 'storedShape tells height, width and channels of the images.',
  });
}
