/** Every parser of files that may be a stranger's, with a corpus of sound ones. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { encode } from 'fast-png';
import { gzipSync, strToU8, zipSync } from 'fflate';
import { listRuns } from '../../src/cli/commands/runs/run.js';
import { checkArguments } from '../../src/cli/commands/train/settings.js';
import { resultText } from '../../src/cli/terminal/results.js';
import { terminalReport } from '../../src/cli/terminal/terminalReport.js';
import { differences } from '../../src/core/differences.js';
import { parseJson } from '../../src/core/schema.js';
import { readManifest } from '../../src/data/catalog/manifest.js';
import { readImage } from '../../src/data/images/images.js';
import { loadUserDataset } from '../../src/data/user/loadUserDataset.js';
import { readMeasurements } from '../../src/engine/measurements.js';
import { readDemands } from '../../src/queue/demands.js';
import { checkJob, jobId, queueName } from '../../src/queue/job.js';
import type { Store } from '../../src/queue/store.js';
import { readJobResult } from '../../src/queue/worker.js';
import { overviewOf, readRun } from '../../src/runs/records.js';
import { readReferences } from '../../src/runs/references.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../../src/training/files/checkpoint.js';
import { readModelFile } from '../../src/training/files/modelFile.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/training/files/safetensors.js';
import { bytesOf as bytesOfPhoto } from '../data/images/photoFiles.js';
import { formatTargets, readChanged } from '../formats/fuzzing.js';
import { mutateBytes, mutateJson, type Random } from './mutate.js';

export interface Target {
  readonly name: string;
  readonly corpus: readonly Uint8Array[];
  /** A changed input. */
  mutate(input: Uint8Array, random: Random): Uint8Array;
  /** Reads the input, which lies in a folder of its own if it must; QuernErrors are what it may throw. */
  read(input: Uint8Array, folder: string): Promise<unknown>;
}

const root = join(import.meta.dirname, '../../../');
const fixtures = join(root, 'test/fixtures/v0.1');
const bytesOf = (...path: string[]) => new Uint8Array(readFileSync(join(root, ...path)));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function put(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const bytesTarget = (name: string, corpus: readonly Uint8Array[], read: Target['read']): Target => ({
  name,
  corpus,
  mutate: mutateBytes,
  read,
});

/** As JSON three times in four, else as bytes. */
function mutateJsonText(input: Uint8Array, random: Random): Uint8Array {
  if (random() < 0.25) return mutateBytes(input, random);
  return strToU8(JSON.stringify(mutateJson(JSON.parse(text(input)), random)) ?? '');
}

const jsonTarget = (name: string, corpus: readonly Uint8Array[], read: Target['read']): Target => ({
  name,
  corpus,
  mutate: mutateJsonText,
  read,
});

// own data
const pixels = Uint8Array.from({ length: 48 }, (_, i) => (i * 37) % 256);
const png = (width: number, height: number, channels: 1 | 3, depth: 8 | 16 = 8) => {
  const count = width * height * channels;
  const data = depth === 8 ? pixels.subarray(0, count) : Uint16Array.from(pixels.subarray(0, count));
  return encode({ width, height, channels, data, depth });
};

/** Every chunk with the CRC of what it holds. */
function withChecks(bytes: Uint8Array): Uint8Array {
  const made = Uint8Array.from(bytes);
  const view = new DataView(made.buffer);
  for (let at = 8; at + 12 <= made.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > made.length) break;
    view.setUint32(end, crc32(made.subarray(at + 4, end)));
    at = end + 4;
  }
  return made;
}

function idx(type: number, shape: readonly number[], data: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint8(2, type);
  header.setUint8(3, shape.length);
  for (const [i, extent] of shape.entries()) header.setUint32(4 + 4 * i, extent);
  return Uint8Array.from([...new Uint8Array(header.buffer), ...data]);
}

function npy(descr: string, shape: string, data: Uint8Array): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117);
  return Uint8Array.from([0x93, ...strToU8('NUMPY'), 1, 0, 118, 0, ...strToU8(`${header}\n`), ...data]);
}

const npz = zipSync(
  {
    'x_train.npy': npy('|u1', '3, 4, 4', pixels),
    'y_train.npy': npy('|u1', '3,', Uint8Array.from([0, 1, 0])),
  },
  // A seed names the same inputs at every time.
  { mtime: new Date(2020, 0, 1) },
);
const csv = strToU8(
  `label,${Array.from({ length: 16 }, (_, i) => `p${i}`).join(',')}\n${[0, 1, 0].map((label) => [label, ...pixels.subarray(0, 16)].join(',')).join('\n')}\n`,
);

