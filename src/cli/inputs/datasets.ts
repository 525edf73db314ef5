/** Opens the data that commands need, from their shared options. Loads little, so that it can begin early. */
import { type LoadOptions, loadDataset, loadSplit } from '../../data/catalog/datasets.js';
import type { Dataset } from '../../data/dataset.js';
import type { ImageShape } from '../../data/images/picture.js';
import { megabytes } from '../terminal/format.js';
import type { DataArguments, OwnDataArguments } from './options.js';
import type { OwnData } from './ownData.js';

/** Receives the news of loading. */
export interface Listener {
  note(text: string): void;
  show(title: string, done: number, total: number, text: string): void;
  clear(): void;
}

/** For commands whose result tells what ran. */
export const silent: Listener = { note: () => {}, show: () => {}, clear: () => {} };

/** Makes the options for loading a dataset of the family. */
export function datasetOptions(options: DataRequest, listener: Listener): LoadOptions {
  const { dataDir: dataDirectory, offline, limit, writers, signal } = options;
  return {
    dataDirectory,
    offline,
    limit,
    writers,
    signal,
    onProgress: ({ file, bytes, total }) =>
      listener.show(file, bytes, total ?? bytes, `downloading ${megabytes(bytes)}`),
  };
}

export interface DataRequest extends DataArguments {
  readonly limit?: number | undefined;
  readonly writers?: boolean;
  readonly signal?: AbortSignal;
}

/** Opens one split of a dataset. */
export async function openSplit(
  name: string,
  split: 'train' | 'test',
  options: DataRequest,
  listener: Listener,
): Promise<Dataset> {
  try {
    return await loadSplit(name, split, datasetOptions(options, listener));
  } finally {
    listener.clear();
  }
}

/** A dataset, or data of one's own with the scale of its pixels. */
export type OpenedData = Omit<OwnData, 'pixelRange'> & { readonly pixelRange?: string | undefined };

/**
 * Opens a dataset, or data of one's own.
 *
 * @param name of the dataset, where `data` names none
 */
export async function openDataset(
  name: string,
  options: DataRequest & OwnDataArguments & { readonly shape?: ImageShape | undefined },
  listener: Listener,
): Promise<OpenedData> {
  const { data, shape, limit } = options;
  try {
    if (data === undefined) return await loadDataset(name, datasetOptions(options, listener));
    const { loadOwnData, ownDataText } = await import('./ownData.js');
    const own = await loadOwnData(data, { told: options, shape, limit }, (text) => listener.note(text));
    listener.note(ownDataText(own));
    return own;
  } finally {
    listener.clear();
  }
}
