/** Lets one process write to a run folder: one at a time, so that two resumes of one run cannot mix their files. */

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { link, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../core/errors.js';
import { codeOf, createWhole, jsonText, temporaryForm, temporaryName } from '../core/files.js';
import { integer, object, text } from '../core/schema.js';
import { readJson, runFiles } from './files.js';
import { line } from './schemas.js';

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, in the system's own units, so that a number that is given again does not deceive. */
  readonly began?: string | undefined;
}

/** Field 22 of /proc/<pid>/stat; undefined on systems without it. The name in field 2 may hold anything. */
async function beginningOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}

/** Tells whether the process is there. Of another machine nobody can tell: it counts as being there. */
async function isAlive({ pid, host, began }: Holder): Promise<boolean> {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
  return began === undefined || began === (await beginningOf(pid));
}

const checkHolder = object<Holder>({ pid: integer(1), host: line }, { began: text(/^\d{1,20}$/) }, 'keep');

/** Reads the holder of a lock; undefined where it is not there or names nobody. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return checkHolder(await readJson(path), path);
  } catch {
    return undefined;
  }
}

/** Reads the holder of a lock that is there still. */
async function livingHolder(path: string): Promise<Holder | undefined> {
  const holder = await readHolder(path);
  return holder !== undefined && (await isAlive(holder)) ? holder : undefined;
}

/** The process that writes to a run folder now; undefined where none does, or the one that did was killed. */
export const holderOf = (folder: string): Promise<Holder | undefined> =>
  livingHolder(join(folder, runFiles.lock));

/** Removes the lock of a process that is gone, unless a living one has taken its place since it was looked at. */
async function removeDead(path: string): Promise<void> {
  const aside = temporaryName(path);
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  const holder = await readHolder(aside);
  if (holder !== undefined && (await isAlive(holder))) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

/**
 * Takes a run folder for this process. What a process that was killed has left is taken over.
 *
 * @param name of the lock's file
 * @returns what gives it back
 * @throws UsageError when another process has it; ModelError when the folder cannot be written
 */
export async function takeLock(folder: string, name: string = runFiles.lock): Promise<() => Promise<void>> {
  const path = join(folder, name);
  const began = await beginningOf(process.pid);
  const text = jsonText({ pid: process.pid, host: hostname(), ...(began && { began }) } satisfies Holder);
  while (!(await createWhole(path, text))) {
    const holder = await livingHolder(path);
    if (holder !== undefined) {
      throw new UsageError(`${folder}: another process is training it: ${holder.pid} on ${holder.host}`, {
        hint: `If it is gone, delete ${path}.`,
      });
    }
    await removeDead(path);
  }
  const atExit = () => rmSync(path, { force: true });
  process.once('exit', atExit);
  return async () => {
    process.off('exit', atExit);
    await rm(path, { force: true });
  };
}

/** Milliseconds: what is done with a lock for a moment takes less. */
const longestWait = 30_000;

/** Does something for a moment with the lock of a folder: who has it is waited for. Throws as `takeLock` after 30 seconds. */
export async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    const giveBack = await takeLock(folder).catch((error: unknown) => {
      if (!(error instanceof UsageError) || performance.now() - began > longestWait) throw error;
    });
    if (giveBack !== undefined) return work().finally(giveBack);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Locks of processes that have a folder together. */
const sharedForm = /^\.lock-[\w-]+\.json$/;

async function sharedLocks(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  return names.filter((name) => sharedForm.test(name)).map((name) => join(folder, name));
}

/** The processes that have a folder together now. */
export async function sharersOf(folder: string): Promise<Holder[]> {
  const holders = await Promise.all((await sharedLocks(folder)).map(livingHolder));
  return holders.filter((holder) => holder !== undefined);
}

/** Removes what sharers of a folder have left that were killed. */
export async function removeDeadShares(folder: string): Promise<void> {
  for (const path of await sharedLocks(folder)) {
    const holder = await readHolder(path);
    if (holder !== undefined && !(await isAlive(holder))) await rm(path, { force: true });
  }
}

/**
 * Takes a folder for this process together with others: each has a lock of its own.
 *
 * @returns what gives it back
 * @throws ModelError when the folder cannot be written
 */
export async function shareLock(folder: string): Promise<() => Promise<void>> {
  await removeDeadShares(folder);
  return takeLock(folder, `.lock-${randomUUID()}.json`);
}

/** Names of the files with which `RunFolder.open` tries to write. */
const probeForm = /^\.probe-/;

/**
 * Removes what processes that were killed have left half-written in a folder. Only whoever holds the lock may do that.
 * Locks of processes that are there stay: they may be asking for it.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names.filter((each) => temporaryForm.test(each) || probeForm.test(each))) {
    const path = join(folder, name);
    const holder = name.includes(runFiles.lock) ? await readHolder(path) : undefined;
    if (holder === undefined || !(await isAlive(holder))) await rm(path, { force: true });
  }
}
