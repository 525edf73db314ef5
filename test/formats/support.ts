/** Models with every kind of layer, their weights and what they compute. */
import { type Engine, openEngine } from '../../src/engine/engine.js';
import type { ExportSource } from '../../src/formats/export.js';
import type { Layer } from '../../src/nn/layer.js';
import * as activations from '../../src/nn/layers/activations.js';
import { affine } from '../../src/nn/layers/affine.js';
import { batchNorm } from '../../src/nn/layers/batchNorm.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { depthwiseConv2d } from '../../src/nn/layers/depthwiseConv2d.js';
import { dropout } from '../../src/nn/layers/dropout.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { graph } from '../../src/nn/layers/graph.js';
import { layerNorm } from '../../src/nn/layers/layerNorm.js';
import { averagePool2d, globalAveragePool2d, globalMaxPool2d, maxPool2d } from '../../src/nn/layers/pool.js';
import { residual } from '../../src/nn/layers/residual.js';
import { residualBlock } from '../../src/nn/layers/residualBlock.js';
import { separableConv2d } from '../../src/nn/layers/separableConv2d.js';
import { permute, reshape, zeroPad2d } from '../../src/nn/layers/shapes.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import type { ModelFile } from '../../src/training/files/modelFile.js';
import { openModel } from '../../src/training/files/savedModel.js';
import { hashWeights, savedLeaves } from '../../src/training/files/weights.js';
import { normalize } from '../../src/training/inference/normalization.js';

const classes = ['naught', 'one', 'two', 'three', 'four'];

/** What every format has. */
export const models: Readonly<Record<string, () => Layer>> = {
  chain: () =>
    sequential([
      conv2d(4, 3, { padding: 'same', strides: 2, useBias: false }),
      batchNorm({ momentum: 0.9, epsilon: 1e-5 }),
      activations.relu(),
      maxPool2d(2, { padding: 'same', strides: 1 }),
      separableConv2d(6, 3, { padding: 'same' }),
      activations.leakyRelu(0.1),
      depthwiseConv2d(3, { depthMultiplier: 2 }),
      activations.tanh(),
      dropout(0.25),
      flatten(),
      activations.sigmoid(),
      dense(7, { useBias: false }),
      batchNorm(),
      activations.elu(0.7),
      dense(classes.length),
    ]),
  branches: () =>
    sequential([
      conv2d(6, 3, { dilation: 2, padding: 'same' }),
      graph([
        { name: 'wide', inputs: ['input'], layer: conv2d(4, 5, { padding: 'same' }) },
        { name: 'narrow', inputs: ['input'], layer: conv2d(4, 1) },
        { name: 'both', inputs: ['wide', 'narrow'], join: 'concatenate' },
        { name: 'scaled', inputs: ['both'], layer: affine() },
        { name: 'higher', inputs: ['scaled', 'both'], join: 'maximum' },
        { name: 'product', inputs: ['higher', 'both'], join: 'multiply' },
      ]),
      residualBlock(8, { norm: { epsilon: 1e-4 } }),
      residualBlock(6, { strides: 2 }),
      zeroPad2d({ top: 1, bottom: 0, left: 2, right: 1 }),
      residual(sequential([conv2d(6, 3, { padding: 'same' }), activations.softplus()])),
      averagePool2d(2),
      globalAveragePool2d(),
      activations.clip(0, 6),
      layerNorm({ epsilon: 1e-3 }),
      dense(classes.length),
    ]),
};

/** What ONNX and PyTorch have, and others not all. */
export const rareModel = (): Layer =>
  sequential([
    conv2d(8, 3, { padding: { top: 1, bottom: 0, left: 1, right: 1 } }),
    activations.gelu(),
    conv2d(8, 3, { groups: 4 }),
    activations.silu(),
    layerNorm(),
    activations.hardSilu(),
    averagePool2d(3, { padding: 'same', strides: 2 }),
    activations.selu(),
    permute([3, 1, 2]),
    activations.hardSigmoid(),
    permute([2, 3, 1]),
    activations.softsign(),
    graph([
      { name: 'mean', inputs: ['input'], layer: globalAveragePool2d() },
      { name: 'most', inputs: ['input'], layer: globalMaxPool2d() },
      { name: 'less', inputs: ['most', 'mean'], join: 'subtract' },
      { name: 'least', inputs: ['mean', 'most'], join: 'minimum' },
      { name: 'middle', inputs: ['less', 'least', 'most'], join: 'average' },
    ]),
    reshape([2, 2, 2]),
    dense(3),
    flatten(),
    dense(classes.length),
  ]);

/** Numbers that look drawn and are the same everywhere, none of them that of a fresh layer. */
function numbersFor(name: string, size: number): Float32Array {
  const spread = Float32Array.from({ length: size }, (_, i) => Math.sin(1 + i * 12.9898 + name.length) * 0.4);
  const positive = name.endsWith('movingVariance') || name.endsWith('gamma') || name.endsWith('gain');
  return positive ? spread.map((value) => 0.8 + Math.abs(value)) : spread;
}

export function sourceOf(layer: Layer, inputShape = [9, 8, 1]): ExportSource {
  const model = new Model(layer, inputShape);
  const tensors = new Map(
    savedLeaves(model).map(({ name, shape, size }) => [name, { shape, data: numbersFor(name, size) }]),
  );
  const details = {
    classes,
    normalization: { mean: 0.1307, deviation: 0.3081 },
    dataset: 'mnist',
    recipe: 'mine',
    numerics: 'wasm 1',
  };
  return { model, tensors, details };
}

/** Bytes of images that are the same everywhere. */
export const imagesFor = (shape: readonly number[], count: number): Uint8Array =>
  Uint8Array.from({ length: count * shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * i * 31 + i * 7) % 256);

/** One for a file: what is opened anew for every model takes most of the time. */
let engine: Engine | undefined;

/** Logits as Quern computes them. */
export async function logitsOf(
  { model, details, tensors }: Pick<ModelFile, 'model' | 'details' | 'tensors'>,
  images: Uint8Array,
): Promise<Float32Array> {
  engine ??= await openEngine({ backend: 'reference' });
  await openModel(engine, { path: 'test', model, details, tensors });
  const count = images.length / model.inputShape.reduce((a, b) => a * b, 1);
  const step = engine.compile(
    (inputs) => ({
      outputs: { logits: model.apply(normalize(inputs.images, details.normalization)).output },
    }),
    { images: { shape: [count, ...model.inputShape], dtype: 'uint8' } },
  );
  const { logits } = await step.run({ images });
  return logits.data as Float32Array;
}

/** As a model file's own: of all values in their order. */
export const hashOf = ({ tensors }: Pick<ModelFile, 'tensors'>): Promise<string> =>
  hashWeights(new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array])));

/** The largest difference, against max(1, |value|). */
export function largestShare(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) {
    const share = Math.abs(a[i]! - b[i]!) / Math.max(1, Math.abs(a[i]!));
    largest = share <= largest ? largest : share;
  }
  return largest;
}
