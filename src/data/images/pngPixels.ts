/** From what a PNG unpacks to, to its samples: filters and interlacing taken back. PNG, third edition, W3C 2025, 7 to 9. */
import { channelsOf, type Header, passesOf } from './pngChunks.js';

/** Of the byte to the left, the one above and the one between them: the one nearest to left + above − between. */
function paeth(left: number, above: number, between: number): number {
  const guess = left + above - between;
  const [byLeft, byAbove, byBetween] = [guess - left, guess - above, guess - between].map(Math.abs) as [
    number,
    number,
    number,
  ];
  if (byLeft <= byAbove && byLeft <= byBetween) return left;
  return byAbove <= byBetween ? above : between;
}

/**
 * Takes the filters back, in place, and moves the rows together.
 *
 * @param bytes of `height` rows, a filter's number before each
 * @param step bytes to the same channel of the pixel to the left
 * @returns `[height, length]`
 */
function unfilter(bytes: Uint8Array, height: number, length: number, step: number): Uint8Array {
  for (let y = 0; y < height; y++) {
    const from = y * (length + 1) + 1;
    const to = y * length;
    const filter = bytes[from - 1]!;
    if (filter > 4) throw new Error(`no such filter of a row: ${filter}`);
    for (let i = 0; i < length; i++) {
      const left = i < step ? 0 : bytes[to + i - step]!;
      const above = y === 0 ? 0 : bytes[to + i - length]!;
      let guess = 0;
      if (filter === 1) guess = left;
      else if (filter === 2) guess = above;
      else if (filter === 3) guess = (left + above) >> 1;
      else if (filter === 4) {
        guess = paeth(left, above, y === 0 || i < step ? 0 : bytes[to + i - length - step]!);
      }
      // what is written lies before what is still to be read
      bytes[to + i] = bytes[from + i]! + guess;
    }
  }
  return bytes.subarray(0, height * length);
}

/**
 * The samples of a picture, rows of whole bytes; as they are stored: several to a byte, or two bytes for one.
 *
 * @param packed as many bytes as the header asks for; they are written over
 * @throws Error for a filter that there is not
 */
export function samplesOf(packed: Uint8Array, header: Header): Uint8Array {
  const { width, height, depth, colorType, interlaced } = header;
  const bits = depth * channelsOf[colorType]!;
  const step = Math.max(1, bits / 8);
  const rowBytes = Math.ceil((width * bits) / 8);
  if (!interlaced) return unfilter(packed, height, rowBytes, step);
  const whole = new Uint8Array(height * rowBytes);
  let start = 0;
  for (const { x, y, xStep, yStep, columns, rows } of passesOf(header)) {
    const length = columns * step;
    const end = start + rows * (length + 1);
    const own = unfilter(packed.subarray(start, end), rows, length, step);
    start = end;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const from = row * length + column * step;
        const to = (y + row * yStep) * rowBytes + (x + column * xStep) * step;
        for (let i = 0; i < step; i++) whole[to + i] = own[from + i]!;
      }
    }
  }
  return whole;
}
