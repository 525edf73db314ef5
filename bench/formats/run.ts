/**
 * Every recipe's model in ONNX Runtime, Keras 3 and PyTorch 2 and back, over 10,000 test images, and models that Quern did
 * not write: `npm run check:formats -- --data-dir <datasets>`. It needs a Python with the packages that frameworks.py names, in
 * QUERN_FORMATS_PYTHON, and takes some minutes; prints a table and ends with exit code 1 where a bar is missed.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Comparison } from '../../src/cli/commands/export/comparison.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { type Dataset, take } from '../../src/data/dataset.js';
import { type Engine, openEngine } from '../../src/engine/engine.js';
import { type ExportFormat, exportModel } from '../../src/formats/export.js';
import { importModel } from '../../src/formats/files.js';
import { type ImportOptions, pixelScales } from '../../src/formats/foreign.js';
import { recipeModel } from '../../src/recipes/index.js';
import { recipeNames, recipes } from '../../src/recipes/table.js';
import type { ModelFile } from '../../src/training/files/modelFile.js';
import { openModel } from '../../src/training/files/savedModel.js';
import { hashWeights } from '../../src/training/files/weights.js';
import { fit } from '../../src/training/fit/fit.js';
import { normalize } from '../../src/training/inference/normalization.js';

const { values: options } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    only: { type: 'string' },
    keep: { type: 'string' },
    /** Images that each recipe is trained on, for one epoch: weights and statistics move, accuracy is not the point. */
    train: { type: 'string', default: '2560' },
  },
});

const python = process.env.QUERN_FORMATS_PYTHON;
if (python === undefined) throw new Error('QUERN_FORMATS_PYTHON names no Python: see frameworks.py');

const script = join(import.meta.dirname, '../../../bench/formats/frameworks.py');
const folder = options.keep ?? (await mkdtemp(join(tmpdir(), 'quern-formats-')));
let failed = false;

