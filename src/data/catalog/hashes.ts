import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { DataError, reasonOf } from '../../core/errors.js';
import type { FileEntry } from './manifest.js';

/** How a file's bytes compare with what is known of them. Hashes read `sha256 <hex>` or `md5 <hex>`. */
export interface Verification {
  readonly ok: boolean;
  readonly expected: string;
  readonly found: string;
}

interface Hash {
  readonly algorithm: 'sha256' | 'md5';
  readonly hex: string;
}

function strongest(sha256: string | undefined, md5: string | undefined): Hash | undefined {
  if (sha256 !== undefined) return { algorithm: 'sha256', hex: sha256 };
  return md5 === undefined ? undefined : { algorithm: 'md5', hex: md5 };
}

const hashText = ({ algorithm, hex }: Hash) => `${algorithm} ${hex}`;

function compare(expected: Hash, bytes: Uint8Array): Verification {
  const found = { ...expected, hex: createHash(expected.algorithm).update(bytes).digest('hex') };
  return { ok: found.hex === expected.hex, expected: hashText(expected), found: hashText(found) };
}

/** The hash that a file is known by, for messages: of its raw bytes, if that is known. */
export function knownHash(entry: FileEntry): string {
  const raw = strongest(entry.rawSha256, entry.rawMd5);
  const packed = strongest(entry.gzipSha256, entry.gzipMd5);
  return raw ? hashText(raw) : packed ? `${hashText(packed)} of the gzip file` : 'none';
}

/**
 * Compares a file with its entry. A recompressed copy has other gzip bytes and the same raw bytes, so either hash is
 * enough: the one of the file as published, or the one of its decompressed bytes.
 *
 * @param stored the file's own bytes.
 * @param raw the same, decompressed; the same array if the file is not compressed.
 */
export function verifyBytes(entry: FileEntry, stored: Uint8Array, raw: Uint8Array): Verification {
  const packed = strongest(entry.gzipSha256, entry.gzipMd5);
  const unpacked = strongest(entry.rawSha256, entry.rawMd5);
  // a copy of another length was recompressed: it is known by its raw bytes alone
  const recompressed = unpacked !== undefined && (entry.gzipBytes ?? stored.length) !== stored.length;
  const asPublished = packed && stored !== raw && !recompressed ? compare(packed, stored) : undefined;
  if (asPublished?.ok) return asPublished;
  if (unpacked !== undefined) return compare(unpacked, raw);
  if (asPublished !== undefined) return asPublished;
  return { ok: false, expected: knownHash(entry), found: 'an unpacked file' };
}

/**
 * The SHA-256 of a file of any size, read piece by piece.
 *
 * Throws DataError when it cannot be read, or the signal's reason after an abort.
 */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash, { ...(signal && { signal }) });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
  return hash.digest('hex');
}
