/** TensorFlow.js in plain JavaScript (cpu) or WebAssembly with SIMD (wasm): minimize() of one batch. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { batches, pixels, serve, trainingImages } from './protocol.js';
import { layersOf } from './tfjsLayers.js';

const require = createRequire(import.meta.url);

async function open(variant, threads) {
  if (variant === 'wasm') {
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    wasm.setWasmPaths(
      join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist', '/'),
    );
    wasm.setThreadsCount(threads);
  }
  if (!(await tf.setBackend(variant))) throw new Error(`the backend ${variant} cannot be opened`);
  await tf.ready();
}

await serve(async ({ model, variant, threads }) => {
  await open(variant, threads);
  const data = trainingImages();
  // there is no tensor of bytes: normalized once, which spares the peer the work in every step
  const images = new Float32Array(data.images);
  for (let i = 0; i < images.length; i++) images[i] /= 255;
  const net = tf.sequential({ layers: layersOf(tf, model) });
  const optimizer = tf.train.adam(0.001);
  const next = batches();
  const shape = model === 'mlp' ? [128, pixels] : [128, 28, 28, 1];

  function step() {
    const indices = next();
    const chosen = new Float32Array(indices.length * pixels);
    const labels = new Int32Array(indices.length);
    for (const [i, index] of indices.entries()) {
      chosen.set(images.subarray(index * pixels, (index + 1) * pixels), i * pixels);
      labels[i] = data.labels[index];
    }
    return tf.tidy(() => {
      const x = tf.tensor(chosen, shape);
      const y = tf.oneHot(tf.tensor1d(labels, 'int32'), 10);
      const loss = () => tf.losses.softmaxCrossEntropy(y, net.apply(x, { training: true }));
      return optimizer.minimize(loss, true).dataSync()[0];
    });
  }

  return {
    version: tf.version.tfjs,
    settings: variant === 'wasm' ? 'wasm backend' : 'cpu backend, plain JavaScript',
    steps: async (count) => {
      let loss = Number.NaN;
      for (let i = 0; i < count; i++) loss = step();
      return loss;
    },
  };
});
