/** Training on devices in Node: WebGPU by Dawn, and headless-gl. What the machine lacks is skipped with its reason. */
import * as assert from 'uvu/assert';
import { openMode } from '../../../src/backends/gpu/open.js';
import * as quern from '../../../src/browser.js';
import { provideTestDisplay } from '../../support/display.js';
import { reasonOf } from '../../support/runCase.js';
import {
  type SeedResult,
  type SeedTraining,
  trainSeedModel,
  worstDifference,
} from '../../support/seedTraining.js';
import { suite } from '../../support/suite.js';
import { provideTestWebGpu } from '../../support/webgpu.js';

type Options = Omit<SeedTraining, 'engine'>;

const mlp: Options = { model: 'mlp', batch: 32, steps: 50, optimizer: 'sgd' };
const cnn: Options = { model: 'cnn', batch: 8, steps: 10, optimizer: 'sgd' };

/** What the definitions give, one kernel for each op. Made once for all modes. */
const known = new Map<string, Promise<SeedResult>>();
function expected(options: Options): Promise<SeedResult> {
  const key = JSON.stringify(options);
  const engine = { backend: 'reference' } as const;
  const result = known.get(key) ?? trainSeedModel(quern, { ...options, optimize: false, engine });
  known.set(key, result);
  return result;
}

/** Why a mode is not there; it is closed again if it is. */
const missing = (mode: 'webgpu' | 'headlessgl') => openMode(mode).then((device) => device.close(), reasonOf);

// gpu.js looks for a display once, when it first opens anything
await provideTestDisplay();
const noWebGpu = await provideTestWebGpu();
const modes = [
  ['webgpu', /./, noWebGpu ?? (await missing('webgpu'))],
  ['headlessgl', /^ANGLE \(.+\)/, await missing('headlessgl')],
] as const;

for (const [mode, adapter, reason] of modes) {
  suite(`backends/gpu in Node, gpu.js's mode ${mode}`, (test) => {
    if (typeof reason === 'string') {
      test.unavailable('training', reason);
      return;
    }
    const engine = { backend: 'gpu', gpuMode: mode } as const;

    for (const options of [mlp, cnn]) {
      test(`${options.steps} steps of the ${options.model} follow the unoptimized reference's loss`, async () => {
        const actual = await trainSeedModel(quern, { ...options, engine });
        assert.is(actual.report.mode, mode);
        assert.match(actual.report.adapter!, adapter);
        assert.ok(worstDifference(actual.losses, (await expected(options)).losses) < 1e-3);
      });

      test(`the gradients of one step of the ${options.model} are right to 1e-4`, async () => {
        // Adam's first moments after one step are the gradients, scaled; they are the first half of its states
        const one = { ...options, steps: 1, optimizer: 'adam', states: true } as const;
        const { states = [] } = await trainSeedModel(quern, { ...one, engine });
        const { states: wanted = [] } = await expected(one);
        assert.is(states.length, wanted.length);
        let [wrong, all] = [0, 0];
        for (let i = 0; i < states.length / 2; i++) {
          wrong += (states[i]! - wanted[i]!) ** 2;
          all += wanted[i]! ** 2;
        }
        assert.ok(all > 0);
        assert.ok(Math.sqrt(wrong / all) < 1e-4, `${Math.sqrt(wrong / all)}`);
      });
    }
  });
}
