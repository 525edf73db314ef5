/**
 * Trains the seed models with Quern and with its peers in turns, and prints how many times as fast Quern is.
 *
 *     npm run build && PYTHON=<python with requirements.txt> node bench/peers/run.js [options]
 *
 *     --quick           seconds instead of minutes
 *     --models mlp,cnn  default: both
 *     --images a,b      of mnist, fashion-mnist and random; default: mnist,random. All train on the same.
 *     --peers a,b       parts of names, such as torch,tfjs; default: all
 *     --threads n       for everybody that has threads; default: all processors
 *     --out folder      results as JSON and SVG
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../../dist/bench/support/format.js';
import { describeMachine, describeVersions } from '../../dist/bench/support/machine.js';
import { interleave, rateOf, speedUp } from '../../dist/bench/support/measure.js';
import { writeResult } from '../../dist/bench/support/results.js';
import { loadDataset } from '../../dist/src/data/catalog/datasets.js';
import { PeerEnded, PeerProcess } from './peerProcess.js';
import { peers, quern } from './peers.js';
import { batch } from './protocol.js';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    models: { type: 'string', default: 'mlp,cnn' },
    images: { type: 'string', default: 'mnist,random' },
    peers: { type: 'string', default: '' },
    threads: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string' },
  },
});

const sampling = options.quick
  ? { rounds: 3, seconds: 0.5, warmUpSeconds: 0.5, pauseSeconds: 0.1 }
  : { rounds: 9, seconds: 2, warmUpSeconds: 4, pauseSeconds: 0.4 };
/** Whoever needs longer for one step is not waited for again: that one step is its number. */
const patience = 5 * sampling.seconds;
const threads = Number(options.threads);
const wanted = options.peers.toLowerCase().split(',');
const titles = { mlp: 'MLP 784-128-128-10', cnn: 'CNN 32@3x3, 64@3x3, 128, 10' };

const progress = (text) => console.error(text);

/** Starts everybody, one after another: started together they would be in each other's way. */
async function startAll(model, images) {
  const running = [];
  const unavailable = [];
  const candidates = peers.filter(
    ({ name, models = ['mlp', 'cnn'] }) =>
      models.includes(model) && wanted.some((part) => name.toLowerCase().includes(part)),
  );
  for (const candidate of [...quern, ...candidates]) {
    const peer = new PeerProcess(candidate, model, { threads, images: images.folder });
    progress(`${model}, ${images.name}: ${peer.title} starts`);
    const reason = await peer.start();
    if (reason === undefined) running.push(peer);
    else unavailable.push({ peer, reason });
  }
  return { running, unavailable };
}

/** Splits off the slow ones, each with the seconds of a single step. */
async function trySpeeds(running) {
  const slow = new Map();
  for (const peer of running) {
    const started = performance.now();
    await peer.run(1);
    const seconds = (performance.now() - started) / 1000;
    if (seconds > patience) slow.set(peer, [{ seconds }]);
  }
  return slow;
}

/** Samples of all peers; one that ends on the way is left out, and the others begin again. */
async function measure(model, running, unavailable) {
  const slow = await trySpeeds(running);
  let fast = running.filter((peer) => !slow.has(peer));
  for (;;) {
    try {
      const subjects = fast.map((peer) => ({ name: peer.title, run: (repeats) => peer.run(repeats) }));
      const samples = await interleave(subjects, sampling, (round) =>
        progress(`${model}: round ${round} of ${sampling.rounds}`),
      );
      return new Map([...fast.map((peer) => [peer, samples.get(peer.title)]), ...slow]);
    } catch (error) {
      if (!(error instanceof PeerEnded) || error.peer.name === 'Quern') throw error;
      unavailable.push({ peer: error.peer, reason: error.reason });
      fast = fast.filter((peer) => peer !== error.peer);
    }
  }
}

/** How many times as fast Quern is; against a peer with a single sample, by Quern's own median. */
function ratio(own, other) {
  if (other.length === own.length) return speedUp(own, other);
  return other[0].seconds * rateOf(own, 1).median;
}

const rows = [];
const notes = [];
const plots = [];

