/** Members of a zip archive, as src/data/user/sources/zip.ts gives them in Node. */
import { unzipSync } from 'fflate';
import { DataError } from '../../browser.js';
import { checkInMemory } from '../../data/memory.js';

/**
 * The members whose names end with `ending`, by their names without it.
 *
 * @throws DataError for an archive that is damaged, no zip archive, or too large
 */
export async function unpackZip(
  bytes: Uint8Array,
  file: string,
  ending: string,
): Promise<Map<string, Uint8Array>> {
  let unpacked = 0;
  const filter = ({ name, originalSize }: { readonly name: string; readonly originalSize: number }) => {
    if (!name.endsWith(ending)) return false;
    unpacked += originalSize;
    checkInMemory(unpacked, file);
    return true;
  };
  try {
    const members = Object.entries(unzipSync(bytes, { filter }));
    return new Map(members.map(([name, data]) => [name.slice(0, -ending.length), data]));
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(
      `${file}: not a sound zip archive: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}
