/**
 * How long it takes from the start of a process to the accuracy that it prints, in turns, round by round: `quern train` of
 * a recipe, in WebAssembly and (where NODE26 names a Node of at least 26.12) as machine code; a Keras script that does the
 * same; other builds of Quern. Keras evaluates the test images, Quern these and the training images.
 *
 *     npm run build && PYTHON=<python with requirements.txt> node bench/peers/accuracy.js [options]
 *
 *     --tasks a,b       of mnist-mlp (10 epochs), fashion-cnn (3), mnist-speedrun (2; not Keras), and first-step: a process
 *                       that ends with the first step of the perceptron (not Keras); default: mnist-mlp,fashion-cnn
 *     --before folder   a built checkout to compare with
 *     --peers keras     default; none: Quern alone
 *     --rounds n        default 3
 *     --threads n       default: all processors
 *     --out folder      results as JSON and SVG
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../../dist/bench/support/format.js';
import { describeMachine, describeVersions } from '../../dist/bench/support/machine.js';
import { secondsOf, speedUp } from '../../dist/bench/support/measure.js';
import { writeResult } from '../../dist/bench/support/results.js';
import { loadDataset } from '../../dist/src/data/catalog/datasets.js';

const { values: options } = parseArgs({
  options: {
    tasks: { type: 'string', default: 'mnist-mlp,fashion-cnn' },
    before: { type: 'string' },
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

/** A recipe, its dataset, how many epochs; or neither: the first step. */
const tasks = {
  'mnist-mlp': { dataset: 'mnist', epochs: 10, keras: true },
  'fashion-cnn': { dataset: 'fashion-mnist', epochs: 3, keras: true },
  'mnist-speedrun': { dataset: 'mnist', epochs: 2 },
  'first-step': {},
};

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

/** The commands of a task, by what they are called; `folder` takes runs, `images` names the arrays of the dataset. */
function subjectsOf(name, folder, images) {
  const { epochs, keras } = tasks[name];
  const builds = [
    ['Quern', process.execPath, here, 'off'],
    ...(NODE26 === undefined ? [] : [['Quern native', NODE26, here, 'on']]),
    ...(options.before === undefined ? [] : [['Quern before', process.execPath, options.before, undefined]]),
  ];
  const words = ['--epochs', epochs, '--threads', threads, '--offline', '--json', '--quiet', '--force'];
  const subjects = builds.map(([title, node, build, native], i) => {
    const command =
      epochs === undefined
        ? [node, join(build, 'dist/bench/support/children/firstStep.js'), threads]
        : [node, join(build, 'dist/src/cli/main.js'), 'train', name, ...words];
    const rest = epochs === undefined ? [] : ['--out', join(folder, `${i}`), '--backend', 'wasm'];
    const chosen = epochs === undefined || native === undefined ? [] : ['--native', native];
    return { title, run: () => run([...command, ...rest, ...chosen].map(String)) };
  });
  if (!keras || options.peers !== 'keras') return subjects;
  const script = [PYTHON, join(here, 'bench/peers/keras_accuracy.py'), name, String(epochs), threads];
  return [...subjects, { title: 'Keras', run: () => run(script, { PEER_IMAGES: images }) }];
}

/** Lays a dataset where the script reads it. */
async function layData(name, folder) {
  const own = join(folder, name);
  await mkdir(own, { recursive: true });
  const data = await loadDataset(name, { offline: true });
  for (const split of ['train', 'test']) {
    await writeFile(join(own, `${split}.images`), data[split].images);
    await writeFile(join(own, `${split}.labels`), data[split].labels);
  }
  return own;
}

const date = new Date().toISOString();
const [machine, versions] = [describeMachine(), describeVersions()];
const started = performance.now();
const folder = await mkdtemp(join(tmpdir(), 'quern-accuracy-'));
const rows = [];
const plots = [];
try {
  for (const name of options.tasks.split(',')) {
    const { dataset } = tasks[name];
    const images = dataset && (await layData(dataset, folder));
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
        ...(dataset && { accuracy: (100 * accuracies.reduce((sum, one) => sum + one, 0)) / rounds }),
      });
    }
    plots.push({
      name,
      title: `${name}: from process start to ${dataset === undefined ? 'the first step' : 'its accuracy'}`,
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
