/** Files that are published only inside a zip archive. */
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Entry, ZipFile } from 'yauzl';
import { DataError, reasonOf } from '../../core/errors.js';
import { longestStored } from '../idx.js';
import { type DatasetFile, readDatasetFile } from './files.js';
import { hashFile, type Verification } from './hashes.js';
import type { Archive } from './manifest.js';
import { makeWhole } from './partial.js';

/** Compares an archive with what is known of it: its size first, which costs nothing. */
export async function verifyArchive(
  { bytes, sha256 }: Archive,
  path: string,
  signal?: AbortSignal,
): Promise<Verification> {
  const { size } = await stat(path);
  if (size !== bytes) return { ok: false, expected: `${bytes} bytes`, found: `${size} bytes` };
  const found = await hashFile(path, signal);
  return { ok: found === sha256, expected: `sha256 ${sha256}`, found: `sha256 ${found}` };
}

interface ExtractOptions {
  /** The folder that the files go to. */
  readonly directory: string;
  readonly onProgress?: ((file: string, bytes: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Passes bytes on and tells how many have come. */
function counter(told: (bytes: number) => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      told(bytes);
      done(null, chunk);
    },
  });
}

/** A zip archive that is open. */
class OpenArchive {
  private constructor(
    private readonly path: string,
    private readonly zip: ZipFile,
    /** Members by the names of their files, whatever folder they are in. */
    private readonly members: ReadonlyMap<string, Entry>,
  ) {}

  /** Reads the table of contents, which is at the end. */
  static async open(path: string): Promise<OpenArchive> {
    // The one thing that needs the package.
    const { default: yauzl } = await import('yauzl');
    const members = new Map<string, Entry>();
    try {
      const zip = await yauzl.openPromise(path, { autoClose: false });
      for await (const entry of zip.eachEntry()) members.set(basename(entry.fileName), entry);
      return new OpenArchive(path, zip, members);
    } catch (cause) {
      throw unsound(path, cause);
    }
  }

  /** Takes one file out of it. */
  async extract(dataset: string, file: DatasetFile, options: ExtractOptions): Promise<void> {
    const { directory, onProgress, signal } = options;
    const where = `${this.path}: ${file.name}`;
    const member = this.members.get(file.name);
    if (member === undefined) throw new DataError(`${this.path}: holds no ${file.name}`);
    const total = member.uncompressedSize;
    const most = longestStored(file.form);
    if (total > most)
      throw new DataError(`${where} is too long: ${total} bytes, at most ${most} are expected`);
    const destination = join(directory, file.name);
    await makeWhole(destination, async (partial) => {
      const count = counter((bytes) => onProgress?.(file.name, bytes, total));
      try {
        const stream = await this.zip.openReadStreamPromise(member);
        await pipeline(stream, count, createWriteStream(partial), { ...(signal && { signal }) });
      } catch (cause) {
        signal?.throwIfAborted();
        // The system names the call that failed; what is wrong with the archive is no call.
        const { syscall } = cause as NodeJS.ErrnoException;
        if (syscall !== 'write' && syscall !== 'open') throw unsound(this.path, cause);
        throw new DataError(`${destination}: cannot be written: ${reasonOf(cause)}`, { cause });
      }
      await readDatasetFile(dataset, file, partial, { name: where });
    });
  }

  close(): void {
    this.zip.close();
  }
}

const unsound = (path: string, cause: unknown) =>
  new DataError(`${path}: not a sound zip archive: ${reasonOf(cause)}`, { cause });

/**
 * Takes files of a dataset out of its archive, and nothing else: the archive is neither unpacked nor read as a whole.
 * Each is written to a folder, checked as `readDatasetFile` does, and appears there whole or not at all.
 *
 * Throws DataError for an archive that is damaged, no zip archive, or lacks a file, and for a file that is not the right
 * one; or the signal's reason after an abort.
 */
export async function extractFiles(
  dataset: string,
  files: readonly DatasetFile[],
  path: string,
  options: ExtractOptions,
): Promise<void> {
  const archive = await OpenArchive.open(path);
  try {
    for (const file of files) await archive.extract(dataset, file, options);
  } finally {
    archive.close();
  }
}
