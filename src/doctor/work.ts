/** What a training step asks for, before there is a backend. */
import type { Work } from '../engine/measurements.js';
import { crossEntropy } from '../nn/losses.js';
import type { Model } from '../nn/model.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { buildPlan } from '../plan/build.js';
import type { Limits } from '../plan/limits.js';
import { stepFlops } from '../plan/print.js';
import { gradients } from '../tensor/gradients.js';
import { input } from '../tensor/leaves.js';

/** Those of a kernel of gpu.js: fewer kernels would not do, and on wasm a kernel costs next to nothing. */
const limits: Limits = { inputs: 7, outputs: 1, inPlace: false, fuseRandom: false };

/** Counts the plan of a plain training step: forward, backward and optimizer, as they are before any feed. */
export function workOf(model: Model, optimizer: Optimizer, batchSize: number): Work {
  const images = input('images', [batchSize, ...model.inputShape]);
  const labels = input('labels', [batchSize], 'int32');
  const step = input('step', [], 'int32');
  const { output, updates } = model.apply(images, { training: true, step });
  const loss = crossEntropy(output, labels);
  const learned = optimizer
    .build(model.parameters)
    .updates(gradients(loss, model.parameters), input('learningRate', []), step);
  const { steps, slots } = buildPlan({ outputs: { loss }, updates: [...updates, ...learned] }, limits);
  const flops = (wanted: RegExp) =>
    steps
      .filter(({ kind }) => wanted.test(kind))
      .reduce((sum, planned) => sum + stepFlops(planned, slots), 0);
  return { matmulFlops: flops(/^matmul/), convolutionFlops: flops(/conv/i), kernels: steps.length };
}
