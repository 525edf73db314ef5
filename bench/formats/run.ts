/**
 * Every recipe's model in ONNX Runtime, Keras 3 and PyTorch 2 and back, over 10,000 test images, and models that Quern did
 * not write: `npm run check:formats -- --data-dir <datasets>`. It needs a Python with the packages that frameworks.py names, in
 * QUERN_FORMATS_PYTHON, and takes a quarter of an hour; `--only mnist-mlp,torch_resnet` checks some models, `--frameworks
 * onnx,pytorch` in some frameworks, `--limit 1000` on some images. Prints a line per file and a table in the end; exit code 1
 * where a bar is missed.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Comparison } from '../../src/cli/commands/export/comparison.js';
import { QuernError } from '../../src/core/errors.js';
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
    frameworks: { type: 'string', default: 'onnx,keras,pytorch' },
    /** Test images. */
    limit: { type: 'string', default: '10000' },
    keep: { type: 'string' },
    /** Images that each recipe is trained on, for one epoch: weights and statistics move, accuracy is not the point. */
    train: { type: 'string', default: '2560' },
  },
});

const python = process.env.QUERN_FORMATS_PYTHON;
if (python === undefined) throw new Error('QUERN_FORMATS_PYTHON names no Python: see frameworks.py');

const script = join(import.meta.dirname, '../../../bench/formats/frameworks.py');
const folder = options.keep ?? (await mkdtemp(join(tmpdir(), 'quern-formats-')));
const frameworks = options.frameworks.split(',');
const only = options.only?.split(',');
let failed = false;

/** The largest difference of a logit, by model and by what computed it. */
const largest = new Map<string, Map<string, number>>();

/** What frameworks.py prints. */
async function run(...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(python!, [script, ...words]);
  return stdout;
}

const floats = async (path: string) => new Float32Array(new Uint8Array(await readFile(path)).buffer);

const shown = (share: number) => share.toExponential(1).padStart(8);

function report(model: string, what: string, result: ReturnType<Comparison['result']>, more = ''): void {
  const { largestShare, largestDifference, equalClasses, equal } = result;
  if (!equal) failed = true;
  const rows = largest.get(model) ?? new Map<string, number>();
  largest.set(model, rows.set(what, largestDifference));
  console.log(
    `${model.padEnd(20)} ${what.padEnd(34)} ${shown(largestDifference)} ${shown(largestShare)}  ${(100 * equalClasses).toFixed(2)}%  ${equal ? 'equal' : 'DIFFER'}${more}`,
  );
}

function compare(own: Float32Array, theirs: Float32Array, { labels }: Dataset) {
  const comparison = new Comparison();
  comparison.add(own, theirs, labels);
  return comparison.result();
}

const batch = 250;

const compiled = (engine: Engine, { model, details }: ModelFile) =>
  engine.compile(
    (inputs) => ({
      outputs: { logits: model.apply(normalize(inputs.images, details.normalization)).output },
    }),
    { images: { shape: [batch, ...model.inputShape], dtype: 'uint8' } },
  );

/** What is computed, and on which scale of pixels. */
const workOf = (engine: Engine, file: ModelFile) =>
  `${compiled(engine, file).plan} ${JSON.stringify(file.details.normalization)}`;

async function logitsOf(engine: Engine, file: ModelFile, { images, count }: Dataset): Promise<Float32Array> {
  const size = images.length / count;
  const step = compiled(engine, file);
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
  readonly plan: string;
  readonly logits: Float32Array;
}

const hashOf = ({ tensors }: ModelFile) =>
  hashWeights(new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array])));

async function trainAndExport(base: string, name: string, { train, test }: Data): Promise<Own> {
  const { default: recipe } = await recipes[name]!();
  const count = name.includes('balanced') ? 47 : name.includes('letters') ? 26 : 10;
  const classes = Array.from({ length: count }, (_, i) => `class ${i}`);
  const model = recipeModel({ recipe, source: name }, { shape: train.shape, classes }, 1);
  await using engine = await openEngine({ backend: 'wasm' });
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
  await mkdir(base, { recursive: true });
  for (const [format, ending] of Object.entries(endings)) {
    const { files } = await exportModel(file, format as ExportFormat, { name: 'model' });
    for (const each of files) await writeFile(join(base, each.name === '' ? ending : each.name), each.bytes);
  }
  const plan = workOf(engine, file);
  return { file, hash: await hashOf(file), plan, logits: await logitsOf(engine, file, test) };
}

async function importAndCompare(path: string, how: ImportOptions, own: Own, test: Dataset) {
  const file = await importModel(path, how);
  const hash = await hashOf(file);
  await using engine = await openEngine({ backend: 'wasm' });
  await openModel(engine, file);
  // the same plan over the same bytes gives the same logits: they need not be computed again
  const same = hash === own.hash && workOf(engine, file) === own.plan;
  const logits = same ? own.logits : await logitsOf(engine, file, test);
  return { result: compare(own.logits, logits, test), hash };
}

/** What each framework says about Quern's files, and what it writes itself. */
const theirs: Readonly<Record<string, { logits: readonly [string, string][]; files: readonly string[] }>> = {
  onnx: { logits: [['onnx', 'out, ONNX Runtime']], files: [] },
  keras: {
    logits: [
      ['keras', 'out, Keras'],
      ['keras-weights', 'out, Keras, weights alone'],
    ],
    files: ['again.keras', 'again.h5'],
  },
  pytorch: {
    logits: [['pytorch', 'out, PyTorch']],
    files: ['again.pt', 'again-legacy.pt', 'again.dynamo.onnx', 'again.torchscript.onnx'],
  },
};

