/** Quern, as `fit` runs it: dataset resident, indices fed. */
import { describeVersions } from '../../dist/bench/support/machine.js';
import { randomDataset, SeedTraining } from '../../dist/bench/support/seedModels.js';
import { openEngine } from '../../dist/src/engine/engine.js';
import { batch, serve } from './protocol.js';

await serve(async ({ model, variant, threads }) => {
  const revectorize = variant === 'revectorized';
  const engine = await openEngine({ threads, revectorize });
  const training = new SeedTraining(engine, model, randomDataset());
  return {
    version: describeVersions().quern,
    settings: `${engine.report.backend}, ${engine.report.numerics}${revectorize ? `, revectorized, Node ${process.versions.node}` : ''}`,
    steps: async (count) => {
      await training.run(batch, count);
      return training.loss();
    },
  };
});
