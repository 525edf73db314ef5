import type { Bench } from './support/bench.js';
import { kernelFindings } from './support/kernelFindings.js';
import { measureSeedKernels, type SeedKernels } from './support/seedKernels.js';

export const bench: Bench = {
  question:
    'How fast is the pooling of the seed CNN, forward and backward, and what share of its limit is that?',
  async run(context) {
    const measured: SeedKernels[] = [];
    for (const threads of context.threads) {
      measured.push(await measureSeedKernels(context, 'cnn', threads, ({ label }) => label.includes('Pool')));
    }
    return kernelFindings(measured, 'Pooling of the seed CNN, batch 128');
  },
};
