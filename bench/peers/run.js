/**
 * Trains models with Quern and with its peers in turns, and prints how many times as fast Quern is. A sample is an epoch
 * (464 of its 468 whole batches: 29 groups of 16), or so many steps as a slow peer does in some seconds. What trains whole
 * epochs in one call, as users do (`fit`), is compared with Quern's `fit`, the others with its steps.
 *
 *     npm run build && PYTHON=<python with requirements.txt> node bench/peers/run.js [options]
 *
 *     --quick           few rounds, and slow peers do fewer steps
 *     --models a,b      of mlp, cnn, fashion-cnn and fashion-resnet; default: the first three. The last two are the networks of
 *                       these recipes, trained by Adam at a constant rate and without augmentation
 *     --images a,b      of mnist, fashion-mnist and random; default: fashion-mnist for fashion-cnn, mnist for the others;
 *                       then random. All train on the same.
 *     --data-dir folder where the images lie; default: the cache, or what npm ci brought
 *     --peers a,b       parts of names, or settings: torch,tfjs or eager,fit; default: all
 *     --threads n       for everybody that has threads; default: all processors
 *     --native width    avx2 or avx512, of Quern's machine code (NODE26); default: the widest
 *     --out folder      results as JSON and SVG
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../../dist/bench/support/format.js';
import { describeMachine, describeVersions } from '../../dist/bench/support/machine.js';
import { rateOf, speedUp } from '../../dist/bench/support/measure.js';
import { writeResult } from '../../dist/bench/support/results.js';
import { loadDataset } from '../../dist/src/data/catalog/datasets.js';
import { PeerEnded, PeerProcess } from './peerProcess.js';
import { peers, quern } from './peers.js';
import { batch, count } from './protocol.js';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    models: { type: 'string', default: 'mlp,cnn,fashion-cnn' },
    images: { type: 'string' },
    peers: { type: 'string', default: '' },
    threads: { type: 'string', default: String(availableParallelism()) },
    native: { type: 'string' },
    'data-dir': { type: 'string' },
    out: { type: 'string' },
  },
});

/** `most`: seconds that a sample may take, of peers that can do less than an epoch. */
const sampling = options.quick
  ? { rounds: 3, most: 1, warmUp: 1, pauseSeconds: 0.1 }
  : { rounds: 7, most: 15, warmUp: 4, pauseSeconds: 0.4 };
/** Batches of an epoch in whole groups of 16. */
const epoch = Math.floor(count / batch / 16) * 16;
const threads = Number(options.threads);
const wanted = options.peers.toLowerCase().split(',');
const titles = {
  mlp: 'MLP 784-128-128-10',
  cnn: 'CNN 32@3x3, 64@3x3, 128, 10',
  'fashion-cnn': 'fashion-cnn',
  'fashion-resnet': 'fashion-resnet',
};

// for quern.js
if (options.native !== undefined) process.env.QUERN_NATIVE = options.native;

const progress = (text) => console.error(text);

/** Starts everybody, one after another: started together they would be in each other's way. */
async function startAll(model, images) {
  const running = [];
  const unavailable = [];
  const candidates = peers.filter(
    ({ name, variant, models = ['mlp', 'cnn'] }) =>
      models.includes(model) && wanted.some((part) => name.toLowerCase().includes(part) || variant === part),
  );
  // whole epochs of fit where somebody is to be compared with them, steps alone in any case
  const own = quern.filter(({ epochs }) => !epochs || candidates.some((one) => one.epochs));
  for (const candidate of [...own, ...candidates]) {
    const peer = new PeerProcess(candidate, model, { threads, images: images.folder });
    progress(`${model}, ${images.name}: ${peer.title} starts`);
    const reason = await peer.start();
    if (reason === undefined) running.push(peer);
    else unavailable.push({ peer, reason });
  }
  return { running, unavailable };
}

/** Trains some batches; gives the seconds of one. */
async function timed(peer, steps) {
  const started = performance.now();
  const done = await peer.run(steps);
  return (performance.now() - started) / 1000 / done;
}

/** Runs a peer until it is warm; gives how many batches its samples have. */
async function warmUp(peer) {
  const started = performance.now();
  for (let steps = 1; ; ) {
    const seconds = await timed(peer, steps);
    const fitting = Math.min(epoch, Math.floor(sampling.most / seconds));
    // in whole groups where there is one: peers are at their best then
    const wanted = fitting < 16 ? Math.max(1, fitting) : fitting - (fitting % 16);
    if (peer.epochs || (performance.now() - started) / 1000 > sampling.warmUp || seconds > sampling.most)
      return wanted;
    // the first batches are the slowest
    steps = Math.min(wanted, steps * 8);
  }
}

