/** Zip archives of models: few entries, sizes that are believed only within bounds. */
import { unzipSync, zipSync } from 'fflate';
import { DataError } from '../core/errors.js';
import { largestFile } from './bounds.js';

const mostEntries = 10_000;

/** Tells whether bytes begin as a zip archive does. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/**
 * The entries of an archive by name.
 *
 * @param wanted which of them are unpacked
 * @throws DataError for bytes that are no archive, or one that unfolds to more than a model has
 */
export function unzip(
  bytes: Uint8Array,
  what: string,
  wanted: (name: string) => boolean = () => true,
): Map<string, Uint8Array> {
  let entries = 0;
  let total = 0;
  const sizes = new Map<string, number>();
  try {
    const content = unzipSync(bytes, {
      filter: ({ name, originalSize, compression }) => {
        if (++entries > mostEntries) throw new DataError(`more than ${mostEntries} entries`);
        if (!wanted(name)) return false;
        // allocated before anything is unpacked
        total += originalSize;
        if (!(total <= largestFile)) throw new DataError(`it unfolds to more than ${largestFile} bytes`);
        if (compression !== 0 && compression !== 8)
          throw new DataError(`'${name}' is packed by an unknown method`);
        sizes.set(name, originalSize);
        return true;
      },
    });
    for (const [name, size] of sizes) {
      if (content[name]?.length !== size) {
        throw new DataError(`'${name}' has ${content[name]?.length} bytes, the archive says ${size}`);
      }
    }
    return new Map(Object.entries(content));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`${what}: the zip archive cannot be read: ${reason}`, { cause });
  }
}

/** The names of an archive's entries, none of which is unpacked. */
export function namesIn(bytes: Uint8Array, what: string): string[] {
  const names: string[] = [];
  unzip(bytes, what, (name) => {
    names.push(name);
    return false;
  });
  return names;
}

/** An archive of these entries, packed or as they are. The same entries give the same bytes. */
export function zip(entries: ReadonlyMap<string, Uint8Array>, level: 0 | 6): Uint8Array {
  // the first moment that zip archives can name
  return zipSync(Object.fromEntries(entries), { level, mtime: new Date(1980, 0, 1) });
}