/** Out, checked by the other side, and in again from what Quern and what the other side has written. */
async function checkOwn(base: string, name: string, data: Data): Promise<void> {
  const own = await trainAndExport(base, name, data);
  await run(dirname(base), 'own', name, frameworks.join(','));
  const chosen = frameworks.map((framework) => theirs[framework]!);
  for (const [file, what] of chosen.flatMap(({ logits }) => logits)) {
    report(name, what, compare(own.logits, await floats(join(base, `${file}.f32`)), data.test));
  }
  for (const ending of ['onnx', 'keras', 'safetensors', 'json', 'npz']) {
    const { result, hash } = await importAndCompare(join(base, `model.${ending}`), {}, own, data.test);
    const same = hash === own.hash;
    if (!same) failed = true;
    const more = same ? ', same bytes of weights' : ', OTHER BYTES OF WEIGHTS';
    report(name, `in again, model.${ending}`, result, more);
  }
  const layers = { layer: own.file.model.layer, inputShape: own.file.model.inputShape };
  const told = { layers, epsilon: null, pixels: own.file.details.normalization };
  for (const file of chosen.flatMap(({ files }) => files)) {
    const how = file.endsWith('.pt') ? told : {};
    report(name, `in, ${file}`, (await importAndCompare(join(base, file), how, own, data.test)).result);
  }
}

interface ForeignModel {
  readonly files: readonly string[];
  readonly pixels: string | null;
  readonly accuracy: number;
  readonly output: 'probabilities' | 'logits';
}

/** A model that a framework has made and trained: its files give its outputs and exactly its accuracy. */
async function checkForeign(base: string, name: string, { test }: Data): Promise<void> {
  await run(dirname(base), 'foreign', name);
  const found = JSON.parse(await readFile(join(base, 'foreign.json'), 'utf8')) as ForeignModel;
  const { files, pixels, accuracy, output } = found;
  const outputs = await floats(join(base, `${output}.f32`));
  for (const each of files) {
    const [mean, deviation] = (pixels ?? '').split(',').map(Number);
    const how =
      pixels === null ? {} : { pixels: pixelScales[pixels] ?? { mean: mean!, deviation: deviation! } };
    const file = await importModel(join(base, each), how);
    await using engine = await openEngine({ backend: 'wasm' });
    const trained = await openModel(engine, file);
    const own =
      output === 'logits'
        ? await logitsOf(engine, file, test)
        : ((await trained.predict(test.images)).data as Float32Array);
    const result = compare(own, outputs, test);
    const measured = result.accuracies.quern;
    if (measured !== accuracy) failed = true;
    const both = `, accuracy ${(100 * measured).toFixed(2)}% and ${(100 * accuracy).toFixed(2)}% there`;
    report(name, `in, ${each}`, result, both);
  }
}

interface Data {
  readonly name: string;
  readonly train: Dataset;
  readonly test: Dataset;
}

const loaded = new Map<string, Promise<Data>>();

/** A dataset, its images in files of its folder; MNIST's where there is no copy of it. */
async function dataFor(name: string): Promise<Data> {
  const dataDirectory = options['data-dir'];
  const offline = dataDirectory !== undefined;
  const load = async () => {
    const { train, test: all } = await loadDataset(name, { dataDirectory, offline });
    const test = take(all, Number(options.limit));
    const part = take(train, 12800);
    await mkdir(join(folder, name), { recursive: true });
    const files = {
      images: test.images,
      labels: test.labels,
      'train-images': part.images,
      'train-labels': part.labels,
    };
    for (const [file, bytes] of Object.entries(files))
      await writeFile(join(folder, name, `${file}.u8`), bytes);
    return { name, train, test };
  };
  if (!loaded.has(name)) loaded.set(name, load());
  try {
    return await loaded.get(name)!;
  } catch (error) {
    if (!(error instanceof QuernError) || name === 'mnist') throw error;
    console.log(`${name}: not here, images of MNIST take its place`);
    return dataFor('mnist');
  }
}

function printTable(): void {
  const columns = [...new Set([...largest.values()].flatMap((rows) => [...rows.keys()]))];
  const out = columns.filter((what) => what.startsWith('out'));
  console.log(`\nlargest difference of a logit\n| model | ${out.join(' | ')} | in, any file |`);
  for (const [name, rows] of largest) {
    const ins = [...rows].filter(([what]) => what.startsWith('in')).map(([, value]) => value);
    const cells = out.map((what) => rows.get(what)?.toExponential(1) ?? '');
    console.log(`| ${name} | ${cells.join(' | ')} | ${Math.max(...ins).toExponential(1)} |`);
  }
}

async function main(): Promise<void> {
  await mkdir(folder, { recursive: true });
  const foreign = (await run(folder, 'list')).trim().split('\n');
  console.log(`${'model'.padEnd(20)} ${'what'.padEnd(34)} |Δlogit|  of max(1, |logit|)  classes`);
  for (const name of [...recipeNames, ...foreign]) {
    if (only !== undefined && !only.includes(name)) continue;
    const started = performance.now();
    const recipe = await recipes[name]?.();
    const data = await dataFor(recipe?.default.dataset ?? (name === 'seed_cnn' ? 'fashion-mnist' : 'mnist'));
    const base = join(folder, data.name, name);
    await (recipe === undefined ? checkForeign(base, name, data) : checkOwn(base, name, data));
    console.log(
      `${name}: ${Math.round((performance.now() - started) / 1000)} s on ${data.test.count} images`,
    );
  }
  printTable();
  console.log(failed ? 'a bar is missed' : 'every bar is met');
}

try {
  await main();
} finally {
  if (options.keep === undefined) await rm(folder, { recursive: true, force: true });
  else console.log(`kept in ${folder}: ${(await readdir(folder)).length} entries`);
}
if (failed) process.exitCode = 1;
