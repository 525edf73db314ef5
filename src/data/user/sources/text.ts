import { DataError, reasonOf } from '../../../core/errors.js';
import { isGzip, readBounded } from '../../idx.js';
import { largestInMemory, tooLarge } from '../../memory.js';
import { TooLong, unzipWithin } from '../../unzip.js';

const newline = 10;
const carriageReturn = 13;

/** The same bytes, with lines that end as today's do: those of old Macs end with a carriage return alone. */
function withNewlines(bytes: Uint8Array): Uint8Array {
  if (bytes.includes(newline)) return bytes;
  for (let i = bytes.indexOf(carriageReturn); i >= 0; i = bytes.indexOf(carriageReturn, i + 1)) {
    bytes[i] = newline;
  }
  return bytes;
}

/**
 * The bytes of a text file, unpacked where it is gzipped.
 *
 * @param limit of the bytes that it unpacks to
 * @throws DataError naming the file
 */
export async function readText(file: string, limit = largestInMemory): Promise<Uint8Array> {
  const bytes = await readBounded(file);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new DataError(`${file}: it is UTF-16, texts are read as UTF-8`, {
      hint: '`iconv -f UTF-16 -t UTF-8` converts it.',
    });
  }
  if (!isGzip(bytes)) return withNewlines(bytes);
  try {
    return withNewlines(await unzipWithin(bytes, limit));
  } catch (cause) {
    if (cause instanceof TooLong) throw tooLarge(file, limit);
    throw new DataError(`${file}: corrupt gzip: ${reasonOf(cause)}`, { cause });
  }
}
