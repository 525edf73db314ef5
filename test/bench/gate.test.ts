/**
 * A slow-down of the kernels that carry training does not land unseen. Held against the multiply-add peak that is
 * measured in between, in processor time, which other processes cannot take: the same on a busy machine. A floor is
 * about 0.6 of what was measured when it was set, so that half the speed is caught and noise is not.
 */
import * as assert from 'uvu/assert';
import { interleave, type Sampling, type Subject, shareOf } from '../../bench/support/measure.js';
import { randomDataset, type SeedModel, SeedTraining } from '../../bench/support/seedModels.js';
import { Yardsticks } from '../../bench/support/yardsticks.js';
import { openEngine } from '../../src/engine/engine.js';
import { summarize } from '../../src/nn/summary.js';
import { state } from '../../src/tensor/leaves.js';
import { matmul } from '../../src/tensor/ops/matmul.js';
import { suite } from '../support/suite.js';

const sampling: Sampling = { rounds: 15, seconds: 0.03, warmUpSeconds: 0.4 };
const attempts = 3;
const size = 512;

/**
 * The least share of the peak; of a training step, by the nominal work of its layers, computed directly. To set them
 * anew, take 0.6 of what the test prints.
 */
const floors = { matmul: 0.55, mlp: 0.65, cnn: 0.9 };

const engine = await openEngine({ backend: 'wasm', threads: 1 });
// of one thread, so its clock is processor time
const { multiplyAdd: yardstick, clock } = new Yardsticks(1);

function matmulSubject(): Subject & { flops: number } {
  const [a, b, out] = ['a', 'b', 'out'].map((name) => state(name, [size, size], 0.5));
  const step = engine.compile(() => ({ updates: [[out!, matmul(a!, b!)]] }), {});
  return {
    name: 'matmul',
    run: async (repeats) => void (await step.run({}, { steps: repeats })),
    yardstick,
    clock,
    flops: 2 * size ** 3,
  };
}

function stepSubject(model: SeedModel, batch: number): Subject & { flops: number } {
  const training = new SeedTraining(engine, model, randomDataset(2048));
  // a multiplication and an addition, forward and for two gradients
  const flops = 2 * 3 * summarize(training.model).multiplyAdds * batch;
  return { name: model, run: (repeats) => training.run(batch, repeats), yardstick, clock, flops };
}

suite('speed', (test) => {
  const subjects = { matmul: matmulSubject(), mlp: stepSubject('mlp', 128), cnn: stepSubject('cnn', 64) };
  const told = {
    matmul: `a matrix product ${size}³`,
    mlp: 'a training step of the MLP',
    cnn: 'a training step of the CNN',
  };
  for (const name of ['matmul', 'mlp', 'cnn'] as const) {
    const title = `${told[name]} reaches ${100 * floors[name]}% of the multiply-add peak`;
    if (process.platform === 'win32') {
      test.unavailable(title, 'processor time is told in steps of 15 ms here');
      continue;
    }
    test(title, async () => {
      const shares: number[] = [];
      while (shares.length < attempts && !(shares.at(-1)! >= floors[name])) {
        const samples = await interleave([subjects[name]], sampling);
        shares.push(shareOf(samples.get(name)!, subjects[name].flops).median);
      }
      const text = shares.map((share) => `${(100 * share).toFixed(0)}%`).join(', ');
      console.log(`${told[name]}: ${text} of the peak`);
      assert.ok(shares.at(-1)! >= floors[name], `${told[name]} reaches only ${text} of the peak`);
    });
  }
  test.after(() => engine.close());
});