/** Lays the training images of a dataset where every peer reads them; gives the folder, or '' for random ones. */
async function layImages(name, folder) {
  if (name === 'random') return '';
  const { train } = await loadDataset(name, { offline: true });
  const own = join(folder, name);
  await mkdir(own);
  await writeFile(join(own, 'images'), train.images);
  await writeFile(join(own, 'labels'), train.labels);
  return own;
}

async function compare(model, images) {
  const title = `${titles[model]}, ${images.name}`;
  const { running, unavailable } = await startAll(model, images);
  try {
    if (running[0]?.title !== 'Quern') throw new Error(`Quern does not run: ${unavailable[0].reason}`);
    const samples = await measure(model, running, unavailable);
    const own = samples.get(running[0]);
    const fastest = running.find(({ name, variant }) => name === 'Quern' && variant !== '');
    const ranked = [...samples].sort((a, b) => rateOf(b[1], 1).median - rateOf(a[1], 1).median);
    const ratios = (measured) => ({
      ratio: ratio(own, measured),
      ...(fastest && { fastest: ratio(samples.get(fastest), measured) }),
    });
    for (const [peer, measured] of ranked) {
      rows.push({
        model: title,
        peer: peer.title,
        images: rateOf(measured, batch),
        ...(peer.name === 'Quern' ? {} : ratios(measured)),
        version: peer.version,
        settings: peer.settings,
      });
      if (!Number.isFinite(peer.loss)) notes.push(`${title}: the loss of ${peer.title} is no finite number.`);
    }
    const best = (of) => ranked.find(([peer]) => peer.name !== 'Quern' && of(peer));
    for (const [what, of] of [
      ['peer', () => true],
      ['JavaScript peer', (peer) => peer.javascript],
    ]) {
      const found = best(of);
      if (found === undefined) continue;
      for (const one of fastest ? [running[0], fastest] : [running[0]]) {
        const against = ratio(samples.get(one), found[1]);
        const times = (typeof against === 'number' ? against : against.median).toFixed(2);
        notes.push(`${title}: ${one.title} ÷ the best ${what}, ${found[0].title}: ${times}`);
      }
    }
    for (const { peer, reason } of unavailable) notes.push(`${title}: not ${peer.title}: ${reason}`);
    plots.push({
      name: `${model}-${images.name}`,
      title: `Training the ${title}, batches of ${batch}, ${threads} threads`,
      kind: 'bar',
      x: { title: '', values: ranked.map(([peer]) => peer.title) },
      y: { title: 'images/s' },
      series: [{ name: 'images/s', values: ranked.map(([, measured]) => rateOf(measured, batch).median) }],
    });
  } finally {
    await Promise.all(running.map((peer) => peer.stop()));
  }
}

const date = new Date().toISOString();
const [machine, versions] = [describeMachine(), describeVersions()];
const started = performance.now();
const folder = await mkdtemp(join(tmpdir(), 'quern-peers-'));
try {
  for (const name of options.images.split(',')) {
    const images = { name, folder: await layImages(name, folder) };
    for (const model of options.models.split(',')) await compare(model, images);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const result = {
  bench: 'peers',
  question:
    'How many times as fast does Quern train the seed models as other libraries do on the same machine?',
  date,
  seconds: (performance.now() - started) / 1000,
  machine,
  versions,
  quick: options.quick,
  sampling,
  columns: [
    { key: 'model', title: 'model' },
    { key: 'peer', title: 'library' },
    { key: 'images', title: 'images/s' },
    { key: 'ratio', title: 'Quern ÷ it' },
    ...(quern.length > 1 ? [{ key: 'fastest', title: `${quern[1].variant} ÷ it` }] : []),
    { key: 'version', title: 'version' },
    { key: 'settings', title: 'settings' },
  ],
  rows,
  notes: [`Batches of ${batch}, ${threads} threads, in turns, ${sampling.rounds} rounds; medians.`, ...notes],
  backends: [],
  plots,
};
console.log(`${result.question}\n\n${formatTable(result)}\n`);
for (const note of result.notes) console.log(note);
console.log(
  `${machine.cpu}, ${machine.processors} processors, load ${machine.load.toFixed(1)}, Node ${versions.node}`,
);
if (options.out !== undefined) {
  for (const path of await writeResult(options.out, result)) console.error(`written: ${path}`);
}