/** Samples of all peers, round by round; one that ends on the way is left out. */
async function measure(model, running, unavailable) {
  const samples = new Map(running.map((peer) => [peer, []]));
  const attempt = async (peer, work) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PeerEnded) || peer.name === 'Quern') throw error;
      unavailable.push({ peer, reason: error.reason });
      samples.delete(peer);
      return undefined;
    }
  };
  const steps = new Map();
  for (const peer of running) steps.set(peer, await attempt(peer, () => warmUp(peer)));
  for (let round = 1; round <= sampling.rounds; round++) {
    for (const [peer, own] of [...samples]) {
      await new Promise((resolve) => setTimeout(resolve, sampling.pauseSeconds * 1000));
      const seconds = await attempt(peer, () => timed(peer, steps.get(peer)));
      if (seconds !== undefined) own.push({ seconds });
    }
    progress(`${model}: round ${round} of ${sampling.rounds}`);
  }
  return samples;
}

const rows = [];
const notes = [];
const plots = [];

/** Folders by the name of their images. */
const laid = new Map();

/** Lays the training images of a dataset where every peer reads them; gives the folder, or '' for random ones. */
async function layImages(name, folder) {
  if (name === 'random') return '';
  if (laid.has(name)) return laid.get(name);
  const { train } = await loadDataset(name, { offline: true, dataDirectory: options['data-dir'] });
  const own = join(folder, name);
  await mkdir(own);
  await writeFile(join(own, 'images'), train.images);
  await writeFile(join(own, 'labels'), train.labels);
  laid.set(name, own);
  return own;
}

async function compare(model, images) {
  const title = `${titles[model]}, ${images.name}`;
  const { running, unavailable } = await startAll(model, images);
  try {
    if (running[0]?.title !== 'Quern') throw new Error(`Quern does not run: ${unavailable[0].reason}`);
    const samples = await measure(model, running, unavailable);
    const ours = running.filter(({ name }) => name === 'Quern');
    /** Of the same kind: steps alone, or whole epochs of fit; in WebAssembly, or in the fastest setting. */
    const ownFor = ({ epochs }, fast) =>
      ours.filter(
        (one) => one.epochs === epochs && (one.variant === '' || one.variant === 'fit') !== fast,
      )[0];
    const fastest = ours.some(({ variant }) => variant !== '' && variant !== 'fit');
    const ranked = [...samples].sort((a, b) => rateOf(b[1], 1).median - rateOf(a[1], 1).median);
    const ratios = (peer, measured) => ({
      ratio: speedUp(samples.get(ownFor(peer, false)), measured),
      ...(fastest && { fastest: speedUp(samples.get(ownFor(peer, true)), measured) }),
    });
    for (const [peer, measured] of ranked) {
      rows.push({
        model: title,
        peer: peer.title,
        images: rateOf(measured, batch),
        ...(peer.name === 'Quern' ? {} : ratios(peer, measured)),
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
      for (const fast of fastest ? [false, true] : [false]) {
        for (const one of ours.filter((each) => each === ownFor(each, fast))) {
          const times = speedUp(samples.get(one), found[1]).median.toFixed(2);
          notes.push(`${title}: ${one.title} ÷ the best ${what}, ${found[0].title}: ${times}`);
        }
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
  for (const model of options.models.split(',')) {
    const usual = `${model.startsWith('fashion') ? 'fashion-mnist' : 'mnist'},random`;
    for (const name of (options.images ?? usual).split(',')) {
      await compare(model, { name, folder: await layImages(name, folder) });
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const result = {
  bench: 'peers',
  question: 'How many times as fast does Quern train as other libraries do on the same machine?',
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
    ...(quern.length > 2 ? [{ key: 'fastest', title: `${quern.at(-2).variant} ÷ it` }] : []),
    { key: 'version', title: 'version' },
    { key: 'settings', title: 'settings' },
  ],
  rows,
  notes: [
    `Batches of ${batch}, ${threads} threads, in turns, ${sampling.rounds} rounds of epochs; medians.`,
    ...notes,
  ],
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
