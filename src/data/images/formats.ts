/** Formats of pictures, by their first bytes: what a file is called does not count. */
export type PictureFormat = 'PNG' | 'JPEG' | 'WebP' | 'BMP';

const text = (bytes: Uint8Array, from: number, to: number) =>
  String.fromCharCode(...bytes.subarray(from, to));

/** Names of files that are taken for pictures, when they lie in a folder. */
export const pictureNames =
  /\.(png|apng|jpe?g|jpe|jfif|webp|bmp|dib|gif|tiff?|heic|heif|avif|jxl|ico|p[bgp]m)$/i;

/** Those that are read. */
export function formatOf(bytes: Uint8Array): PictureFormat | undefined {
  if (text(bytes, 1, 4) === 'PNG' && bytes[0] === 0x89) return 'PNG';
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'JPEG';
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP') return 'WebP';
  return text(bytes, 0, 2) === 'BM' ? 'BMP' : undefined;
}

/** Those that are known by name alone. */
export function foreignFormatOf(bytes: Uint8Array): string | undefined {
  if (text(bytes, 0, 4) === 'GIF8') return 'GIF';
  if (text(bytes, 0, 4) === 'II*\0' || text(bytes, 0, 4) === 'MM\0*') return 'TIFF';
  if (text(bytes, 4, 8) === 'ftyp') return text(bytes, 8, 12).startsWith('avi') ? 'AVIF' : 'HEIF';
  if (/^P[1-6]\s$/.test(text(bytes, 0, 3))) return 'Netpbm';
  return text(bytes, 0, 4) === '\0\0\x01\0' ? 'icon' : undefined;
}
