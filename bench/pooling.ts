import type { Engine } from '../src/engine/engine.js';
import { gradients } from '../src/tensor/gradients.js';
import { state } from '../src/tensor/leaves.js';
import { averagePool2d, maxPool2d } from '../src/tensor/ops/pool.js';
import { sum } from '../src/tensor/ops/reduce.js';
import type { Leaf, Tensor } from '../src/tensor/tensor.js';
import type { Bench } from './support/bench.js';
import { kernelFindings } from './support/kernelFindings.js';
import { type KernelSource, type MeasuredStep, measureKernels } from './support/measureKernels.js';

/** What the seed CNN pools, in batches of 128. */
const shapes = [
  [128, 26, 26, 32],
  [128, 11, 11, 64],
] as const;

const uniform = (size: number): Float32Array => Float32Array.from({ length: size }, Math.random);

/** Pooling alone, by windows of 2x2, and its gradient: in the models it may be part of a larger kernel. */
function poolingStep(engine: Engine): KernelSource {
  const step = engine.compile(() => {
    const updates: [Leaf, Tensor][] = [];
    const keep = (name: string, value: Tensor) => updates.push([state(name, value.shape, 0), value]);
    for (const pool of [maxPool2d, averagePool2d]) {
      for (const shape of shapes) {
        const name = `${pool.name} ${shape.join('x')}`;
        const size = shape.reduce((product, extent) => product * extent, 1);
        const x = state(`${name} x`, shape, uniform(size));
        const y = pool(x);
        const weights = state(`${name} weights`, y.shape, uniform(y.size));
        keep(`${name} y`, y);
        keep(`${name} gradient`, gradients(sum(y.multiply(weights)), [x])[0]!);
      }
    }
    return { updates };
  }, {});
  return { plan: step.plan, feeds: {}, run: async (steps) => void (await step.run({}, { steps })) };
}

export const bench: Bench = {
  question:
    'How fast is the pooling of the seed CNN, forward and backward, and what share of its limit is that?',
  async run(context) {
    const measured: MeasuredStep[] = [];
    for (const threads of context.threads) {
      measured.push(await measureKernels(context, threads, poolingStep, ({ kind }) => kind.includes('Pool')));
    }
    return kernelFindings(measured, { title: 'Pooling 2x2, batch 128', ofSteps: false });
  },
};
