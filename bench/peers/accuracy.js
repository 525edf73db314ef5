/**
 * How long it takes from the start of a process to the accuracy that it prints, in turns, round by round: `quern train` of
 * a recipe, in WebAssembly and (where NODE26 names a Node of at least 26.12) as machine code; a Keras script that does the
 * same; other builds of Quern. Both evaluate the test images at the end; without Keras, Quern the training images too.
 *
 *     npm run build && PYTHON=<python with requirements.txt> node bench/peers/accuracy.js [options]
 *
 *     --tasks a,b       of mnist-mlp (10 epochs), fashion-cnn (3), mnist-speedrun (2; not Keras), and first-step: a process
 *                       that ends with the first step of the perceptron (not Keras); default: mnist-mlp,fashion-cnn. Other
 *                       recipes by name: 2 epochs (not Keras)
 *     --epochs n        instead of those
 *     --limit n         only the first images, for recipes that take long (not Keras)
 *     --native a,b      faces of machine code, where NODE26 is named: on, avx2, avx512; default: on
 *     --data-dir folder where the images lie; default: the cache, or what npm ci brought
 *     --before folder   a built checkout to compare with
 *     --peers keras     default; none: Quern alone
 *     --rounds n        default 3
 *     --threads n       default: all processors
 *     --out folder      results as JSON and SVG
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../../dist/bench/support/format.js';
import { describeMachine, describeVersions } from '../../dist/bench/support/machine.js';
import { secondsOf, speedUp } from '../../dist/bench/support/measure.js';
import { writeResult } from '../../dist/bench/support/results.js';
import { summarize } from '../../dist/bench/support/statistics.js';
import { loadDataset } from '../../dist/src/data/catalog/datasets.js';

const { values: options } = parseArgs({
  options: {
    tasks: { type: 'string', default: 'mnist-mlp,fashion-cnn' },
    before: { type: 'string' },
    epochs: { type: 'string' },
    limit: { type: 'string' },
    native: { type: 'string', default: 'on' },
    'data-dir': { type: 'string' },
    peers: { type: 'string', default: 'keras' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string' },
  },
});
const { PYTHON = 'python3', NODE26 } = process.env;
const rounds = Number(options.rounds);
const { threads } = options;
const here = fileURLToPath(new URL('../..', import.meta.url));

/** What training a recipe comes to. For Keras: its dataset. */
const tasks = {
  'mnist-mlp': { dataset: 'mnist', epochs: 10 },
  'fashion-cnn': { dataset: 'fashion-mnist', epochs: 3 },
};
const firstStep = 'first-step';
const taskOf = (name) => ({ epochs: 2, ...tasks[name], ...(options.epochs && { epochs: options.epochs }) });
const where = options['data-dir'] === undefined ? ['--offline'] : ['--data-dir', options['data-dir']];

/** Runs a command; gives the seconds until it has printed a line, and what the line says. */
function run([program, ...words], env = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(program, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let [text, complaint, seconds] = ['', '', undefined];
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (/^\{.*\n/m.test(text)) seconds ??= (performance.now() - started) / 1000;
    });
    child.stderr.on('data', (chunk) => {
      complaint += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      // 1: the recipe's target is missed, which three epochs do
      if (seconds === undefined || code > 1) reject(new Error(complaint.trim().split('\n').at(-1)));
      else resolve({ seconds, ...JSON.parse(/^\{.*$/m.exec(text)[0]) });
    });
  });
}

/** The commands of a task, by what they are called; `folder` takes runs, `images` names the arrays of Keras's dataset. */
function subjectsOf(name, folder, images) {
  const { epochs } = taskOf(name);
  const faces = NODE26 === undefined ? [] : options.native.split(',');
  const builds = [
    ['Quern', process.execPath, here, 'off'],
    ...faces.map((face) => [`Quern native${face === 'on' ? '' : ` ${face}`}`, NODE26, here, face]),
    ...(options.before === undefined ? [] : [['Quern before', process.execPath, options.before, undefined]]),
  ];
  const limit = options.limit === undefined ? [] : ['--limit', options.limit];
  const words = ['--epochs', epochs, ...limit, '--threads', threads, ...where];
  const subjects = builds.map(([title, node, build, native], i) => {
    if (name === firstStep) {
      const script = join(build, 'dist/bench/support/children/firstStep.js');
      return { title, run: () => run([node, script, threads]) };
    }
    const command = [node, join(build, 'dist/src/cli/main.js'), 'train', name, ...words];
    const out = join(folder, `${i}`);
    const rest = ['--json', '--quiet', '--force', '--out', out, '--backend', 'wasm'];
    // what Keras does not do; builds before know no such word, and are not compared with it
    const alone = images === undefined ? [] : ['--no-train-accuracy'];
    const chosen = native === undefined ? [] : ['--native', native, ...alone];
    return {
      title,
      run: async () => ({
        ...(await run([...command, ...rest, ...chosen].map(String))),
        imagesPerSecond: await rateOfLastEpoch(out),
      }),
    };
  });
  if (images === undefined) return subjects;
  const script = [PYTHON, join(here, 'bench/peers/keras_accuracy.py'), name, String(epochs), threads];
  return [...subjects, { title: 'Keras', run: () => run(script, { PEER_IMAGES: images }) }];
}

