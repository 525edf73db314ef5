import type { Bench } from './support/bench.js';
import { kernelFindings } from './support/kernelFindings.js';
import { type MeasuredStep, measureSeedKernels } from './support/measureKernels.js';

export const bench: Bench = {
  question: 'How fast is each pass of the seed CNN’s convolutions, and what share of its limit is that?',
  async run(context) {
    const measured: MeasuredStep[] = [];
    for (const threads of context.threads) {
      measured.push(
        await measureSeedKernels(context, 'cnn', threads, ({ label }) => label.includes('conv2d')),
      );
    }
    return kernelFindings(measured, { title: 'Convolutions of the seed CNN, batch 128', ofSteps: true });
  },
};
