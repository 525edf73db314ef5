import { DataError } from '../core/errors.js';
import {
  type DatasetDescription,
  describeDatasets,
  type FileReport,
  getDataset,
  verifyDataset,
} from '../data/catalogue.js';
import { grouped, megabytes } from './format.js';
import { interruptible } from './interrupt.js';
import { Progress } from './progress.js';

function describe(dataset: DatasetDescription): string {
  const { name, title, counts, shape, classes, licence, citation, source, directory } = dataset;
  const place = directory === undefined ? 'not on this machine' : `${directory} (${source})`;
  return [
    name,
    `  ${title}`,
    `  ${grouped(counts.train)} + ${grouped(counts.test)} images ${shape.join('x')}, ${classes.length} classes`,
    `  licence: ${licence}`,
    `  citation: ${citation}`,
    `  ${place}`,
  ].join('\n');
}

/** Every dataset that Quern knows. */
export async function listDatasets({ dataDir, json }: { dataDir?: string | undefined; json: boolean }) {
  const datasets = await describeDatasets({ dataDirectory: dataDir });
  console.log(json ? JSON.stringify({ datasets }) : datasets.map(describe).join('\n\n'));
}

interface GetArguments {
  readonly name: readonly string[];
  readonly offline: boolean;
}

async function downloadDatasets({ name: names, offline }: GetArguments, signal: AbortSignal): Promise<void> {
  const progress = await Progress.open(false);
  for (const name of names) {
    signal.throwIfAborted();
    try {
      const files = await getDataset(name, {
        offline,
        signal,
        onProgress: ({ file, bytes, total }) => progress.show(file, bytes, total ?? bytes, megabytes(bytes)),
      });
      progress.clear();
      for (const { path, downloaded } of files) console.log(`${path}${downloaded ? '' : ' (was there)'}`);
    } finally {
      progress.clear();
    }
  }
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
  if (options.json) console.log(JSON.stringify({ files: reports }));
  else for (const { ok, path, found } of reports) console.log(`${ok ? 'good' : 'BAD '} ${path} ${found}`);
  const bad = reports.filter(({ ok }) => !ok);
  if (bad.length === 0) return;
  const [{ path, expected, found }] = bad as [FileReport];
  throw new DataError(`${path}: not as published: expected ${expected}, found ${found}`);
}
