/** Training on devices in Node: WebGPU by Dawn, and headless-gl. What the machine lacks is skipped with its reason. */
import * as assert from 'uvu/assert';
import { openMode } from '../../../src/backends/gpu/open.js';
import * as quern from '../../../src/browser.js';
import { at } from '../../../src/core/lists.js';
import { provideTestDisplay } from '../../support/display.js';
import { reasonOf } from '../../support/runCase.js';
import { gradientError, seedReference } from '../../support/seedReference.js';
import {
  type SeedOptions,
  type SeedResult,
  trainSeedModels,
  worstDifference,
} from '../../support/seedTraining.js';
import { suite } from '../../support/suite.js';
import { provideTestWebGpu } from '../../support/webgpu.js';

const mlp: SeedOptions = { model: 'mlp', batch: 32, steps: 50, optimizer: 'sgd' };
const cnn: SeedOptions = { model: 'cnn', batch: 8, steps: 10, optimizer: 'sgd' };

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
      const one = { ...options, steps: 1, optimizer: 'adam', states: true } as const;
      // on one device, which keeps the kernels that they have in common
      let trained: Promise<readonly SeedResult[]> | undefined;
      const training = () => (trained ??= trainSeedModels(quern, { engine, trainings: [options, one] }));

      test(`${options.steps} steps of the ${options.model} follow the unoptimized reference's loss`, async () => {
        const actual = at(await training(), 0);
        assert.is(actual.report.mode, mode);
        assert.match(actual.report.adapter!, adapter);
        assert.ok(worstDifference(actual.losses, (await seedReference(options)).losses) < 1e-3);
      });

      test(`the gradients of one step of the ${options.model} are right to 1e-4`, async () => {
        const error = gradientError(at(await training(), 1), await seedReference(one));
        assert.ok(error < 1e-4, `${error}`);
      });
    }
  });
}
