/** How a camera was held: the orientation of Exif 2.32 (tag 274), from 1 (upright) to 8. */
import type { Samples } from './picture.js';

const orientationTag = 0x0112;

/** The orientation in a TIFF structure, which is what Exif data is. */
function orientationInTiff(tiff: DataView): number | undefined {
  const order = tiff.getUint16(0);
  const little = order === 0x4949;
  if (!little && order !== 0x4d4d) return undefined;
  const directory = tiff.getUint32(4, little);
  const entries = tiff.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i;
    if (tiff.getUint16(at, little) === orientationTag) return tiff.getUint16(at + 8, little);
  }
  return undefined;
}

/** 1 to 8; 1 where Exif data says nothing, or is damaged: a viewer shows such a picture as it is stored. */
export function orientationOf(exif: Uint8Array | undefined): number {
  if (exif === undefined) return 1;
  try {
    const found = orientationInTiff(new DataView(exif.buffer, exif.byteOffset, exif.byteLength));
    return found !== undefined && found >= 1 && found <= 8 ? found : 1;
  } catch {
    return 1;
  }
}

/** A picture of 8 bits a channel, red, green, blue and alpha, that is in memory. */
export interface Stored {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/** Reads a stored picture as it was seen when it was taken. */
export function upright(
  { width, height, data }: Stored,
  orientation: number,
): Pick<Samples, 'width' | 'height' | 'readRow'> {
  const turned = orientation >= 5;
  const mirroredAcross = [2, 3, 7, 8].includes(orientation);
  const mirroredDown = [3, 4, 6, 7].includes(orientation);
  const size = turned ? { width: height, height: width } : { width, height };
  const readRow = (y: number, row: Float64Array) => {
    for (let x = 0; x < size.width; x++) {
      const [u, v] = turned ? [y, x] : [x, y];
      const column = mirroredAcross ? width - 1 - u : u;
      const line = mirroredDown ? height - 1 - v : v;
      const at = 4 * (line * width + column);
      for (let c = 0; c < 4; c++) row[4 * x + c] = data[at + c]!;
    }
  };
  return { ...size, readRow };
}
