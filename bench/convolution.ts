import type { Bench } from './support/bench.js';
import { kernelFindings } from './support/kernelFindings.js';
import { measureSeedKernels, type SeedKernels } from './support/seedKernels.js';

export const bench: Bench = {
  question: 'How fast is each pass of the seed CNN’s convolutions, and what share of its limit is that?',
  async run(context) {
    const measured: SeedKernels[] = [];
    for (const threads of context.threads) {
      measured.push(
        await measureSeedKernels(context, 'cnn', threads, ({ label }) => label.includes('conv2d')),
      );
    }
    return kernelFindings(measured, 'Convolutions of the seed CNN, batch 128');
  },
};