// models
const models = readdirSync(join(fixtures, 'models'))
  .filter((name) => name.endsWith('.safetensors'))
  .map((name) => bytesOf('test/fixtures/v0.1/models', name));
const checkpoints = ['adam', 'sgd'].map((name) =>
  bytesOf(`test/fixtures/v0.1/checkpoints/${name}.safetensors`),
);

const checkpoint = await decodeCheckpoint(checkpoints[0]!, 'corpus');

/** Changes the texts of a safetensors file, not its bytes: what a stranger does who can write one. */
function mutateTexts(input: Uint8Array, random: Random): Uint8Array {
  if (random() < 0.3) return mutateBytes(input, random);
  const { tensors, metadata } = decodeSafetensors(input, 'corpus');
  const texts = new Map(metadata);
  texts.delete('sha256');
  const names = [...texts.keys()].filter((name) => /^[[{"\d]/.test(texts.get(name)!));
  const name = names[Math.floor(random() * names.length)] ?? 'architecture';
  let json: unknown;
  try {
    json = JSON.parse(texts.get(name) ?? 'null');
  } catch {
    return mutateBytes(input, random);
  }
  texts.set(name, JSON.stringify(mutateJson(json, random)) ?? '');
  return encodeSafetensors({ tensors, metadata: texts });
}

// runs
const run = (file: string) => bytesOf('test/fixtures/v0.1/runs/finished', file);
const runParts = {
  'config.json': run('config.json'),
  'result.json': run('result.json'),
  'history.jsonl': run('history.jsonl'),
  'failure.json': strToU8('{"message":"the loss is NaN","when":"2025-01-31T12:00:00.000Z"}'),
  'lock.json': strToU8('{"pid":1,"host":"elsewhere","began":"12"}'),
};

/** Everything that commands make of a run. */
async function readAll(folder: string): Promise<void> {
  // a damaged run must not keep others from being listed
  await listRuns({ folder, json: true });
  const record = await readRun(folder);
  overviewOf(record);
  terminalReport(record.history);
  if (record.result !== undefined) resultText(record.result);
  differences(record.config, { ...record.config, settings: {} });
  checkArguments(record.config.arguments, 'arguments');
}

const runTargets = Object.keys(runParts).map((changed): Target => {
  const lines = changed.endsWith('l');
  return {
    name: `run: ${changed}`,
    corpus: [runParts[changed as keyof typeof runParts]],
    mutate: (input, random) => {
      if (!lines) return mutateJsonText(input, random);
      const rows = text(input).trimEnd().split('\n');
      const at = Math.floor(random() * rows.length);
      rows[at] = text(mutateJsonText(strToU8(rows[at]!), random));
      return strToU8(`${rows.join('\n')}\n`);
    },
    read: async (input, folder) => {
      for (const [name, whole] of Object.entries(runParts)) {
        // a finished run has neither
        if ((name === 'failure.json' || name === 'lock.json') && name !== changed) continue;
        put(folder, name, name === changed ? input : whole);
      }
      await readAll(folder);
    },
  };
});

const loadOwn = (name: string, around: Readonly<Record<string, Uint8Array>> = {}) => {
  return async (input: Uint8Array, folder: string) => {
    for (const [other, bytes] of Object.entries(around)) put(folder, other, bytes);
    await loadUserDataset(put(folder, name, input));
  };
};

const images = idx(8, [3, 4, 4], pixels);
const labels = idx(8, [3], Uint8Array.from([0, 1, 0]));

// queues
const job = {
  version: 1,
  label: 'trial-003',
  store: 'mark',
  until: 2,
  training: {
    recipe: { name: 'mnist-mlp', sha256: 'ab'.repeat(32) },
    set: { units: 32, learningRate: 0.01 },
    seed: 0,
    epochs: 6,
    ownData: true,
    preparation: { storedShape: '28x28x1', pixelRange: '0,16', invert: true },
    train: 'ab'.repeat(32),
    test: 'ab'.repeat(32),
    backend: 'wasm',
    numerics: 'wasm 3, 128-bit fma',
    quern: '0.1.0',
  },
} as const;
const jobResult = {
  history: text(runParts['history.jsonl'])
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line)),
  result: { ...(JSON.parse(text(runParts['result.json'])) as object), model: undefined },
  failure: null,
  processorSeconds: 1.5,
  worker: 'elsewhere 12',
};
const demand = { quern: '0.2.0', numerics: 'x', backend: 'gpu', renewed: '2999-01-31T12:00:00.000Z' };

/** A store with one thing in it. */
const storeOf = (name: string, bytes: Uint8Array): Store => ({
  name: 'store',
  read: async (asked) => (asked === name ? bytes : undefined),
  list: async () => [name],
  write: async () => {},
  create: async () => false,
  remove: async () => {},
  close: async () => {},
});

export const targets: readonly Target[] = [
  ...(['turned', 'progressive', 'webp', 'bits', 'colors'] as const).map((name) =>
    bytesTarget(`photo: ${name}`, [new Uint8Array(bytesOfPhoto(name))], async (input, folder) =>
      readImage(put(folder, 'x', input), [4, 4, 3]),
    ),
  ),
  bytesTarget('png', [png(4, 4, 1), png(4, 4, 3), png(3, 5, 1, 16)], async (input, folder) =>
    readImage(put(folder, 'x.png', input), [4, 4, 1]),
  ),
  bytesTarget('png, its checks made right', [png(4, 4, 1), png(4, 4, 3)], async (input, folder) =>
    readImage(put(folder, 'x.png', withChecks(input)), [4, 4, 1]),
  ),
  bytesTarget('npy in npz', [npy('|u1', '3, 4, 4', pixels), npy('<f4', '3, 4', pixels)], (input, folder) =>
    loadUserDataset(
      put(
        folder,
        'x.npz',
        zipSync({ 'x_train.npy': input, 'y_train.npy': npy('|u1', '3,', Uint8Array.from([0, 1, 0])) }),
      ),
    ),
  ),
  bytesTarget('idx in gzip', [images], (input, folder) =>
    loadOwn('train-images-idx3-ubyte.gz', { 'train-labels-idx1-ubyte': labels })(gzipSync(input), folder),
  ),
  bytesTarget(
    'idx images',
    [images],
    loadOwn('train-images-idx3-ubyte', { 'train-labels-idx1-ubyte': labels }),
  ),
  bytesTarget('idx labels', [labels], async (input, folder) => {
    put(folder, 'train-labels-idx1-ubyte', input);
    await loadUserDataset(put(folder, 'train-images-idx3-ubyte', images));
  }),
  bytesTarget(
    'idx, gzipped',
    [gzipSync(images)],
    loadOwn('train-images-idx3-ubyte.gz', { 'train-labels-idx1-ubyte': labels }),
  ),
  bytesTarget('npz', [npz], loadOwn('x.npz')),
  bytesTarget('csv', [csv], loadOwn('x.csv')),
  {
    name: 'model',
    corpus: models,
    mutate: mutateTexts,
    read: (input, folder) => readModelFile(put(folder, 'm', input)),
  },
  bytesTarget('checkpoint', checkpoints, (input) => decodeCheckpoint(input, 'checkpoint')),
  {
    // whose hash is right: what a stranger makes
    name: 'checkpoint, made',
    corpus: [checkpoints[0]!],
    mutate: (_, random) =>
      strToU8(JSON.stringify(mutateJson({ ...checkpoint, tensors: undefined }, random)) ?? ''),
    read: async (input) => {
      const values = JSON.parse(text(input)) as Checkpoint;
      const made = await encodeCheckpoint({ ...values, tensors: checkpoint.tensors });
      return decodeCheckpoint(made, 'checkpoint');
    },
  },
  ...runTargets,
  jsonTarget('references', [bytesOf('data/references.json')], (input, folder) =>
    readReferences('mnist', put(folder, 'r.json', input)),
  ),
  jsonTarget('manifest', [bytesOf('data/manifest.json')], async (input, folder) =>
    readManifest(put(folder, 'manifest.json', input)),
  ),
  jsonTarget(
    'measurements',
    [strToU8('{"version":1,"machine":{},"backends":[{"backend":"wasm","speed":{"secondsPerKernel":1}}]}')],
    (input, folder) => readMeasurements(put(folder, 'doctor.json', input)),
  ),
  ...(await formatTargets()),
  bytesTarget('format: safetensors', models, (input) => readChanged(input, { name: 'x', beside: undefined })),
  jsonTarget('queue: job', [strToU8(JSON.stringify(job))], async (input) => {
    const { training, until } = parseJson(text(input), 'job', checkJob);
    return [jobId({ training, until }), queueName(training)];
  }),
  jsonTarget('queue: result', [strToU8(JSON.stringify(jobResult))], (input) =>
    readJobResult(storeOf('results/x.json', input), 'x'),
  ),
  jsonTarget('queue: demand', [strToU8(JSON.stringify(demand))], (input) =>
    readDemands(storeOf('demands/x.json', input), job.training),
  ),
];