/** Lays a dataset where the script reads it. */
async function layData(name, folder) {
  const own = join(folder, name);
  await mkdir(own, { recursive: true });
  const data = await loadDataset(name, { offline: true, dataDirectory: options['data-dir'] });
  for (const split of ['train', 'test']) {
    await writeFile(join(own, `${split}.images`), data[split].images);
    await writeFile(join(own, `${split}.labels`), data[split].labels);
  }
  return own;
}

/** Of a run folder: the first epoch has kernels compiled and warmed up. */
async function rateOfLastEpoch(folder) {
  const lines = (await readFile(join(folder, 'history.jsonl'), 'utf8')).trim().split('\n');
  return JSON.parse(lines.at(-1)).imagesPerSecond;
}

/** Images a second of the last epoch, where it is told; and how many times as many this build trains. */
function ratesOf(own, measured, itself) {
  const rates = measured.map(({ imagesPerSecond }) => imagesPerSecond);
  if (rates.includes(undefined)) return {};
  const ratios = rates.map((rate, round) => own[round].imagesPerSecond / rate);
  return { rate: summarize(rates), ...(itself ? {} : { rateRatio: summarize(ratios) }) };
}

const date = new Date().toISOString();
const [machine, versions] = [describeMachine(), describeVersions()];
const started = performance.now();
const folder = await mkdtemp(join(tmpdir(), 'quern-accuracy-'));
const rows = [];
const plots = [];
try {
  for (const name of options.tasks.split(',')) {
    const { dataset } = taskOf(name);
    const keras = dataset !== undefined && options.peers === 'keras' && options.limit === undefined;
    const images = keras ? await layData(dataset, folder) : undefined;
    const subjects = subjectsOf(name, folder, images);
    const samples = new Map(subjects.map(({ title }) => [title, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const { title, run } of subjects) samples.get(title).push(await run());
      console.error(`${name}: round ${round} of ${rounds}`);
    }
    const own = samples.get('Quern');
    for (const [title, measured] of samples) {
      const accuracies = measured.map(({ testAccuracy }) => testAccuracy);
      rows.push({
        task: name,
        subject: title,
        seconds: secondsOf(measured),
        ...(title === 'Quern' ? {} : { ratio: speedUp(own, measured) }),
        ...ratesOf(own, measured, title === 'Quern'),
        ...(name !== firstStep && {
          accuracy: (100 * accuracies.reduce((sum, one) => sum + one, 0)) / rounds,
        }),
      });
    }
    plots.push({
      name,
      title: `${name}: from process start to ${name === firstStep ? 'the first step' : 'its accuracy'}`,
      kind: 'bar',
      x: { title: '', values: [...samples.keys()] },
      y: { title: 'seconds' },
      series: [{ name: 'seconds', values: [...samples.values()].map((one) => secondsOf(one).median) }],
    });
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const result = {
  bench: 'accuracy',
  question: 'How long does it take from the start of a process to the accuracy that it prints?',
  date,
  seconds: (performance.now() - started) / 1000,
  machine,
  versions,
  quick: false,
  sampling: { rounds },
  columns: [
    { key: 'task', title: 'task' },
    { key: 'subject', title: 'who' },
    { key: 'seconds', title: 'time', unit: 's' },
    { key: 'ratio', title: 'its time ÷ Quern' },
    { key: 'rate', title: 'last epoch', unit: 'images/s' },
    { key: 'rateRatio', title: 'Quern ÷ its' },
    { key: 'accuracy', title: 'test accuracy', unit: '%' },
  ],
  rows,
  notes: [`${threads} threads, in turns, ${rounds} rounds; medians, of the ratio per round.`],
  backends: [],
  plots,
};
console.log(`${result.question}\n\n${formatTable(result)}\n`);
for (const note of result.notes) console.log(note);
if (options.out !== undefined) {
  for (const path of await writeResult(options.out, result)) console.error(`written: ${path}`);
}
