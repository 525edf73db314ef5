/** Photos in a page: the browser unpacks them, as they are stored. */

async function unpack(bytes: Uint8Array) {
  const blob = new Blob([bytes as Uint8Array<ArrayBuffer>]);
  const stored = {
    imageOrientation: 'none',
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  } as const;
  // Chromium knows 'none' as long as the standard does
  const bitmap = await createImageBitmap(blob, stored as unknown as ImageBitmapOptions);
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (context === null) throw new Error('this browser has no canvas in workers');
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}

export const nodeUnpackers = { JPEG: unpack, WebP: unpack, BMP: unpack };
