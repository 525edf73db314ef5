/** Members of a zip archive, as src/data/user/sources/zip.ts gives them in Node. */
import { unzipSync } from 'fflate';

const largestUnpacked = 2 ** 31;

/**
 * The members whose names end with `ending`, by their names without it.
 *
 * @throws Error for an archive that is damaged or too large
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
    if (unpacked > largestUnpacked)
      throw new Error(`${file}: too large: it unpacks to more than ${largestUnpacked} bytes`);
    return true;
  };
  const members = unzipSync(bytes, { filter });
  return new Map(Object.entries(members).map(([name, data]) => [name.slice(0, -ending.length), data]));
}
