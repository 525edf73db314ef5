/** Quern: steps as `fit` runs them, dataset resident, indices fed; or `fit` itself, an epoch whenever it is asked for. */
import { describeVersions } from '../../dist/bench/support/machine.js';
import { randomDataset, SeedTraining, seedLayer } from '../../dist/bench/support/seedModels.js';
import { openEngine } from '../../dist/src/engine/engine.js';
import { adam } from '../../dist/src/optimizers/adam.js';
import { fit } from '../../dist/src/training/fit/fit.js';
import { batch, count, serve, trainingImages } from './protocol.js';

/** Steps alone. */
function bareSteps(engine, model, dataset) {
  const training = new SeedTraining(engine, model, dataset);
  return async (count) => {
    await training.run(batch, count);
    return training.loss();
  };
}

/** `fit`, which waits before each epoch until it is asked for. */
function fitEpochs(engine, model, dataset) {
  let tell;
  let go;
  const wait = () =>
    new Promise((resolve) => {
      go = resolve;
    });
  const first = wait();
  first.then(() =>
    fit(engine, seedLayer(model), dataset, {
      optimizer: adam(0.001),
      epochs: 1_000_000,
      batchSize: batch,
      onEpoch: ({ loss }) => {
        const next = wait();
        tell({ done: count / batch, loss });
        return next;
      },
    }),
  );
  return () =>
    new Promise((resolve) => {
      tell = resolve;
      go();
    });
}

await serve(async ({ model, variant, threads }) => {
  const revectorize = variant.startsWith('revectorized');
  const native = variant.startsWith('native') ? (process.env.QUERN_NATIVE ?? 'on') : 'off';
  const engine = await openEngine({ threads, revectorize, native });
  const { report } = engine;
  const node = `Node ${process.versions.node}`;
  const fastest = revectorize
    ? `, revectorized, ${node}`
    : native !== 'off'
      ? `, native ${report.native}, ${node}`
      : '';
  const dataset = { ...randomDataset(), ...trainingImages() };
  return {
    version: describeVersions().quern,
    settings: `${report.backend}, ${report.numerics}${fastest}`,
    steps: (variant.endsWith('fit') ? fitEpochs : bareSteps)(engine, model, dataset),
  };
});
