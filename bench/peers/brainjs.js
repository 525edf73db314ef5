/** brain.js: images one by one, since it has no batches, with the mean squared error that it always uses. */
import { createRequire } from 'node:module';
import { batches, pixels, serve, trainingImages } from './protocol.js';

const require = createRequire(import.meta.url);

await serve(async ({ model, variant }) => {
  if (model !== 'mlp') throw new Error('brain.js has no convolutions');
  const { NeuralNetwork } = require('brain.js');
  const net = new NeuralNetwork({
    activation: 'relu',
    learningRate: 0.001,
    ...(variant === 'adam' ? { praxis: 'adam' } : {}),
  });
  net.sizes = [pixels, 128, 128, 10];
  net.initialize();
  const data = trainingImages();
  const next = batches();
  const input = new Float32Array(pixels);
  return {
    version: require('brain.js/package.json').version,
    settings: `${variant}, an update after every image`,
    steps: async (count) => {
      let loss = Number.NaN;
      for (let i = 0; i < count; i++) {
        for (const index of next()) {
          for (let pixel = 0; pixel < pixels; pixel++)
            input[pixel] = data.images[index * pixels + pixel] / 255;
          const output = new Float32Array(10);
          output[data.labels[index]] = 1;
          loss = net.trainPattern({ input, output }, true);
        }
      }
      return loss;
    },
  };
});
