import { open, stat } from 'node:fs/promises';

/** Bytes that are asked for at once, where a file does not tell its size. */
const piece = 2 ** 16;

/** A file is larger than it may be. */
export class TooLarge extends Error {
  constructor(
    readonly size: number,
    limit: number,
  ) {
    super(`${size} bytes, the limit is ${limit}`);
  }
}

/**
 * Reads a whole file of at most `limit` bytes. The limit holds whatever the file says of its size: devices and pipes are
 * refused, and what still grows is read no further.
 *
 * @throws Error without the path in its message, which callers name: no regular file, longer than the limit, or what the
 * system says
 */
export async function readFileWithin(path: string, limit: number): Promise<Uint8Array> {
  // before it is opened: opening a pipe waits for somebody to write
  const found = await stat(path);
  if (found.isDirectory()) throw new Error('EISDIR: it is a folder');
  if (!found.isFile()) throw new Error('no file: it is a device, a pipe or a socket');
  if (found.size > limit) throw new TooLarge(found.size, limit);
  const file = await open(path, 'r');
  try {
    let bytes = new Uint8Array(found.size > 0 ? found.size + 1 : piece);
    let length = 0;
    for (;;) {
      if (length === bytes.length) {
        if (length > limit) throw new TooLarge(length, limit);
        const longer = new Uint8Array(Math.min(2 * length, limit + 1));
        longer.set(bytes);
        bytes = longer;
      }
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > limit) throw new TooLarge(length, limit);
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}
