import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ModelError, reasonOf } from '../../core/errors.js';

/**
 * Makes a folder and those above it that are missing, as `mkdir` with `recursive` does, but with the reason that the
 * system gives: in Node.js 20 that tells of ENOENT where a file system is read-only, and never ends below /proc.
 *
 * @returns the outermost folder that was made; undefined where all were there
 * @throws the system's own error
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const make = (): Promise<boolean> =>
    mkdir(path).then(
      () => true,
      async (error: NodeJS.ErrnoException) => {
        const found = error.code === 'EEXIST' ? await stat(path).catch(() => undefined) : undefined;
        if (found?.isDirectory()) return false;
        throw error;
      },
    );
  try {
    return (await make()) ? path : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    const outermost = await makeFolder(dirname(path));
    return (await make()) ? (outermost ?? path) : outermost;
  }
}

async function writeAndSync(path: string, content: Uint8Array | string): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A name in a folder reaches the disk with the folder. Where a folder cannot be opened (Windows), with the next sync. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/**
 * Writes a file that is whole at any moment: readers see the old content or the new, whatever happens in between.
 * The content goes to another file of the same folder, reaches the disk, and takes the name in one step.
 *
 * Throws ModelError, naming the path, when the system refuses.
 */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await writeAndSync(temporary, content);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new ModelError(`${path}: cannot be written: ${reasonOf(cause)}`, { cause });
  }
}
