import type { Placement } from './affine.js';
import type { Frame } from './frame.js';

const one = 65536;
const fixed = (value: number) => Math.floor(value * one + 0.5);

/** Displacements of pixels, 16.16 fixed point. */
interface Displacements {
  readonly x: Int32Array;
  readonly y: Int32Array;
}

/**
 * Writes the image in the frame, placed and then displaced, to byte `to` of `target`.
 *
 * Bilinear: coordinates have 16 bits behind the point, weights 8 bits, a pixel is rounded once. Coordinates outside the
 * frame are moved to its edge.
 */
export function resample(
  { height, width, channels, border, stride, pixels }: Frame,
  { x0, y0, xx, xy, yx, yy, field }: Placement & { readonly field?: Displacements },
  target: Uint8Array,
  to: number,
): void {
  const stepX = fixed(xx);
  const stepY = fixed(yx);
  const mostX = (width + 2 * border - 1) * one;
  const mostY = (height + 2 * border - 1) * one;
  let at = to;
  for (let y = 0; y < height; y++) {
    let rowX = fixed(x0 + xy * y + border);
    let rowY = fixed(y0 + yy * y + border);
    for (let x = 0; x < width; x++) {
      let fromX = rowX;
      let fromY = rowY;
      rowX += stepX;
      rowY += stepY;
      if (field !== undefined) {
        fromX += field.x[y * width + x]!;
        fromY += field.y[y * width + x]!;
      }
      fromX = fromX < 0 ? 0 : fromX > mostX ? mostX : fromX;
      fromY = fromY < 0 ? 0 : fromY > mostY ? mostY : fromY;
      const first = (fromY >> 16) * stride + (fromX >> 16) * channels;
      const right = (fromX >> 8) & 255;
      const below = (fromY >> 8) & 255;
      const left = 256 - right;
      const above = 256 - below;
      for (let c = 0; c < channels; c++) {
        const i = first + c;
        const upper = left * pixels[i]! + right * pixels[i + channels]!;
        const lower = left * pixels[i + stride]! + right * pixels[i + stride + channels]!;
        target[at++] = (above * upper + below * lower + 32768) >> 16;
      }
    }
  }
}
