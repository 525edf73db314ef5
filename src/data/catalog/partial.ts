/** Files in the making: under another name, until they are whole. */

import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError, reasonOf } from '../../core/errors.js';
import { codeOf, makeFolder } from '../../core/files.js';

const form = /\.(\d+)-\d+\.partial$/;

/** The partial files that this process is writing. */
const own = new Set<string>();

let made = 0;

const dayMilliseconds = 24 * 60 * 60 * 1000;

/** Tells whether a process of this machine is running. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Removes what was left by processes that were killed. One that is alive writes again and again, or has given up long
 * before its file is a day old.
 */
async function removeStale(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!form.test(name)) continue;
    const path = join(directory, name);
    const modified = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      // Another process has finished or removed it.
      () => Number.POSITIVE_INFINITY,
    );
    if (modified < Date.now() - dayMilliseconds) await rm(path, { force: true });
  }
}

/** Takes over the longest part of a file that nobody writes any more, if there is one: a rename, so only one can. */
async function claimLeft(destination: string, partial: string): Promise<void> {
  const directory = dirname(destination);
  const parts: { path: string; size: number }[] = [];
  for (const name of await readdir(directory)) {
    const [ending, pid] = form.exec(name) ?? [];
    const path = join(directory, name);
    if (ending === undefined || name !== basename(destination) + ending || own.has(path)) continue;
    if (Number(pid) !== process.pid && isRunning(Number(pid))) continue;
    parts.push({ path, size: (await stat(path)).size });
  }
  for (const { path } of parts.sort((a, b) => b.size - a.size)) {
    const claimed = await rename(path, partial).then(
      () => true,
      () => false,
    );
    if (claimed) return;
  }
}

/**
 * Makes a file in two steps: `write` fills it under another name, then it is renamed, so that other processes see it
 * whole or not at all. Nothing is left when `write` fails.
 *
 * @param resume `write` may find the beginning of the file, left by an earlier one that failed or was killed; and when
 *   it fails itself, what it has written stays for the next, for a day.
 *
 * Throws DataError when the file cannot be written, also for what the system tells `write`, else what `write` throws.
 */
export async function makeWhole<T>(
  destination: string,
  write: (partial: string) => Promise<T>,
  { resume = false }: { resume?: boolean } = {},
): Promise<T> {
  const partial = `${destination}.${process.pid}-${++made}.partial`;
  own.add(partial);
  try {
    try {
      await makeFolder(dirname(destination));
      // What cannot be removed, or taken over, is no reason not to write.
      await removeStale(dirname(destination)).catch(() => {});
      if (resume) await claimLeft(destination, partial).catch(() => {});
      await (await open(partial, 'a')).close();
    } catch (cause) {
      throw new DataError(`${destination}: cannot be written: ${reasonOf(cause)}`, { cause });
    }
    try {
      const result = await write(partial);
      await rename(partial, destination);
      return result;
    } catch (error) {
      const size = await stat(partial).then(
        (found) => found.size,
        () => 0,
      );
      if (!resume || size === 0) await rm(partial, { force: true });
      // the system names the call, and the name that the file does not have yet
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      throw new DataError(`${destination}: cannot be written: ${reasonOf(error)}`, { cause: error });
    }
  } finally {
    own.delete(partial);
  }
}
