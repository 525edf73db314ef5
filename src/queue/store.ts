/** Where results, checkpoints and models lie that all workers of a queue can reach. */
import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataError, reasonOf, UsageError, withoutSecrets } from '../core/errors.js';
import { makeFolder, writeWhole } from '../core/files.js';
import { encodingRule, isServerAddress, parseServerAddress } from './address.js';

/**
 * Named bytes. Whoever reads gets the whole of what somebody has written. Names are parts of letters, digits, dots and
 * dashes with slashes between: `results/<id>.json`.
 */
export interface Store {
  /** For people: without secrets. */
  readonly name: string;
  read(name: string): Promise<Uint8Array | undefined>;
  /** Replaces what was there. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Writes what is not there yet; gives false, and leaves what is there, where something is. */
  create(name: string, bytes: Uint8Array): Promise<boolean>;
  remove(name: string): Promise<void>;
  /** The names that begin with a text. */
  list(start: string): Promise<string[]>;
  close(): Promise<void>;
}

const form = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/;

/** Throws UsageError for a name that could lead elsewhere. */
export function checkStoreName(name: string): string {
  if (form.test(name) && name.length <= 200) return name;
  throw new UsageError(`store: not a name: ${name.slice(0, 80)}`);
}

class FolderStore implements Store {
  constructor(readonly name: string) {}

  async read(name: string): Promise<Uint8Array | undefined> {
    const path = this.pathOf(name);
    return readFile(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
    });
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(name);
    await makeFolder(dirname(path));
    await writeWhole(path, bytes);
  }

  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    const path = this.pathOf(name);
    const aside = join(dirname(path), `.${randomUUID()}.tmp`);
    await makeFolder(dirname(path));
    await writeWhole(aside, bytes);
    try {
      await link(aside, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      // a file system without hard links: two workers that end in the same moment write the same result
      if ((await this.read(name)) !== undefined) return false;
      await writeWhole(path, bytes);
      return true;
    } finally {
      await rm(aside, { force: true });
    }
  }

  async remove(name: string): Promise<void> {
    await rm(this.pathOf(name), { force: true });
  }

  async list(start: string): Promise<string[]> {
    const folder = start.slice(0, start.lastIndexOf('/') + 1);
    const entries = await readdir(join(this.name, folder)).catch((): string[] => []);
    return entries
      .map((entry) => `${folder}${entry}`)
      .filter((name) => name.startsWith(start) && form.test(name));
  }

  async close(): Promise<void> {}

  private pathOf(name: string): string {
    return join(this.name, ...checkStoreName(name).split('/'));
  }
}

/** A scheme before any slash, or a user and a password without one; not a folder of Windows. */
const addressForm = /^(?![a-z]:(\\|\/(?!\/)))[^\\/]*:(\/\/|.*@)|^(rediss?|postgres(ql)?|s3):/is;

/** Throws UsageError, never with a password, for the address of a store that is none. */
export function checkStoreAddress(address: string): void {
  if (isServerAddress(address)) parseServerAddress(address, '--store');
  else if (!address.startsWith('s3://') && addressForm.test(address)) {
    throw new UsageError(
      `--store: not a folder, a server or a bucket: ${withoutSecrets(address).slice(0, 80)}`,
      {
        hint: `A folder, redis://…, rediss://…, postgres://… or s3://bucket/folder; ${encodingRule}.`,
      },
    );
  }
}

/**
 * Opens a store: a folder, or the address of a Redis or PostgreSQL server or of a bucket (`s3://bucket/folder`).
 *
 * @throws UsageError for an address that is none; BackendError when the server cannot be reached
 */
export async function openStore(address: string): Promise<Store> {
  checkStoreAddress(address);
  if (isServerAddress(address)) {
    const { openServerStore } = await import('./serverStore.js');
    return openServerStore(parseServerAddress(address, '--store'));
  }
  if (address.startsWith('s3://')) {
    const { openBucket } = await import('./bucket.js');
    return openBucket(address);
  }
  return new FolderStore(address);
}
