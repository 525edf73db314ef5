/** ConvNetJS: batches of 128; its Adam is not in the published package, Adadelta keeps as much per weight. */
import { createRequire } from 'node:module';
import { batches, pixels, serve, trainingImages } from './protocol.js';

const require = createRequire(import.meta.url);

const image = { type: 'input', out_sx: 28, out_sy: 28, out_depth: 1 };
const relu = (units) => ({ type: 'fc', num_neurons: units, activation: 'relu' });
const classes = { type: 'softmax', num_classes: 10 };
const layers = {
  mlp: [image, relu(128), relu(128), classes],
  cnn: [
    image,
    { type: 'conv', sx: 3, filters: 32, stride: 1, pad: 0, activation: 'relu' },
    { type: 'pool', sx: 2, stride: 2 },
    { type: 'conv', sx: 3, filters: 64, stride: 1, pad: 0, activation: 'relu' },
    { type: 'pool', sx: 2, stride: 2 },
    { type: 'dropout', drop_prob: 0.25 },
    { ...relu(128), drop_prob: 0.5 },
    classes,
  ],
};

await serve(async ({ model, variant }) => {
  const { Net, Trainer, Vol } = require('convnetjs');
  const net = new Net();
  net.makeLayers(layers[model]);
  const trainer = new Trainer(net, { method: variant, batch_size: 128 });
  const data = trainingImages();
  const next = batches();
  const x = new Vol(28, 28, 1, 0);
  return {
    version: require('convnetjs/package.json').version,
    settings: variant,
    steps: async (count) => {
      let loss = Number.NaN;
      for (let i = 0; i < count; i++) {
        for (const index of next()) {
          for (let pixel = 0; pixel < pixels; pixel++) x.w[pixel] = data.images[index * pixels + pixel] / 255;
          ({ loss } = trainer.train(x, data.labels[index]));
        }
      }
      return loss;
    },
  };
});
