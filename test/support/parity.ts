/**
 * A training that every JavaScript engine repeats: it runs in this process, in other versions of Node and in browsers,
 * in pages and in workers. It needs nothing but the library that it is given.
 */
import type * as Quern from '../../src/browser.js';

export interface ParityCase {
  readonly model: 'mlp' | 'cnn';
  /** Of the wasm backend, as `openEngine` takes them. */
  readonly engine?: Omit<Quern.WasmOptions, 'backend'>;
}

export interface ParityResult {
  readonly numerics: string;
  readonly threads: number;
  readonly steps: number;
  /** Mean loss of each epoch, then that of the trained model on its images. */
  readonly losses: readonly number[];
  readonly weightsSha256: string;
}

/** 10 kinds of stripes, 28 by 28 pixels, made of integers alone. */
export function stripes(count: number): Quern.Dataset {
  const size = 28;
  const images = new Uint8Array(count * size * size);
  const labels = Uint8Array.from({ length: count }, (_, i) => (i * 7 + (i >> 4)) % 10);
  for (let i = 0; i < images.length; i++) {
    const [image, y, x] = [Math.floor(i / (size * size)), Math.floor(i / size) % size, i % size];
    const label = labels[image]!;
    const stripe = (x * (label + 2) + y * (11 - label)) % 64;
    images[i] = (stripe * 3 + ((i * 29 + image * 101) % 61)) % 256;
  }
  const classes = Array.from({ length: 10 }, (_, label) => `stripes ${label}`);
  return { name: 'stripes', split: 'train', images, labels, count, shape: [size, size, 1], classes };
}

function layersOf({ conv2d, dense, dropout, flatten, maxPool2d, relu }: typeof Quern, model: string) {
  if (model === 'mlp') return [flatten(), dense(128), relu(), dense(128), relu(), dense(10)];
  return [
    ...[conv2d(8, 3), relu(), maxPool2d(2), conv2d(16, 3), relu(), maxPool2d(2)],
    ...[dropout(0.25), flatten(), dense(32), relu(), dropout(0.5), dense(10)],
  ];
}

/** 28 steps of Adam in 4 epochs, each of which ends in a smaller batch. */
export async function trainForParity(
  quern: typeof Quern,
  { model, engine: options = {} }: ParityCase,
): Promise<ParityResult> {
  const { adam, fit, openEngine, sequential } = quern;
  const engine = await openEngine({ backend: 'wasm', ...options });
  try {
    const run = await fit(engine, sequential(layersOf(quern, model)), stripes(320), {
      optimizer: adam(0.002),
      epochs: 4,
      batchSize: 48,
      seed: 3,
    });
    const { loss } = await run.evaluate(run.train);
    const { numerics, threads } = engine.report;
    return {
      numerics,
      threads,
      steps: run.steps,
      losses: [...run.history.map((record) => record.loss), loss],
      weightsSha256: await run.weightsSha256(),
    };
  } finally {
    await engine.close();
  }
}
