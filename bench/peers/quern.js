/** Quern, as `fit` runs it: dataset resident, indices fed. */
import { describeVersions } from '../../dist/bench/support/machine.js';
import { randomDataset, SeedTraining } from '../../dist/bench/support/seedModels.js';
import { openEngine } from '../../dist/src/engine/engine.js';
import { batch, serve, trainingImages } from './protocol.js';

await serve(async ({ model, variant, threads }) => {
  const revectorize = variant === 'revectorized';
  const native = variant === 'native' ? 'on' : 'off';
  const engine = await openEngine({ threads, revectorize, native });
  const { report } = engine;
  const node = `Node ${process.versions.node}`;
  const fastest = revectorize
    ? `, revectorized, ${node}`
    : native === 'on'
      ? `, native ${report.native}, ${node}`
      : '';
  const training = new SeedTraining(engine, model, { ...randomDataset(), ...trainingImages() });
  return {
    version: describeVersions().quern,
    settings: `${report.backend}, ${report.numerics}${fastest}`,
    steps: async (count) => {
      await training.run(batch, count);
      return training.loss();
    },
  };
});
