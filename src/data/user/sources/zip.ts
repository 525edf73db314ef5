/** Members of a zip archive, each compared with its checksum. */
import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { DataError, reasonOf } from '../../../core/errors.js';
import { checkInMemory } from '../../memory.js';

async function unpackMember(zip: ZipFile, entry: Entry): Promise<Uint8Array> {
  const local = await zip.readLocalFileHeaderPromise(entry, { minimal: false });
  if (!local.fileName.equals(entry.fileNameRaw)) throw new Error(`${entry.fileName}: it has two names`);
  const bytes = new Uint8Array(entry.uncompressedSize);
  let length = 0;
  // sees to it that there are as many bytes as the entry says
  for await (const piece of await zip.openReadStreamPromise(entry)) {
    bytes.set(piece as Uint8Array, length);
    length += (piece as Uint8Array).length;
  }
  if (length !== bytes.length) throw new Error(`${entry.fileName}: ${length} bytes, not ${bytes.length}`);
  if (crc32(bytes) !== entry.crc32) throw new Error(`${entry.fileName}: its CRC-32 is another`);
  return bytes;
}

/**
 * The members whose names end with `ending`, by their names without it.
 *
 * @throws DataError for an archive that is damaged anywhere in them, no zip archive, or too large
 */
export async function unpackZip(
  bytes: Uint8Array,
  file: string,
  ending: string,
): Promise<Map<string, Uint8Array>> {
  const { default: yauzl } = await import('yauzl');
  const members = new Map<string, Uint8Array>();
  try {
    const zip = await yauzl.fromBufferPromise(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) if (entry.fileName.endsWith(ending)) entries.push(entry);
    const unpacked = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
    // before anything is unpacked
    checkInMemory(unpacked, file);
    for (const entry of entries) {
      const name = entry.fileName.slice(0, -ending.length);
      if (members.has(name)) throw new Error(`${entry.fileName} is there twice`);
      members.set(name, await unpackMember(zip, entry));
    }
    return members;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`${file}: not a sound zip archive: ${reasonOf(cause)}`, { cause });
  }
}
