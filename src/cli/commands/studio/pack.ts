/** Datasets as the studio's site holds them: pixels and labels as bytes, known by their hashes. */

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sha256 } from '../../../core/sha256.js';
import { loadDataset } from '../../../data/catalog/datasets.js';
import { findEntry, readManifest } from '../../../data/catalog/manifest.js';
import type { Dataset } from '../../../data/dataset.js';
import { datasetOptions, type Listener } from '../../inputs/datasets.js';
import type { DataArguments } from '../../inputs/options.js';

export interface PackedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** As many bytes as the published files of MNIST and Fashion-MNIST have. */
const zipped = (bytes: Uint8Array) => promisify(gzip)(bytes, { level: 9 });

/**
 * Loads a dataset, whose files are compared with their known hashes, and packs it.
 *
 * @param compress for a site; on this machine it would only take time
 */
export async function packDataset(
  name: string,
  options: DataArguments,
  listener: Listener,
  compress: boolean,
): Promise<PackedFile[]> {
  const { train, test } = await loadDataset(name, datasetOptions(options, listener));
  listener.clear();
  const files: PackedFile[] = [];
  const add = async (part: string, bytes: Uint8Array) => {
    const file = `${name}-${part}.bin`;
    files.push({ name: file, bytes: compress ? await zipped(bytes) : bytes });
    return { file, bytes: bytes.length, sha256: await sha256(file, bytes), gzip: compress };
  };
  const split = async ({ split, count, images, labels }: Dataset) => ({
    count,
    images: await add(`${split}-images`, images),
    labels: await add(`${split}-labels`, labels),
  });
  const { shape, classes } = train;
  const description = { name, shape, classes, train: await split(train), test: await split(test) };
  return [...files, { name: `${name}.json`, bytes: new TextEncoder().encode(JSON.stringify(description)) }];
}

/** The list of datasets with a title each. Throws UsageError for an unknown name. */
export function packIndex(names: readonly string[]): PackedFile {
  const manifest = readManifest();
  const list = names.map((name) => ({ name, title: findEntry(manifest, name).title }));
  return { name: 'index.json', bytes: new TextEncoder().encode(JSON.stringify(list)) };
}
