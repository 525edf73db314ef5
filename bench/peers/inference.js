/**
 * Predicts with Quern, ONNX Runtime (Python, on the CPU) and onnxruntime-web in turns: the same weights, by `exportModel`,
 * the same uint8 images, probabilities out. Prints how many times as fast Quern is, by batch.
 *
 *     npm run build && PYTHON=<python with onnxruntime> node bench/peers/inference.js [options]
 *
 *     --models cnn,fashion-cnn  default: both
 *     --batches 1,256           default
 *     --quick                   seconds instead of minutes
 *     --native                  Quern as machine code: run this by a Node that has it
 *     --threads n               for everybody; default: all processors
 *     --out folder              results as JSON and SVG
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-web';
import { formatTable } from '../../dist/bench/support/format.js';
import { describeMachine, describeVersions } from '../../dist/bench/support/machine.js';
import { interleave, rateOf, secondsOf, speedUp } from '../../dist/bench/support/measure.js';
import { writeResult } from '../../dist/bench/support/results.js';
import { imagesFor, seedLayer, seedModelTitles } from '../../dist/bench/support/seedModels.js';
import { openEngine } from '../../dist/src/engine/engine.js';
import { exportModel } from '../../dist/src/formats/export.js';
import { Model } from '../../dist/src/nn/model.js';
import { TrainedModel } from '../../dist/src/training/files/trainedModel.js';
import { plainPixels } from '../../dist/src/training/inference/normalization.js';
import { PeerProcess } from './peerProcess.js';

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'cnn,fashion-cnn' },
    batches: { type: 'string', default: '1,256' },
    quick: { type: 'boolean', default: false },
    native: { type: 'boolean', default: false },
    threads: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string' },
  },
});
const threads = Number(options.threads);
const sampling = options.quick
  ? { rounds: 3, seconds: 0.3, warmUpSeconds: 0.5, pauseSeconds: 0.05 }
  : { rounds: 15, seconds: 1, warmUpSeconds: 3, pauseSeconds: 0.2 };
const python = process.env.PYTHON ?? 'python3';
ort.env.logLevel = 'error';
ort.env.wasm.numThreads = threads;

const started = performance.now();
const date = new Date().toISOString();
const folder = await mkdtemp(join(tmpdir(), 'quern-inference-'));
const engine = await openEngine({ threads, native: options.native ? 'on' : 'off' });
const [rows, notes, plots] = [[], [], []];

async function compare(name) {
  const dataset = await imagesFor(name);
  const model = new Model(seedLayer(name), dataset.shape);
  const { numerics } = engine.report;
  const { classes, name: from } = dataset;
  const trained = new TrainedModel(engine, model, {
    ...{ classes, numerics, dataset: from, recipe: undefined },
    normalization: plainPixels,
  });
  const { files } = await exportModel(trained, 'onnx');
  const path = join(folder, `${name}.onnx`);
  await writeFile(path, files[0].bytes);
  await writeFile(join(folder, 'images'), dataset.images);
  await writeFile(join(folder, 'labels'), dataset.labels);
  const session = await ort.InferenceSession.create(files[0].bytes);
  for (const batch of options.batches.split(',').map(Number)) {
    const images = dataset.images.slice(0, batch * 784);
    const tensor = new ort.Tensor('uint8', images, [batch, 28, 28, 1]);
    const peer = new PeerProcess(
      { name: 'ONNX Runtime', variant: String(batch), command: [python, 'onnx_peer.py'] },
      path,
      { threads, images: folder },
    );
    const reason = await peer.start();
    if (reason !== undefined) notes.push(`not ONNX Runtime: ${reason}`);
    const repeat = (work) => async (repeats) => {
      for (let i = 0; i < repeats; i++) await work();
    };
    const subjects = [
      { name: 'Quern', run: repeat(() => trained.predict(images)) },
      { name: 'onnxruntime-web', run: repeat(() => session.run({ images: tensor }, ['probabilities'])) },
      ...(reason === undefined ? [{ name: 'ONNX Runtime', run: (repeats) => peer.run(repeats) }] : []),
    ];
    try {
      const samples = await interleave(subjects, sampling);
      const own = samples.get('Quern');
      for (const [who, measured] of samples) {
        rows.push({
          ...{ model: seedModelTitles[name], batch, who, milliseconds: 1000 * secondsOf(measured).median },
          images: rateOf(measured, batch),
          ...(who === 'Quern' ? {} : { ratio: speedUp(own, measured) }),
        });
      }
      plots.push({
        name: `${name}-${batch}`,
        title: `Predictions of ${seedModelTitles[name]}, batches of ${batch}, ${threads} threads`,
        kind: 'bar',
        x: { title: '', values: [...samples.keys()] },
        y: { title: 'images/s' },
        series: [{ name: 'images/s', values: [...samples.values()].map((one) => rateOf(one, batch).median) }],
      });
    } finally {
      await peer.stop();
    }
    console.error(`${name}, batches of ${batch}`);
  }
  await session.release();
}

try {
  for (const name of options.models.split(',')) await compare(name);
} finally {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
}
const result = {
  bench: 'inference',
  question: 'How many times as fast does Quern predict as ONNX Runtime does?',
  ...{ date, seconds: (performance.now() - started) / 1000, machine: describeMachine() },
  ...{ versions: describeVersions(), quick: options.quick, sampling },
  columns: [
    { key: 'model', title: 'model' },
    { key: 'batch', title: 'batch' },
    { key: 'who', title: 'who' },
    { key: 'milliseconds', title: 'ms' },
    { key: 'images', title: 'images/s' },
    { key: 'ratio', title: 'Quern ÷ it' },
  ],
  rows,
  notes: [
    `${threads} threads, in turns, ${sampling.rounds} rounds; medians. ${engine.report.numerics}.`,
    ...notes,
  ],
  ...{ backends: [engine.report], plots },
};
console.log(`${result.question}\n\n${formatTable(result)}\n`);
for (const note of result.notes) console.log(note);
if (options.out !== undefined) {
  for (const path of await writeResult(options.out, result)) console.error(`written: ${path}`);
}
process.exit(0);
