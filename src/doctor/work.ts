/** Counts the work of a training step, before there is a backend. */
import type { Work } from '../engine/measurements.js';
import type { Model } from '../nn/model.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { buildPlan } from '../plan/build.js';
import type { Limits } from '../plan/limits.js';
import { stepFlops } from '../plan/print.js';
import { input } from '../tensor/leaves.js';
import { type TrainingStepOptions, trainingStep } from '../training/trainingStep.js';

/** Those of a kernel of gpu.js: fewer kernels would not do, and on wasm a kernel costs next to nothing. */
const limits: Limits = { inputs: 7, outputs: 1, inPlace: false, fuseRandom: false };

interface WorkOptions extends TrainingStepOptions {
  readonly optimizer: Optimizer;
  readonly batchSize: number;
}

/** Counts the plan of a training step, without mixup, averages and metrics. */
export function workOf(model: Model, options: WorkOptions): Work {
  const { optimizer, batchSize } = options;
  const { loss, updates } = trainingStep(
    model,
    optimizer.build(model.parameters),
    {
      images: input('images', [batchSize, ...model.inputShape], 'uint8'),
      labels: input('labels', [batchSize], 'uint8'),
      learningRate: input('learningRate', []),
      steps: input('steps', [], 'int32'),
    },
    options,
  );
  const { steps, slots } = buildPlan({ outputs: { loss }, updates: [...updates] }, limits);
  const flops = (wanted: RegExp) =>
    steps
      .filter(({ kind }) => wanted.test(kind))
      .reduce((sum, planned) => sum + stepFlops(planned, slots), 0);
  return { matmulFlops: flops(/^matmul/), convolutionFlops: flops(/conv/i), kernels: steps.length };
}
