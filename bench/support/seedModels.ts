/** The models that speed is measured on, their images, and a training step of them as `fit` runs it. */
import { permutation } from '../../src/data/batches.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import type { Dataset } from '../../src/data/dataset.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Layer } from '../../src/nn/layer.js';
import { relu } from '../../src/nn/layers/activations.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { dropout } from '../../src/nn/layers/dropout.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { maxPool2d } from '../../src/nn/layers/pool.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import { adam } from '../../src/optimizers/adam.js';
import fashionResnet from '../../src/recipes/fashion-resnet.js';
import { ResidentFeed } from '../../src/training/feeds/resident.js';
import { FitStep } from '../../src/training/fit/step.js';

export type SeedModel = 'mlp' | 'cnn' | 'fashion-cnn' | 'fashion-resnet';
/** Those of the benches; an epoch of the residual network takes longer than all of theirs. */
export const seedModels: readonly SeedModel[] = ['mlp', 'cnn', 'fashion-cnn'];

/** The network of the recipe `fashion-cnn`; with 'valid' padding that of the seed project. */
const convolutional = (padding: 'valid' | 'same') =>
  sequential([
    conv2d(32, 3, { padding }),
    relu(),
    maxPool2d(2),
    conv2d(64, 3, { padding }),
    relu(),
    maxPool2d(2),
    dropout(0.25),
    flatten(),
    dense(128),
    relu(),
    dropout(0.5),
    dense(10),
  ]);

const layers: Readonly<Record<SeedModel, () => Layer>> = {
  /** That of the recipe `mnist-mlp`, 784-128-128-10: 118,282 parameters. */
  mlp: () => sequential([flatten(), dense(128), relu(), dense(128), relu(), dense(10)]),
  /** 225,034 parameters. */
  cnn: () => convolutional('valid'),
  /** 421,642 parameters. */
  'fashion-cnn': () => convolutional('same'),
  /** 289,514 parameters. */
  'fashion-resnet': () =>
    fashionResnet.layer({ classes: 10, shape: [28, 28, 1], parameters: fashionResnet.parameters ?? {} }),
};

/** The layers of a seed model, anew. */
export const seedLayer = (model: SeedModel): Layer => layers[model]();

export const seedModelTitles: Readonly<Record<SeedModel, string>> = {
  mlp: 'MLP 784-128-128-10',
  cnn: 'CNN 32@3x3, 64@3x3, 128, 10',
  'fashion-cnn': 'fashion-cnn',
  'fashion-resnet': 'fashion-resnet',
};

/**
 * The images that a model is measured on: MNIST's, Fashion-MNIST's for recipes on it. Random ones where these are not on
 * this machine: they have no zeros, and are never learned.
 *
 * @param limit no more than so many
 */
export async function imagesFor(model: SeedModel, limit?: number): Promise<Dataset> {
  const name = model.startsWith('fashion') ? 'fashion-mnist' : 'mnist';
  const found = await loadDataset(name, { offline: true, limit }).catch(() => undefined);
  return found?.train ?? randomDataset(limit);
}

/** Pixels and labels of no meaning, the same every time, of the size of MNIST unless told otherwise. */
export function randomDataset(count = 60_000): Dataset {
  const words = new Uint32Array((count * 28 * 28) / 4);
  // xorshift32 (Marsaglia 2003)
  let x = 2463534242;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  const images = new Uint8Array(words.buffer);
  return {
    name: 'random',
    split: 'train',
    images,
    labels: Uint8Array.from({ length: count }, (_, i) => images[i]! % 10),
    count,
    shape: [28, 28, 1],
    classes: Array.from({ length: 10 }, (_, i) => String(i)),
  };
}

/** Names the images that a bench was given, for its notes. */
export function imagesText(datasets: readonly Dataset[]): string {
  return `Images: ${[...new Set(datasets.map(({ name }) => name))].join(', ')}.`;
}

/** Epochs of shuffled indices, one after another, at least as many as are asked for. */
class Indices {
  private values = new Int32Array(0);

  constructor(private readonly count: number) {}

  take(length: number): Int32Array {
    if (length > this.values.length) {
      const epochs = Math.ceil(length / this.count);
      this.values = new Int32Array(epochs * this.count);
      for (let epoch = 0; epoch < epochs; epoch++) {
        this.values.set(permutation(this.count, 0, epoch), epoch * this.count);
      }
    }
    return this.values.subarray(0, length);
  }
}

/** A seed model in training: Adam with a rate of 0.001. What it is fed and what it computes is what `fit` does. */
export class SeedTraining {
  readonly model: Model;
  private readonly step: FitStep;
  private readonly indices: Indices;

  constructor(
    private readonly engine: Engine,
    readonly name: SeedModel,
    dataset: Dataset,
  ) {
    this.model = new Model(layers[name](), dataset.shape);
    this.step = new FitStep(engine, this.model, new ResidentFeed(dataset), { optimizer: adam() });
    this.indices = new Indices(dataset.count);
  }

  /** The step for batches of a size. */
  compile(batch: number) {
    return this.step.compile(batch);
  }

  /** What a run of some steps is fed. */
  feeds(batch: number, steps: number) {
    return {
      indices: this.indices.take(batch * steps),
      learningRate: new Float32Array(steps).fill(0.001),
    };
  }

  async run(batch: number, steps: number): Promise<void> {
    await this.compile(batch).run(this.feeds(batch, steps), { steps });
  }

  /** The mean loss since the beginning: a number as long as the training is one. */
  async loss(): Promise<number> {
    return (await this.step.metrics.read(this.engine)).loss;
  }
}
