import { DataError } from '../../../core/errors.js';
import { leading } from '../../../core/lists.js';
import {
  type DatasetDescription,
  describeDatasets,
  type FileReport,
  getDataset,
  verifyDataset,
} from '../../../data/catalog/catalog.js';
import type { FetchedFile } from '../../../data/catalog/fetch.js';
import { grouped, megabytes } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';

function placeText({ name, source, directory }: DatasetDescription): string {
  if (directory === undefined) return 'not on this machine';
  if (source !== 'archive') return `${directory} (${source})`;
  return `in the archive in ${directory}; \`quern datasets get ${name}\` takes it out`;
}

function downloadText({ downloadBytes, name }: DatasetDescription): string {
  if (downloadBytes === 0) return 'comes with Quern';
  if (downloadBytes === undefined) return 'download: size not known';
  const shared = name.startsWith('emnist-') ? ', once for all of EMNIST' : '';
  return `download: ${megabytes(downloadBytes)}${shared}`;
}

function describe(dataset: DatasetDescription): string {
  const { name, title, counts, shape, classes, license, citation } = dataset;
  return [
    name,
    `  ${title}`,
    `  ${grouped(counts.train)} + ${grouped(counts.test)} images ${shape.join('x')}, ${classes.length} classes`,
    `  license: ${license}`,
    `  citation: ${citation}`,
    `  ${downloadText(dataset)}`,
    `  ${placeText(dataset)}`,
  ].join('\n');
}

/** Every dataset that Quern knows. */
export async function listDatasets({ dataDir, json }: { dataDir?: string | undefined; json: boolean }) {
  const datasets = await describeDatasets({ dataDirectory: dataDir });
  print(json ? JSON.stringify({ datasets }) : datasets.map(describe).join('\n\n'));
}

interface GetArguments {
  readonly name: readonly string[];
  readonly dataDir?: string | undefined;
  readonly offline: boolean;
  readonly json: boolean;
}

function fetchedText({ path, downloaded, archive }: FetchedFile): string {
  if (archive !== undefined) return `${path} (out of ${archive})`;
  return `${path}${downloaded ? '' : ' (was there)'}`;
}

async function downloadDatasets(options: GetArguments, signal: AbortSignal): Promise<void> {
  const { name: names, dataDir: dataDirectory, offline, json } = options;
  const progress = await Progress.open(json);
  const all: FetchedFile[] = [];
  for (const name of names) {
    signal.throwIfAborted();
    try {
      const files = await getDataset(name, {
        dataDirectory,
        offline,
        signal,
        onProgress: ({ file, bytes, total }) => progress.show(file, bytes, total ?? bytes, megabytes(bytes)),
      });
      progress.clear();
      all.push(...files);
      if (!json) for (const file of files) print(fetchedText(file));
    } finally {
      progress.clear();
    }
  }
  if (json) print(JSON.stringify({ files: all }));
}

/** Downloads datasets into the cache. */
export function getDatasets(options: GetArguments): Promise<void> {
  return interruptible((signal) => downloadDatasets(options, signal));
}

/** Hashes the files of datasets. Fails if one is not what it should be. */
export async function verifyDatasets(options: {
  name: readonly string[];
  dataDir?: string | undefined;
  json: boolean;
}) {
  const reports: FileReport[] = [];
  for (const name of options.name) {
    reports.push(...(await verifyDataset(name, { dataDirectory: options.dataDir })));
  }
  if (options.json) print(JSON.stringify({ files: reports }));
  else for (const { ok, path, found } of reports) print(`${ok ? 'good' : 'BAD '} ${path} ${found}`);
  const bad = reports.filter(({ ok }) => !ok);
  if (bad.length === 0) return;
  const [{ path, expected, found }] = leading(bad, 1);
  throw new DataError(`${path}: not as published: expected ${expected}, found ${found}`);
}
