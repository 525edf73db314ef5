/** Facts from the containers of photos before they are unpacked: size, and how the camera was held. */
import { orientationOf } from './orientation.js';

export interface PictureHeader {
  readonly width: number;
  readonly height: number;
  /** 1 (upright) to 8, see orientation.ts. */
  readonly orientation: number;
  /** Where it says so: a view of the file. */
  readonly exif?: Uint8Array | undefined;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const textAt = (bytes: Uint8Array, at: number, length: number) =>
  String.fromCharCode(...bytes.subarray(at, at + length));

/** Markers of JPEG that stand alone, without a length. */
const standsAlone = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

/** Start of a frame: all of C0 to CF but three tables. */
const beginsFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** The header of a JPEG (ITU-T T.81, annex B). Throws where there is none. */
export function jpegHeader(bytes: Uint8Array): PictureHeader {
  const view = viewOf(bytes);
  let exif: Uint8Array | undefined;
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) throw new Error('its segments are damaged');
    const marker = view.getUint8(at + 1);
    if (marker === 0xff || standsAlone(marker)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === 0xda || marker === 0xd9) throw new Error('there is no frame in it');
    const length = view.getUint16(at + 2);
    if (beginsFrame(marker)) {
      if (view.getUint8(at + 9) === 4)
        throw new Error('it is printed in four colors (CMYK), gray and RGB are read');
      return {
        width: view.getUint16(at + 7),
        height: view.getUint16(at + 5),
        orientation: orientationOf(exif),
        exif,
      };
    }
    if (marker === 0xe1 && textAt(bytes, at + 4, 4) === 'Exif')
      exif ??= bytes.subarray(at + 10, at + 2 + length);
    at += 2 + length;
  }
}

const uint24 = (view: DataView, at: number) => view.getUint16(at, true) + 65536 * view.getUint8(at + 2);

/** The header of a WebP (RFC 9649). Throws where there is none. */
export function webpHeader(bytes: Uint8Array): PictureHeader {
  const view = viewOf(bytes);
  let size: { width: number; height: number } | undefined;
  let exif: Uint8Array | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [type, length] = [textAt(bytes, at, 4), view.getUint32(at + 4, true)];
    const start = at + 8;
    if (type === 'VP8X') size ??= { width: 1 + uint24(view, start + 4), height: 1 + uint24(view, start + 7) };
    if (type === 'VP8L') {
      const bits = view.getUint32(start + 1, true);
      size ??= { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }
    if (type === 'VP8 ') {
      size ??= {
        width: view.getUint16(start + 6, true) & 0x3fff,
        height: view.getUint16(start + 8, true) & 0x3fff,
      };
    }
    if (type === 'EXIF') {
      const prefix = textAt(bytes, start, 4) === 'Exif' ? 6 : 0;
      exif ??= bytes.subarray(start + prefix, start + length);
    }
    at = start + length + (length % 2);
  }
  if (size === undefined) throw new Error('there is no picture in it');
  return { ...size, orientation: orientationOf(exif), exif };
}

/** The header of a BMP. Throws where there is none. */
export function bmpHeader(bytes: Uint8Array): PictureHeader {
  const view = viewOf(bytes);
  // a negative height tells that rows go down
  return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)), orientation: 1 };
}