function run(command: string, words: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ['ignore', 'inherit', 'ignore'] });
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${words.join(' ')}: exit code ${code}`)),
    );
  });
}

const floats = async (path: string) => new Float32Array(new Uint8Array(await readFile(path)).buffer);

const shown = (share: number) => share.toExponential(1).padStart(8);

function report(model: string, what: string, result: ReturnType<Comparison['result']>, more = ''): void {
  const { largestShare, equalClasses, equal } = result;
  if (!equal) failed = true;
  console.log(
    `${model.padEnd(20)} ${what.padEnd(34)} ${shown(largestShare)}  ${(100 * equalClasses).toFixed(2)}%  ${equal ? 'equal' : 'DIFFER'}${more}`,
  );
}

function compare(own: Float32Array, theirs: Float32Array, { labels }: Dataset) {
  const comparison = new Comparison();
  comparison.add(own, theirs, labels);
  return comparison.result();
}

async function logitsOf(
  engine: Engine,
  { model, details }: ModelFile,
  { images, count }: Dataset,
): Promise<Float32Array> {
  const batch = 250;
  const size = images.length / count;
  const step = engine.compile(
    (inputs) => ({
      outputs: { logits: model.apply(normalize(inputs.images, details.normalization)).output },
    }),
    { images: { shape: [batch, ...model.inputShape], dtype: 'uint8' } },
  );
  const rows: Float32Array[] = [];
  for (let start = 0; start < count; start += batch) {
    const { logits } = await step.run({ images: images.subarray(start * size, (start + batch) * size) });
    rows.push(logits.data as Float32Array);
  }
  const all = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  rows.reduce((end, row) => {
    all.set(row, end);
    return end + row.length;
  }, 0);
  return all;
}

const endings: Readonly<Partial<Record<ExportFormat, string>>> = {
  onnx: 'model.onnx',
  keras: 'model.keras',
  kerasWeights: 'model.weights.h5',
  pytorch: 'model.safetensors',
  tfjs: 'model.json',
  npz: 'model.npz',
};

interface Own {
  readonly file: ModelFile;
  readonly hash: string;
  readonly logits: Float32Array;
}

const hashOf = ({ tensors }: ModelFile) =>
  hashWeights(new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array])));

async function trainAndExport(name: string, train: Dataset, test: Dataset): Promise<Own> {
  const { default: recipe } = await recipes[name]!();
  const count = name.includes('balanced') ? 47 : name.includes('letters') ? 26 : 10;
  const classes = Array.from({ length: count }, (_, i) => `class ${i}`);
  const model = recipeModel({ recipe, source: name }, { shape: train.shape, classes }, 1);
  await using engine = await openEngine({ backend: 'wasm', threads: 1 });
  const trained = await fit(
    engine,
    model,
    { ...take(train, Number(options.train)), classes },
    {
      optimizer: recipe.optimizer,
      epochs: 1,
      batchSize: 64,
      seed: 1,
    },
  );
  const weights = await trained.weights();
  const leaves = [...trained.model.parameters, ...trained.model.states];
  const tensors = new Map(
    leaves.map((leaf) => [leaf.name, { shape: leaf.shape, data: weights.get(leaf.name)! }]),
  );
  const file: ModelFile = { path: name, model: trained.model, details: trained.details, tensors };
  const base = join(folder, name);
  await mkdir(base, { recursive: true });
  for (const [format, ending] of Object.entries(endings)) {
    const { files } = await exportModel(file, format as ExportFormat, { name: 'model' });
    for (const each of files) await writeFile(join(base, each.name === '' ? ending : each.name), each.bytes);
  }
  return { file, hash: await hashOf(file), logits: await logitsOf(engine, file, test) };
}

async function importAndCompare(path: string, how: ImportOptions, own: Own, test: Dataset) {
  const file = await importModel(path, how);
  await using engine = await openEngine({ backend: 'wasm', threads: 1 });
  await openModel(engine, file);
  return { result: compare(own.logits, await logitsOf(engine, file, test), test), hash: await hashOf(file) };
}

/** Out, checked by the other side, and in again from what Quern and what the other side has written. */
async function checkOwn(name: string, own: Own, test: Dataset): Promise<void> {
  const base = join(folder, name);
  for (const [file, what] of [
    ['onnx', 'out, ONNX Runtime'],
    ['keras', 'out, Keras'],
    ['keras-weights', 'out, Keras, weights alone'],
    ['pytorch', 'out, PyTorch'],
  ] as const) {
    report(name, what, compare(own.logits, await floats(join(base, `${file}.f32`)), test));
  }
  for (const ending of ['onnx', 'keras', 'safetensors', 'json', 'npz']) {
    const { result, hash } = await importAndCompare(join(base, `model.${ending}`), {}, own, test);
    const same = hash === own.hash;
    if (!same) failed = true;
    report(
      name,
      `in again, model.${ending}`,
      result,
      same ? ', same bytes of weights' : ', OTHER BYTES OF WEIGHTS',
    );
  }
  const layers = { layer: own.file.model.layer, inputShape: own.file.model.inputShape };
  const told = { layers, epsilon: null, pixels: own.file.details.normalization };
  for (const [file, how] of [
    ['again.keras', {}],
    ['again.h5', {}],
    ['again.pt', told],
    ['again-legacy.pt', told],
    ['again.dynamo.onnx', {}],
    ['again.torchscript.onnx', {}],
  ] as const) {
    report(name, `in, ${file}`, (await importAndCompare(join(base, file), how, own, test)).result);
  }
}

interface ForeignModel {
  readonly files: readonly string[];
  readonly pixels: string | null;
  readonly accuracy: number;
  readonly output: 'probabilities' | 'logits';
}

/** Log-probabilities of Quern's own logits, or the logits themselves. */
async function checkForeign(
  name: string,
  { files, pixels, accuracy, output }: ForeignModel,
  test: Dataset,
): Promise<void> {
  const base = join(folder, name);
  const theirs = await floats(join(base, `${output}.f32`));
  for (const each of files) {
    const [mean, deviation] = (pixels ?? '').split(',').map(Number);
    const how =
      pixels === null ? {} : { pixels: pixelScales[pixels] ?? { mean: mean!, deviation: deviation! } };
    const file = await importModel(join(base, each), how);
    await using engine = await openEngine({ backend: 'wasm', threads: 1 });
    const trained = await openModel(engine, file);
    const logits = await logitsOf(engine, file, test);
    const own = output === 'logits' ? logits : ((await trained.predict(test.images)).data as Float32Array);
    const result = compare(own, theirs, test);
    const measured = result.accuracies.quern;
    if (measured !== accuracy) failed = true;
    report(
      name,
      `in, ${each}`,
      result,
      `, accuracy ${(100 * measured).toFixed(2)}% and ${(100 * accuracy).toFixed(2)}% there`,
    );
  }
}

async function main(): Promise<void> {
  const dataDirectory = options['data-dir'];
  const { train, test } = await loadDataset('mnist', { dataDirectory, offline: dataDirectory !== undefined });
  await writeFile(join(folder, 'images.u8'), test.images);
  await writeFile(join(folder, 'labels.u8'), test.labels);
  const part = take(train, 12800);
  await writeFile(join(folder, 'train-images.u8'), part.images);
  await writeFile(join(folder, 'train-labels.u8'), part.labels);
  console.log('model                what                               largest  classes');
  const names = recipeNames.filter((name) => options.only === undefined || name === options.only);
  const models = new Map<string, Own>();
  for (const name of names) models.set(name, await trainAndExport(name, train, test));
  await run(python!, [script, folder, 'own']);
  for (const [name, own] of models) await checkOwn(name, own, test);
  await run(python!, [script, folder, 'foreign']);
  const foreign = JSON.parse(await readFile(join(folder, 'foreign.json'), 'utf8')) as Readonly<
    Record<string, ForeignModel>
  >;
  for (const [name, model] of Object.entries(foreign)) await checkForeign(name, model, test);
  console.log(failed ? 'a bar is missed' : 'every bar is met');
}

await mkdir(folder, { recursive: true });
try {
  await main();
} finally {
  if (options.keep === undefined) await rm(folder, { recursive: true, force: true });
  else console.log(`kept in ${folder}: ${(await readdir(folder)).length} entries`);
}
if (failed) process.exitCode = 1;
