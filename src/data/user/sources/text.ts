import { DataError, reasonOf } from '../../../core/errors.js';
import { isGzip, readBounded } from '../../idx.js';
import { unzipWithin } from '../../unzip.js';

/** The most that a text may unpack to. */
const largestText = 2 ** 31;

/** The bytes of a text file, unpacked where it is gzipped. Throws DataError naming it. */
export async function readText(file: string): Promise<Uint8Array> {
  const bytes = await readBounded(file);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new DataError(`${file}: it is UTF-16, texts are read as UTF-8`, {
      hint: '`iconv -f UTF-16 -t UTF-8` converts it.',
    });
  }
  if (!isGzip(bytes)) return bytes;
  try {
    return await unzipWithin(bytes, largestText);
  } catch (cause) {
    throw new DataError(`${file}: corrupt gzip: ${reasonOf(cause)}`, { cause });
  }
}
