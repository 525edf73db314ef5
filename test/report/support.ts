import type { Dataset } from '../../src/data/dataset.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Layer } from '../../src/nn/layer.js';
import { relu } from '../../src/nn/layers/activations.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { maxPool2d } from '../../src/nn/layers/pool.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import type { RunConfig } from '../../src/runs/config.js';
import type { RunRecord } from '../../src/runs/records.js';
import type { ModelFile } from '../../src/training/files/modelFile.js';
import { savedLeaves } from '../../src/training/files/weights.js';
import type { EpochRecord } from '../../src/training/fit/options.js';

export const convolutional = (classes = 10): Layer =>
  sequential([conv2d(3, 3, { strides: 2 }), relu(), maxPool2d(2), flatten(), dense(classes)]);

/** A model as a file holds it, with its initial weights. */
export async function untrained(
  engine: Engine,
  layer: Layer,
  { name, shape, classes }: Dataset,
): Promise<ModelFile> {
  const model = new Model(layer, shape, 3);
  const details = { classes, dataset: name, normalization: { mean: 0, deviation: 1 }, numerics: 'float64' };
  const leaves = savedLeaves(model);
  const values = await Promise.all(leaves.map((leaf) => engine.read(leaf)));
  const tensors = new Map(
    leaves.map(({ name, shape }, i) => [name, { shape, data: values[i]!.data as Float32Array }]),
  );
  return { path: 'model.safetensors', model, details, tensors };
}

export const history: readonly EpochRecord[] = [1, 2, 3].map((epoch) => ({
  epoch,
  step: 8 * epoch,
  loss: 1 / epoch,
  accuracy: 1 - 0.3 / epoch,
  validationLoss: 1.1 / epoch,
  validationAccuracy: 1 - 0.35 / epoch,
  learningRate: 0.001 * (3 - epoch),
  seconds: 2,
  imagesPerSecond: 1234.5,
}));

/** A finished run of so many epochs on a dataset. */
export function runOf(dataset: string, epochs = history): RunRecord {
  const data = { count: 64, shape: [28, 28, 1], sha256: 'ab'.repeat(32) };
  const config: RunConfig = {
    version: 1,
    settings: {
      recipe: 'tiny',
      dataset,
      architecture: {},
      optimizer: { name: 'adam', learningRate: 0.001, options: { beta1: 0.9 } },
      epochs: 3,
      batchSize: 64,
      normalization: { mean: 0, deviation: 1 },
      seed: 7,
      from: { path: '/somewhere/secret.safetensors', sha256: 'cd'.repeat(32) },
    },
    recipeFile: { path: '/somewhere/secret.mjs', sha256: 'ef'.repeat(32) },
    arguments: { out: '/somewhere/secret' },
    data: { train: data, test: data },
    versions: { quern: '0.1.0', node: '20.0.0', v8: '11' },
    machine: { system: 'linux', architecture: 'x64', processor: 'Some <processor>', processors: 2 },
    started: '2026-01-02T03:04:05.000Z',
    backend: 'reference',
    threads: 1,
    numerics: 'float64',
  };
  return { path: 'run', state: 'finished', config, history: epochs, result: undefined, tags: [] };
}
