/**
 * The side of the page in the comparison with tfjs (browser.js): the same work on Quern's gpu backend and on a backend of
 * tfjs, in turns. The page has tfjs as the global `tf`.
 */

import { randomDataset, seedLayer } from '/dist/bench/support/seedModels.js';
import { median } from '/dist/bench/support/statistics.js';
import { adam, leaves, Model, openEngine } from '/dist/src/browser.js';
import { conv2d, matmul } from '/dist/src/ops.js';
import { StreamedFeed } from '/dist/src/training/feeds/streamed.js';
import { FitStep } from '/dist/src/training/fit/step.js';
import { layersOf } from '/peers/tfjsLayers.js';

const { tf } = globalThis;
const pixels = 28 * 28;
/** Batches are drawn from so many images: those that Quern keeps on the device must find room there. */
const count = 1024;
const learningRate = 0.001;
const tfjsBackends = { webgl2: 'webgl', webgpu: 'webgpu' };

const random = (shape) =>
  Float32Array.from(
    { length: shape.reduce((product, extent) => product * extent, 1) },
    () => Math.random() - 0.5,
  );

/** Operands and the result stay on the device; only the end is waited for. */
function quernOperation(engine, operands, build) {
  const inputs = operands.map(({ shape, values }, i) => leaves.state(`operand ${i}`, shape, values));
  const value = build(...inputs);
  const result = leaves.state('result', value.shape, 0);
  const step = engine.compile(() => ({ updates: [[result, value]] }), {});
  return {
    run: (repeats) => step.run({}, { steps: repeats }),
    result: async () => (await engine.read(result)).data,
  };
}

/** The same. tfjs has no way to wait but to read: one number, at the end. */
function tfjsOperation(operands, build) {
  const tensors = operands.map(({ shape, values }) => tf.tensor(values, shape));
  return {
    run: async (repeats) => {
      for (let i = 1; i < repeats; i++) build(...tensors).dispose();
      const last = build(...tensors);
      const corner = tf.slice(last, new Array(last.rank).fill(0), new Array(last.rank).fill(1));
      await corner.data();
      tf.dispose([last, corner]);
    },
    result: async () => {
      const result = build(...tensors);
      const values = await result.data();
      result.dispose();
      return values;
    },
  };
}

/** A step as `fit` runs it on this backend: fed batches of bytes, nothing is read. */
function quernTraining(engine, name, dataset, batch) {
  const model = new Model(seedLayer(name), dataset.shape);
  const step = new FitStep(engine, model, new StreamedFeed(dataset, { batchSize: batch }), {
    optimizer: adam(),
  });
  const compiled = step.compile(batch);
  return {
    run: (repeats) => {
      const feeds = {
        images: repeated(dataset.images, repeats * batch * pixels),
        labels: repeated(dataset.labels, repeats * batch),
        learningRate: new Float32Array(repeats).fill(learningRate),
      };
      return compiled.run(feeds, { steps: repeats });
    },
    loss: async () => (await step.metrics.read(engine)).loss,
  };
}

/** So many elements, from the beginning again at the end. */
function repeated(values, length) {
  const result = new Uint8Array(length);
  for (let at = 0; at < length; at += values.length) result.set(values.subarray(0, length - at), at);
  return result;
}

/** minimize() of one batch that the host gathers, normalized before; the last loss is read, since nothing else waits. */
function tfjsTraining(model, { images, labels }, batch) {
  const scaled = Float32Array.from(images, (value) => value / 255);
  const net = tf.sequential({ layers: layersOf(tf, model) });
  const optimizer = tf.train.adam(learningRate);
  const shape = model === 'mlp' ? [batch, pixels] : [batch, 28, 28, 1];
  let at = 0;
  let last = Number.NaN;
  const step = () => {
    at = at + batch > count ? 0 : at;
    const x = tf.tensor(scaled.slice(at * pixels, (at + batch) * pixels), shape);
    const y = tf.oneHot(tf.tensor1d(Int32Array.from(labels.subarray(at, at + batch)), 'int32'), 10);
    at += batch;
    return optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, net.apply(x, { training: true })), true);
  };
  return {
    run: async (repeats) => {
      for (let i = 1; i < repeats; i++) tf.tidy(() => void step());
      const loss = tf.tidy(step);
      [last] = await loss.data();
      loss.dispose();
    },
    loss: () => last,
  };
}

/** What is to be measured: for Quern and tfjs alike, given an engine. */
function prepare({ kind, shapes, model, batch }, engine, dataset) {
  if (kind === 'training') {
    return { quern: quernTraining(engine, model, dataset, batch), tfjs: tfjsTraining(model, dataset, batch) };
  }
  const operands = shapes.map((shape) => ({ shape, values: random(shape) }));
  return kind === 'matmul'
    ? { quern: quernOperation(engine, operands, matmul), tfjs: tfjsOperation(operands, tf.matMul) }
    : {
        quern: quernOperation(engine, operands, (x, w) => conv2d(x, w)),
        tfjs: tfjsOperation(operands, (x, w) => tf.conv2d(x, w, 1, 'valid')),
      };
}

async function checkEqual(quern, tfjs) {
  const [own, other] = [await quern.result(), await tfjs.result()];
  const worst = own.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);
  if (!(own.length === other.length && worst < 1e-3)) throw new Error(`the results differ by ${worst}`);
}

async function checkFinite({ quern, tfjs }) {
  const losses = [await quern.loss(), await tfjs.loss()];
  if (!losses.every(Number.isFinite)) throw new Error(`the losses are ${losses.join(' and ')}`);
}

/** Milliseconds of one repetition. */
async function timed({ run }, repeats) {
  const started = performance.now();
  await run(repeats);
  return (performance.now() - started) / repeats;
}

/**
 * Measures one piece of work in one mode.
 *
 * @returns the milliseconds of every round, the medians' ratio, and what computed
 */
async function compare({ mode, work, rounds, seconds }) {
  await tf.setBackend(tfjsBackends[mode]);
  await tf.ready();
  const engine = await openEngine({ backend: 'gpu', gpuMode: mode });
  try {
    const pair = prepare(work, engine, randomDataset(count));
    const sides = [pair.quern, pair.tfjs];
    const repeats = [];
    for (const side of sides) {
      // the first repetitions compile
      await side.run(2);
      const once = await timed(side, 1);
      repeats.push(Math.max(1, Math.round((1000 * seconds) / once)));
    }
    const taken = [[], []];
    for (let round = 0; round < rounds; round++) {
      for (const [i, side] of sides.entries()) taken[i].push(await timed(side, repeats[i]));
    }
    if (work.kind === 'training') await checkFinite(pair);
    else await checkEqual(pair.quern, pair.tfjs);
    const [quern, tfjs] = taken;
    const ratio = median(quern.map((own, round) => own / tfjs[round]));
    return { quern, tfjs, ratio, adapter: engine.report.adapter };
  } finally {
    await engine.close();
    tf.disposeVariables();
  }
}

globalThis.compareWithTfjs = compare;
