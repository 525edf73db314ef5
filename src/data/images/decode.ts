import { DataError, reasonOf } from '../../core/errors.js';
import { bmpHeader, jpegHeader, type PictureHeader, webpHeader } from './containers.js';
import { foreignFormatOf, formatOf, type PictureFormat } from './formats.js';
import { checkPictureSize } from './limits.js';
import { type Stored, upright } from './orientation.js';
import type { Samples } from './picture.js';
import { decodePng } from './png.js';

/** Unpacks a photo as it is stored, not turned; throws an Error where it is damaged. */
export type Unpack = (bytes: Uint8Array, header: PictureHeader) => Promise<Stored>;

/** Unpack the formats that Quern itself does not; in a page the browser does. */
export type Unpackers = Readonly<Record<Exclude<PictureFormat, 'PNG'>, Unpack>>;

const headers: Readonly<Record<keyof Unpackers, (bytes: Uint8Array) => PictureHeader>> = {
  JPEG: jpegHeader,
  WebP: webpHeader,
  BMP: bmpHeader,
};

/** Tells whether what is unpacked may be transparent; of a BMP nobody agrees on it. */
const mayBeTransparent = (format: PictureFormat, { data }: Stored): boolean => {
  if (format !== 'WebP') return false;
  for (let i = 3; i < data.length; i += 4) if (data[i]! < 255) return true;
  return false;
};

/** Decoders say what happened in them, not what is wrong with the file. */
function whyNot(cause: unknown): string {
  if (cause instanceof RangeError) return 'it ends too early';
  const reason = reasonOf(cause);
  return /not implemented/i.test(reason) ? 'it is damaged' : reason;
}

async function decodePhoto(
  format: keyof Unpackers,
  bytes: Uint8Array,
  file: string,
  unpackers: Unpackers,
): Promise<Samples> {
  const undecodable = (cause: unknown) =>
    new DataError(`${file}: this ${format} cannot be decoded: ${whyNot(cause)}`, { cause });
  let header: PictureHeader;
  try {
    header = headers[format](bytes);
  } catch (cause) {
    throw undecodable(cause);
  }
  checkPictureSize(header, file);
  let stored: Stored;
  try {
    stored = await unpackers[format](bytes, header);
  } catch (cause) {
    throw undecodable(cause);
  }
  const size = `${stored.width} x ${stored.height}`;
  if (stored.width !== header.width || stored.height !== header.height) {
    throw undecodable(new Error(`its header says ${header.width} x ${header.height}, it holds ${size}`));
  }
  return {
    ...upright(stored, header.orientation),
    colored: true,
    transparent: mayBeTransparent(format, stored),
  };
}

/**
 * Decodes a PNG, JPEG, WebP or BMP picture, whatever its file is called, turned as the camera was held.
 *
 * @param file the file's name, for errors.
 *
 * Throws DataError: no such picture, truncated, corrupt, or too large, which is refused before unpacking.
 */
export async function decodePicture(bytes: Uint8Array, file: string, unpackers: Unpackers): Promise<Samples> {
  const format = formatOf(bytes);
  if (format === 'PNG') return decodePng(bytes, file);
  if (format !== undefined) return decodePhoto(format, bytes, file, unpackers);
  if (bytes.length === 0) throw new DataError(`${file}: the file is empty`);
  const foreign = foreignFormatOf(bytes);
  throw new DataError(
    `${file}: ${foreign === undefined ? 'not a picture' : `a ${foreign} picture`}: PNG, JPEG, WebP and BMP are read`,
    { ...(foreign !== undefined && { hint: 'ImageMagick converts others: mogrify -format png FILE.' }) },
  );
}
