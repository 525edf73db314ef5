import { loadDataset } from '../../src/data/catalog/datasets.js';
import type { Dataset } from '../../src/data/dataset.js';
import { type Engine, openEngine } from '../../src/engine/engine.js';
import type { Layer } from '../../src/nn/layer.js';
import { relu } from '../../src/nn/layers/activations.js';
import { dense } from '../../src/nn/layers/dense.js';
import { dropout } from '../../src/nn/layers/dropout.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { sequential } from '../../src/nn/sequential.js';

/** A small perceptron for the fixture: ten classes of 28 by 28 pixels. */
export const perceptron = (): Layer => sequential([flatten(), dense(16), relu(), dropout(0.1), dense(10)]);

export const fixture = await loadDataset('fixture');

/** Runs with an engine of the definition of all kernels. */
export async function withEngine(run: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await openEngine({ backend: 'reference' });
  try {
    await run(engine);
  } finally {
    await engine.close();
  }
}

/** `count` images of 2 by 2 pixels in two classes, the pixels in no particular order. */
export function tinyDataset(count: number): Dataset {
  return {
    name: 'tiny',
    split: 'train',
    images: Uint8Array.from({ length: count * 4 }, (_, i) => (i * 97 + 31) % 256),
    labels: Uint8Array.from({ length: count }, (_, i) => ((i * i) % 3) % 2),
    count,
    shape: [2, 2, 1],
    classes: ['a', 'b'],
  };
}

/** Runs with an engine of the fast backend. */
export async function withWasm<T>(threads: number, run: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await openEngine({ backend: 'wasm', threads });
  try {
    return await run(engine);
  } finally {
    await engine.close();
  }
}
