/** Looks at a training step as it really runs: ops, plan, kernels, memory, the code of one. */

import { checkInteger, wrongKind } from '../core/check.js';
import { at } from '../core/lists.js';
import { openBackend } from '../engine/choose.js';
import { Engine } from '../engine/engine.js';
import type { KernelClock } from '../engine/options.js';
import type { Model } from '../nn/model.js';
import { checkModel } from '../nn/model.js';
import { summarize } from '../nn/summary.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { checkOptimizer } from '../optimizers/optimizer.js';
import { callOf } from '../plan/call.js';
import type { Plan } from '../plan/plan.js';
import type { Leaf } from '../tensor/tensor.js';
import { type TrainingStepOptions, trainingStep } from '../training/trainingStep.js';
import { disassemble } from '../writers/wasm/disassemble.js';
import { kernelViews, slotViews } from './kernels.js';
import { OpsObserver } from './ops.js';
import { tinyStep } from './tiny.js';
import type { InsideView, OpView } from './view.js';

export interface InsideOptions extends TrainingStepOptions {
  readonly title: string;
  readonly optimizer: Optimizer;
  readonly batchSize: number;
}

/** More lines of WebAssembly are left out. */
const mostLines = 1500;
/** Steps that are timed, after one that is not. */
const timedSteps = 2;

/** The code of the kernel of one step, from its specification: the module itself is the engine's. */
async function assemblyOf(plan: Plan, index: number, simd: 'relaxed' | 'baseline') {
  const { wasmKernels } = await import('../../kernels/wasm.js');
  const step = at(plan.steps, index);
  const emit = wasmKernels[step.kind] as (call: unknown, options: unknown) => { bytes: Uint8Array };
  const { bytes } = emit(callOf(step, plan.slots), { simd, shared: false, tuning: {} });
  const lines = disassemble(bytes).split('\n');
  const left = lines.length - mostLines;
  const text = [...lines.slice(0, mostLines), ...(left > 0 ? [`;; and ${left} lines more`] : [])].join('\n');
  return { kernel: index, text, bytes: bytes.length };
}

/** Numbers that are no images, but take as long: stripes and labels in turn. */
function feedsOf(model: Model, batchSize: number) {
  const size = model.inputShape.reduce((product, extent) => product * extent, batchSize);
  const classes = model.outputShape[0] ?? 1;
  return {
    images: Uint8Array.from({ length: size }, (_, i) => (i * 31) & 255),
    labels: Int32Array.from({ length: batchSize }, (_, i) => i % classes),
    learningRate: 1e-3,
    steps: 1,
  };
}

/**
 * A step of training as the wasm backend runs it on one thread: what every op and kernel is, and what share of the time it
 * takes on this machine, measured.
 *
 * @throws BackendError where the model does not fit into memory
 */
export async function lookInside(model: Model, options: InsideOptions): Promise<InsideView> {
  checkModel('lookInside: model', model);
  if (typeof options !== 'object' || options === null)
    throw wrongKind('lookInside: options', 'an object', options);
  const { title, optimizer, batchSize } = options;
  checkOptimizer('lookInside: optimizer', optimizer);
  checkInteger('lookInside: batchSize', batchSize);
  const clock: KernelClock = { milliseconds: 0, byKernel: new Map() };
  await using engine = new Engine(
    await openBackend({ backend: 'wasm', threads: 1, native: 'off', kernelClock: clock }),
  );
  const observer = new OpsObserver();
  const built = optimizer.build(model.parameters);
  let ops: readonly OpView[] = [];
  const step = engine.compile(
    ({ images, labels, learningRate, steps }) => {
      const traced = trainingStep(
        model,
        built,
        { images, labels, learningRate, steps },
        { ...options, observer },
      );
      ops = observer.views(traced.loss, traced.updates);
      return { outputs: { loss: traced.loss }, updates: traced.updates };
    },
    {
      images: { shape: [batchSize, ...model.inputShape], dtype: 'uint8' },
      labels: { shape: [batchSize], dtype: 'int32' },
      learningRate: { shape: [] },
      steps: { shape: [], dtype: 'int32' },
    },
  );
  const feeds = feedsOf(model, batchSize);
  await step.run(feeds);
  clock.milliseconds = 0;
  clock.byKernel?.clear();
  for (let i = 0; i < timedSteps; i++) await step.run(feeds);
  const measured = { ...clock };
  const { plan } = step;
  const kernels = kernelViews(
    plan,
    new Set<Leaf>([...model.parameters, ...model.states]),
    measured,
    await step.explain(),
  );
  const slowest = kernels.reduce((best, { share }, i) => (share > at(kernels, best).share ? i : best), 0);
  const { numerics } = engine.report;
  return {
    ...{ title, batchSize, summary: summarize(model), ops, kernels, slots: slotViews(plan), numerics },
    memory: { peakBytes: plan.memory.peakBytes, naiveBytes: plan.memory.naiveBytes },
    milliseconds: measured.milliseconds / timedSteps,
    assembly: await assemblyOf(plan, slowest, /fma/.test(numerics) ? 'relaxed' : 'baseline'),
    tiny: await tinyStep(engine),
  };
}
