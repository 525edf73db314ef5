/**
 * Some training steps of the two seed models, for every backend and place: it needs nothing but the library that it is
 * given. Batches, initial weights and dropout masks follow from the options alone.
 */
import type * as Quern from '../../src/browser.js';

export interface SeedOptions {
  readonly model: 'mlp' | 'cnn';
  readonly batch: number;
  readonly steps: number;
  readonly optimizer: 'sgd' | 'adam';
  /** Default true. */
  readonly optimize?: boolean;
  /** Makes each step a run of its own, whose loss is read; else all are one run. Default true. */
  readonly apart?: boolean;
  /** Gives what the optimizer remembers after the last step. Default false. */
  readonly states?: boolean;
}

export interface SeedTraining extends SeedOptions {
  readonly engine: Quern.BackendOptions;
}

export interface SeedResult {
  readonly report: Quern.BackendReport;
  /** Of every step, or of the last if they are one run. */
  readonly losses: readonly number[];
  /** From the start of each step to the next; the last ends when the run is over. */
  readonly milliseconds: readonly number[];
  /** Those of all parameters, one after the other. */
  readonly states?: readonly number[];
}

const side = 28;

/** `[784-128-128-10]` with relu, or two convolutions of 3x3 ('valid') with 32 and 64 filters and two dense layers. */
function layersOf(quern: typeof Quern, model: SeedTraining['model']) {
  const { conv2d, dense, dropout, flatten, maxPool2d, relu, sequential } = quern;
  if (model === 'mlp') {
    return sequential([flatten(), dense(128), relu(), dense(128), relu(), dense(10)]);
  }
  return sequential([
    ...[conv2d(32, 3), relu(), maxPool2d(2), conv2d(64, 3), relu(), maxPool2d(2)],
    ...[dropout(0.25), flatten(), dense(128), relu(), dropout(0.5), dense(10)],
  ]);
}

/** Images whose class is a bright band, in noise; integers alone. */
function batchesOf(batch: number, steps: number) {
  const labels = Int32Array.from({ length: steps * batch }, (_, i) => (i * 7 + (i >> 3)) % 10);
  const images = new Uint8Array(steps * batch * side * side);
  for (let i = 0; i < images.length; i++) {
    const [image, pixel] = [Math.floor(i / (side * side)), i % (side * side)];
    const bright = Math.floor((pixel * 10) / (side * side)) === labels[image];
    const noise = (Math.imul(i + 1, 0x9e3779b1) >>> 24) % 64;
    images[i] = (bright ? 160 : 0) + noise;
  }
  return { images, labels };
}

export async function trainSeedModel(quern: typeof Quern, options: SeedTraining): Promise<SeedResult> {
  const engine = await quern.openEngine(options.engine);
  try {
    return await trainOn(quern, engine, options);
  } finally {
    await engine.close();
  }
}

/** Several trainings, one after the other in one engine: a device keeps the kernels that they have in common. */
export async function trainSeedModels(
  quern: typeof Quern,
  { engine: backend, trainings }: { engine: Quern.BackendOptions; trainings: readonly SeedOptions[] },
): Promise<SeedResult[]> {
  const engine = await quern.openEngine(backend);
  const results: SeedResult[] = [];
  try {
    for (const options of trainings) results.push(await trainOn(quern, engine, options));
  } finally {
    await engine.close();
  }
  return results;
}

async function trainOn(quern: typeof Quern, engine: Quern.Engine, options: SeedOptions): Promise<SeedResult> {
  const { batch, steps, optimize = true, apart = true } = options;
  const { crossEntropy, gradients, leaves, Model } = quern;
  const optimizer = options.optimizer === 'sgd' ? quern.sgd({ learningRate: 0.1 }) : quern.adam(0.001);
  const model = new Model(layersOf(quern, options.model), [side, side, 1], 4);
  const { parameters } = model;
  const built = optimizer.build(parameters);
  const count = leaves.state('steps', [], 0, 'int32');
  const data = batchesOf(batch, steps);
  const step = engine.compile(
    ({ images, labels, rate }) => {
      const next = count.add(1);
      const x = images.cast('float32').multiply(1 / 255);
      const { output, updates } = model.apply(x, { training: true, step: count });
      const loss = crossEntropy(output, labels);
      const changes = built.updates(gradients(loss, parameters), rate, next);
      return { outputs: { loss }, updates: [...updates, ...changes, [count, next]] };
    },
    {
      images: { shape: [batch, side, side, 1], dtype: 'uint8' },
      labels: { shape: [batch], dtype: 'int32' },
      rate: { shape: [] },
    },
    { optimize },
  );
  const pixels = batch * side * side;
  const feedsOf = (first: number, last: number) => ({
    images: data.images.subarray(first * pixels, last * pixels),
    labels: data.labels.subarray(first * batch, last * batch),
    rate: new Float32Array(last - first).fill(optimizer.learningRate),
  });
  const losses: number[] = [];
  const milliseconds: number[] = [];
  let before = performance.now();
  const lap = () => {
    milliseconds.push(performance.now() - before);
    before = performance.now();
  };
  if (apart) {
    for (let i = 0; i < steps; i++) {
      losses.push((await step.run(feedsOf(i, i + 1))).loss.get());
      lap();
    }
  } else {
    const onProgress = (finished: number) => finished < steps && lap();
    losses.push((await step.run(feedsOf(0, steps), { steps, onProgress })).loss.get());
    lap();
  }
  const states: number[] = [];
  for (const leaf of options.states === true ? built.states : []) {
    for (const value of (await engine.read(leaf)).data as Float32Array) states.push(value);
  }
  const { report } = engine;
  return { report, losses, milliseconds, ...(options.states === true && { states }) };
}

/** The largest relative difference of two lists of losses. */
export function worstDifference(actual: readonly number[], expected: readonly number[]): number {
  return Math.max(...actual.map((loss, i) => Math.abs(loss - expected[i]!) / Math.abs(expected[i]!)));
}
