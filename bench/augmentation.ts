import type { Augmentation } from '../src/data/augment/augmentation.js';
import { type Augmenter, createAugmenter } from '../src/data/augment/augmenter.js';
import { Filler } from '../src/data/augment/filler.js';
import { imageSize } from '../src/data/dataset.js';
import { openEngine } from '../src/engine/engine.js';
import type { Bench, Context, Row } from './support/bench.js';
import { withThreads } from './support/bench.js';
import { ensure } from './support/ensure.js';
import { interleave, rateOf, type Subject } from './support/measure.js';
import { randomDataset, SeedTraining, seedModelTitles } from './support/seedModels.js';

const affine: Augmentation = { shift: 2, rotate: 10, scale: [0.9, 1.1], shear: 6 };
const elastic = { alpha: 34, sigma: 4 };

const augmentations: Readonly<Record<string, Augmentation>> = {
  'flip, crop': { flip: 'horizontal', crop: 2 },
  'flip, crop, erase': { flip: 'horizontal', crop: 2, erase: {} },
  'shift, rotate, scale, shear': affine,
  elastic: { elastic },
  'all of them': { ...affine, elastic, flip: 'horizontal', crop: 2, erase: {} },
};

const batch = 128;
/** Steps of training that a window of augmented images is for. */
const stepsOf = (quick: boolean) => (quick ? 4 : 32);

/** Where images are augmented while a model trains; the first is the default of `createAugmenter`. */
const places: Readonly<Record<string, number | undefined>> = {
  'on 1 worker': 1,
  'on 2 workers': 2,
  'between steps': 0,
  'not at all': undefined,
};

/** Trains a window and has the next one augmented meanwhile, as fit does. */
function trainingSubject(
  name: string,
  training: SeedTraining,
  augmenter: Augmenter | undefined,
  steps: number,
): Subject {
  const window = batch * steps;
  const indices = Int32Array.from({ length: window }, (_, i) => i);
  const target = new Uint8Array(new SharedArrayBuffer(window * 28 * 28));
  return {
    name,
    run: async (repeats) => {
      for (let i = 0; i < repeats; i++) {
        const filled = augmenter?.fill(indices, i, target);
        if (augmenter?.workers === 0) await filled;
        await training.run(batch, steps);
        await filled;
      }
    },
  };
}

async function fillRows({ sampling, progress }: Context): Promise<Row[]> {
  const dataset = randomDataset(1024);
  const indices = Int32Array.from({ length: dataset.count }, (_, i) => i);
  const target = new Uint8Array(dataset.count * imageSize(dataset));
  const subjects = Object.entries(augmentations).map(([name, augmentation]): Subject => {
    const filler = new Filler(dataset.images, dataset.shape, augmentation, 1);
    return {
      name,
      run: async (repeats) => {
        for (let epoch = 0; epoch < repeats; epoch++) filler.fill(indices, epoch, target, [0, dataset.count]);
      },
    };
  });
  const samples = await interleave(subjects, sampling, (round) => progress(`transforms, round ${round}`));
  return [...samples].map(([augmentation, own]) => ({
    augmentation,
    training: 'none',
    threads: 1,
    images: rateOf(own, dataset.count),
  }));
}

async function trainingRows({ sampling, progress, backend, threads, quick }: Context) {
  const count = Math.max(...threads);
  const steps = stepsOf(quick);
  const dataset = randomDataset(quick ? 8192 : 16384);
  const engine = await openEngine(withThreads(backend, count));
  const augmenters: Augmenter[] = [];
  try {
    const training = new SeedTraining(engine, 'cnn', dataset);
    const subjects = Object.entries(places).map(([name, workers]) => {
      if (workers === undefined) return trainingSubject(name, training, undefined, steps);
      const augmenter = createAugmenter(dataset, affine, 1, { workers });
      augmenters.push(augmenter);
      return trainingSubject(name, training, augmenter, steps);
    });
    const samples = await interleave(subjects, sampling, (round) => progress(`training, round ${round}`));
    const loss = await training.loss();
    ensure(Number.isFinite(loss), `the training went wrong: the loss is ${loss}`);
    const rows = [...samples].map(
      ([place, own]): Row => ({
        augmentation: place === 'not at all' ? 'none' : `shift, rotate, scale, shear, ${place}`,
        training: seedModelTitles.cnn,
        threads: count,
        images: rateOf(own, batch * steps),
      }),
    );
    return { rows, report: engine.report };
  } finally {
    await Promise.all(augmenters.map((augmenter) => augmenter.close()));
    await engine.close();
  }
}

export const bench: Bench = {
  question: 'How many images a second are augmented, and what does it cost a training on all threads?',
  async run(context) {
    const filled = await fillRows(context);
    const { rows, report } = await trainingRows(context);
    const median = ({ images }: Row) => (images as { median: number }).median;
    const plot = (name: string, title: string, of: readonly Row[]) => ({
      name,
      title,
      kind: 'bar' as const,
      x: { title: '', values: of.map(({ augmentation }) => String(augmentation)) },
      y: { title: 'images/s' },
      series: [{ name: 'images/s', values: of.map(median) }],
    });
    return {
      columns: [
        { key: 'augmentation', title: 'augmentation' },
        { key: 'training', title: 'training' },
        { key: 'threads', title: 'threads' },
        { key: 'images', title: 'images/s' },
      ],
      rows: [...filled, ...rows],
      notes: [
        'Random images of 28 x 28. Without a training: one thread that does nothing else. With one: batches of 128, ' +
          `and a window of ${stepsOf(context.quick)} batches is augmented while the one before it trains, or between the two.`,
      ],
      backends: [report],
      plots: [
        plot('transforms', 'Augmenting on one thread', filled),
        plot('training', 'Training and augmenting', rows),
      ],
    };
  },
};
