import { dirname } from 'node:path';
import { checkOptionNames } from '../../core/check.js';
import { DataError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { parseIdx, readBounded } from '../idx.js';
import { verifyArchive } from './archive.js';
import { type FetchedFile, type FetchOptions, fetchDataset } from './fetch.js';
import { type DatasetFile, filesOf, readDatasetFile } from './files.js';
import { knownHash, type Verification, verifyBytes } from './hashes.js';
import {
  archiveName,
  findArchive,
  type Location,
  type LookUp,
  locate,
  type Source,
  search,
} from './locate.js';
import { type DatasetEntry, findEntry, type Manifest, readManifest } from './manifest.js';

interface WithManifest {
  /** Instead of the manifest that comes with Quern. */
  readonly manifest?: Manifest | undefined;
}

export interface DatasetDescription {
  readonly name: string;
  readonly title: string;
  readonly counts: { readonly train: number; readonly test: number };
  /** Height, width and channels of an image. */
  readonly shape: readonly [number, number, number];
  readonly classes: readonly string[];
  readonly license: string;
  readonly citation: string;
  /** Bytes that `getDataset` downloads if nothing is here; undefined where not known. An archive counts whole. */
  readonly downloadBytes: number | undefined;
  /** Where `loadDataset` would find it now without the network; `archive` is one that has its files. */
  readonly source: Source | 'archive' | 'absent';
  readonly directory: string | undefined;
}

/**
 * Several datasets use the same file names, so a data folder that holds the files itself, not in folders by name, may
 * hold any of them. The small file of test labels tells which.
 */
async function isReally(entry: DatasetEntry, { paths }: Location): Promise<boolean> {
  const read = readDatasetFile(entry.name, filesOf(entry)[3], at(paths, 3));
  return read.then(
    () => true,
    () => false,
  );
}

const absent = { source: 'absent', directory: undefined } as const;

/** The bytes of all that is downloaded for a dataset. */
function downloadOf(entry: DatasetEntry): number | undefined {
  if (entry.archive !== undefined) return entry.archive.bytes;
  if (entry.directory !== undefined) return 0;
  const sizes = filesOf(entry).map(({ gzipBytes = Number.NaN }) => gzipBytes);
  const sum = sizes.reduce((all, size) => all + size, 0);
  return Number.isNaN(sum) ? undefined : sum;
}

/**
 * Every dataset of the manifest, and where it is found on this machine.
 *
 * @param options.offline may stand there, for options that `loadDataset` takes too: the network is never asked
 */
export async function describeDatasets(
  options: LookUp & WithManifest & Pick<FetchOptions, 'offline'> = {},
): Promise<DatasetDescription[]> {
  checkOptionNames('describeDatasets', options, {
    dataDirectory: true,
    cacheDirectory: true,
    offline: true,
    manifest: true,
  });
  const manifest = options.manifest ?? readManifest();
  const describe = async (entry: DatasetEntry): Promise<DatasetDescription> => {
    const found = await search(manifest, entry, options);
    const location = found?.source === 'data-dir' && !(await isReally(entry, found)) ? undefined : found;
    const { name, title, classes, license, citation, image: shape, splits } = entry;
    const counts = { train: splits.train.count, test: splits.test.count };
    const archive = location ? undefined : await findArchive(entry, options);
    const { source, directory } =
      location ?? (archive ? { source: 'archive' as const, directory: dirname(archive) } : absent);
    const downloadBytes = downloadOf(entry);
    return { name, title, counts, shape, classes, license, citation, downloadBytes, source, directory };
  };
  return Promise.all([...manifest.datasets.values()].map(describe));
}

/**
 * Brings a dataset into the cache: downloads what is missing there, replaces what is damaged. What comes with Quern
 * needs neither. EMNIST is taken out of its archive, which is downloaded once for all its splits and stays in the cache,
 * unless one lies in the data folder.
 *
 * Throws UsageError for an unknown name, DataError when a file cannot be had.
 */
export async function getDataset(
  name: string,
  options: FetchOptions & WithManifest = {},
): Promise<FetchedFile[]> {
  const manifest = options.manifest ?? readManifest();
  const entry = findEntry(manifest, name);
  const { dataDirectory, cacheDirectory } = options;
  const given = dataDirectory === undefined ? undefined : await search(manifest, entry, { dataDirectory });
  const location = given ?? (await search(manifest, entry, { cacheDirectory }));
  if (location?.source !== 'package' && location?.source !== 'data-dir') return fetchDataset(entry, options);
  return filesOf(entry).map((file, i) => ({
    file: file.name,
    path: at(location.paths, i),
    downloaded: false,
  }));
}

export interface FileReport extends Verification {
  readonly file: string;
  readonly path: string;
}

async function verifyFile(file: DatasetFile, path: string): Promise<FileReport> {
  const name = { file: file.name, path };
  try {
    const stored = await readBounded(path, file.form);
    const { raw } = await parseIdx(stored, path, file.form);
    return { ...name, ...verifyBytes(file, stored, raw) };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { ...name, ok: false, expected: knownHash(file), found: error.message };
  }
}

/** An archive that no file has been taken out of yet, or that stays for others. */
async function verifyOwnArchive({ archive }: DatasetEntry, path: string): Promise<FileReport> {
  return { file: archiveName(archive!), path, ...(await verifyArchive(archive!, path)) };
}

/**
 * Hashes every file of a dataset, and its archive, wherever `loadDataset` would find them without the network, and tells
 * for each whether it is what it should be; `found` is its hash, or what else is wrong with it.
 *
 * Throws UsageError for an unknown name, DataError when the dataset is not on this machine.
 */
export async function verifyDataset(
  name: string,
  options: LookUp & WithManifest = {},
): Promise<FileReport[]> {
  const manifest = options.manifest ?? readManifest();
  const entry = findEntry(manifest, name);
  const location = await locate(manifest, entry, options);
  const archive = await findArchive(entry, options);
  if (location === undefined && archive === undefined) {
    const hint = `\`quern datasets get ${name}\` downloads it.`;
    throw new DataError(`${name}: not on this machine, so there is nothing to verify`, { hint });
  }
  const files = location ? filesOf(entry) : [];
  const reports = await Promise.all(files.map((file, i) => verifyFile(file, at(location!.paths, i))));
  return archive === undefined ? reports : [...reports, await verifyOwnArchive(entry, archive)];
}
