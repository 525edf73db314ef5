/** Files that are whole at any moment. Needs Node.js when it is called, not when it is loaded: bundlers may take it. */
import { ModelError, reasonOf } from './errors.js';

const files = () => process.getBuiltinModule('node:fs/promises');
const paths = () => process.getBuiltinModule('node:path');

/** The system's code of an error: `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Tells whether there is a file or a folder of this name. */
export function exists(path: string): Promise<boolean> {
  return files()
    .access(path)
    .then(
      () => true,
      () => false,
    );
}

/**
 * Makes a folder and those above it that are missing, as `mkdir` with `recursive` does, but with the reason that the
 * system gives: in Node.js 20 that tells of ENOENT where a file system is read-only, and never ends below /proc.
 *
 * @returns the outermost folder that was made; undefined where all were there
 * @throws the system's own error
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const { mkdir, stat } = files();
  const { dirname } = paths();
  const make = (): Promise<boolean> =>
    mkdir(path).then(
      () => true,
      async (error: unknown) => {
        const found = codeOf(error) === 'EEXIST' ? await stat(path).catch(() => undefined) : undefined;
        if (found?.isDirectory()) return false;
        throw error;
      },
    );
  try {
    return (await make()) ? path : undefined;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    const outermost = await makeFolder(dirname(path));
    return (await make()) ? (outermost ?? path) : outermost;
  }
}

/**
 * Makes a folder, and those above it, for what `write` puts there. Where that fails, those that were made and are empty go
 * again.
 *
 * @throws ModelError naming the folder that cannot be made, and what `write` throws
 */
export async function withFolder<T>(path: string, write: () => Promise<T>): Promise<T> {
  const { dirname } = paths();
  const outermost = await makeFolder(path).catch((cause: unknown) => {
    throw new ModelError(`${path}: cannot be made: ${reasonOf(cause)}`, { cause });
  });
  try {
    return await write();
  } catch (error) {
    const remove = (folder: string): Promise<void> =>
      files()
        .rmdir(folder)
        .then(
          () => (folder === outermost ? undefined : remove(dirname(folder))),
          () => {},
        );
    if (outermost !== undefined) await remove(path);
    throw error;
  }
}

/**
 * What was written reaches the disk. Node.js forbids to wait for that under its permission model, from 24 on: there it reaches
 * the disk when the system sees fit.
 */
export async function syncFile(file: { sync(): Promise<void> }): Promise<void> {
  await file.sync().catch((error: unknown) => {
    if (codeOf(error) !== 'ERR_ACCESS_DENIED') throw error;
  });
}

async function writeSynced(path: string, content: Uint8Array | string): Promise<void> {
  const handle = await files().open(path, 'wx');
  try {
    await handle.writeFile(content);
    await syncFile(handle);
  } finally {
    await handle.close();
  }
}

/** A name in a folder reaches the disk with the folder. Where a folder cannot be opened (Windows), with the next sync. */
async function syncFolder(path: string): Promise<void> {
  const handle = await files()
    .open(path, 'r')
    .catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/** Another name in the same folder, for what is not whole yet, or no longer wanted. */
export function temporaryName(path: string): string {
  const { basename, dirname, join } = paths();
  return join(dirname(path), `.${basename(path)}.${globalThis.crypto.randomUUID()}.tmp`);
}

/** Names that `temporaryName` gives: what a killed process leaves. */
export const temporaryForm = /^\..+\.tmp$/;

/** Throws what `work` throws as a ModelError that names the path. */
async function naming(path: string, work: Promise<void>): Promise<void> {
  await work.catch((cause: unknown) => {
    throw new ModelError(`${path}: cannot be written: ${reasonOf(cause)}`, { cause });
  });
}

/** A rename tells as much, but when other names are taken already. */
async function refuseFolder(path: string): Promise<void> {
  const found = await files()
    .stat(path)
    .catch(() => undefined);
  if (found?.isDirectory()) throw new Error('EISDIR: it is a folder');
}

/**
 * Writes files that belong together, each as `writeWhole` does: none takes its name before all have reached the disk. Names
 * are taken in the order given, so the file that needs the others comes last.
 *
 * @throws ModelError naming the path when the system refuses
 */
export async function writeTogether(
  contents: readonly (readonly [path: string, content: Uint8Array | string])[],
): Promise<void> {
  const { rename, rm } = files();
  const { dirname } = paths();
  const parts = contents.map(([path, content]) => ({ path, content, temporary: temporaryName(path) }));
  try {
    for (const { path, content, temporary } of parts) await naming(path, writeSynced(temporary, content));
    if (parts.length > 1) for (const { path } of parts) await naming(path, refuseFolder(path));
    for (const { path, temporary } of parts) await naming(path, rename(temporary, path));
    for (const folder of new Set(parts.map(({ path }) => dirname(path)))) await syncFolder(folder);
  } catch (error) {
    for (const { temporary } of parts) await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/**
 * Writes a file: readers see the old content or the new, whatever happens in between. The content goes to another file
 * of the same folder, reaches the disk, and takes the name in one step.
 *
 * @throws ModelError naming the path when the system refuses
 */
export function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  return writeTogether([[path, content]]);
}

/** File systems without hard links say one of these. */
const noLinks: ReadonlySet<string | undefined> = new Set([
  ...['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK'],
]);

/**
 * Makes a file that must not be there yet: the text reaches the disk under another name, and a hard link gives it its own
 * in one step, which fails where the name is taken. On file systems without hard links the file is made under its own
 * name; a crash in that instant can leave it empty.
 *
 * @returns whether it was made: false where the name was taken
 * @throws ModelError naming the path when the system refuses
 */
export async function createWhole(path: string, text: string): Promise<boolean> {
  const { link, rm } = files();
  const temporary = temporaryName(path);
  try {
    await writeSynced(temporary, text);
    try {
      await link(temporary, path);
    } catch (error) {
      if (!noLinks.has(codeOf(error))) throw error;
      await writeSynced(path, text);
    }
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    // somebody who holds the folder has swept the other name away
    if (codeOf(cause) === 'ENOENT' && (await exists(path))) return false;
    throw new ModelError(`${path}: cannot be written: ${reasonOf(cause)}`, { cause });
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

/** JSON for people and programs, ending in a line break. */
export const jsonText = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;

/**
 * Reads JSON that was kept from an earlier process. Never throws: a note says why a file is ignored; there is none where
 * there is no file.
 *
 * @param isContents tells whether a value is what was kept
 * @param otherwise what a note says of a file that holds something else: `is not a file of tunings`
 */
export async function readKept<T>(
  file: string,
  isContents: (value: unknown) => value is T,
  otherwise: string,
): Promise<{ readonly contents?: T; readonly note?: string }> {
  try {
    const value: unknown = JSON.parse(await files().readFile(file, 'utf8'));
    if (isContents(value)) return { contents: value };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    if (codeOf(error) !== undefined) return { note: `${file} cannot be read and is ignored` };
  }
  return { note: `${file} ${otherwise} and is ignored` };
}

/**
 * The folder of everything that Quern keeps between runs: `QUERN_CACHE`, else `quern` below `XDG_CACHE_HOME` (which
 * counts only if it is an absolute path: XDG Base Directory Specification), else `~/.cache/quern`.
 */
export function defaultCacheDirectory(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const { isAbsolute, join } = paths();
  const { homedir } = process.getBuiltinModule('node:os');
  const { QUERN_CACHE: own, XDG_CACHE_HOME: shared } = environment;
  if (own) return own;
  return join(shared && isAbsolute(shared) ? shared : join(homedir(), '.cache'), 'quern');
}
