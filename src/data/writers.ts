/** Finds the writers of a dataset's images in the label files of another that has the same images. */
import { DataError, UsageError } from '../core/errors.js';
import { at } from '../core/lists.js';
import { type FetchOptions, fetchDataset } from './catalog/fetch.js';
import { type DatasetFile, filesOf, labelsOf, readDatasetFile, writersOf } from './catalog/files.js';
import { type LookUp, locate } from './catalog/locate.js';
import { type DatasetEntry, findEntry, type Manifest } from './catalog/manifest.js';
import type { Dataset } from './dataset.js';

interface Splits {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** The label files that tell who wrote the images, downloaded if need be. */
async function findTables(
  manifest: Manifest,
  source: DatasetEntry,
  files: readonly DatasetFile[],
  options: LookUp & FetchOptions,
): Promise<readonly string[]> {
  const location = await locate(manifest, source, options, files);
  if (location !== undefined) return location.paths;
  return (await fetchDataset(source, options, files)).map(({ path }) => path);
}

/**
 * The same images with their writers: MNIST's are rows of the tables of QMNIST, in the same order, which the labels
 * prove. Only the label files of QMNIST are needed, about 1 MB.
 *
 * Throws UsageError for a dataset whose writers nobody tells, DataError for files that cannot be had or do not fit.
 */
export async function withWriters(
  manifest: Manifest,
  entry: DatasetEntry,
  splits: Splits,
  options: LookUp & FetchOptions & { readonly verify?: boolean | undefined },
): Promise<Splits> {
  if (splits.train.writers !== undefined) return splits;
  if (entry.writersFrom === undefined) {
    const known = [...manifest.datasets.values()].filter(
      (other) => other.writersFrom ?? other.labels?.writer,
    );
    const names = known.map(({ name }) => name).join(', ');
    throw new UsageError(`${entry.name}: who wrote the images is not known: it is known of ${names}`);
  }
  const source = findEntry(manifest, entry.writersFrom);
  const [, trainLabels, , testLabels] = filesOf(source);
  const files = [trainLabels, testLabels];
  const paths = await findTables(manifest, source, files, options);
  const add = async (dataset: Dataset, i: number): Promise<Dataset> => {
    const path = at(paths, i);
    const table = await readDatasetFile(source.name, at(files, i), path, { verify: options.verify });
    const labels = labelsOf(source, table, path);
    if (dataset.labels.some((label, j) => label !== labels[j])) {
      throw new DataError(
        `${path}: does not fit the images of ${entry.name}: its first ${dataset.count} labels are others`,
      );
    }
    return { ...dataset, writers: writersOf(source, table)!.subarray(0, dataset.count) };
  };
  return { train: await add(splits.train, 0), test: await add(splits.test, 1) };
}
