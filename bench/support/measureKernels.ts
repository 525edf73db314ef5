/** The kernels of a step, measured one by one: what several benches show a part of. */

import { UsageError } from '../../src/core/errors.js';
import { formatShape } from '../../src/core/shape.js';
import type { BackendReport, Feeds } from '../../src/engine/backend.js';
import { openBackend } from '../../src/engine/choose.js';
import { Engine } from '../../src/engine/engine.js';
import type { Plan } from '../../src/plan/plan.js';
import type { Context } from './bench.js';
import { withThreads } from './bench.js';
import { threadCount } from './format.js';
import { type IsolatedStep, isolateSteps } from './isolate.js';
import { interleave, type Subject, secondsOf, shareOf } from './measure.js';
import { imagesFor, type SeedModel, SeedTraining } from './seedModels.js';
import type { Summary } from './statistics.js';
import { Yardsticks } from './yardsticks.js';

export const profiledBatch = 128;

export interface MeasuredKernel extends IsolatedStep {
  readonly threads: number;
  readonly seconds: Summary;
  /** What limits it on this machine: operations, or bytes moved. */
  readonly bound: 'multiply-adds' | 'memory';
  /** The share of that limit, as it was measured around each sample. */
  readonly share: Summary;
}

export interface MeasuredStep {
  readonly kernels: readonly MeasuredKernel[];
  /** The whole step as `fit` runs it, seconds. */
  readonly step: Summary;
  readonly report: BackendReport;
}

/** How a kernel is named in tables: its place in the plan, what it does, what comes out. */
export function kernelName({ index, kind, label, shape }: IsolatedStep): string {
  const words = label.split(' ');
  const short = words.length > 4 ? `${words.slice(0, 4).join(' ')} …` : label;
  const what = short.startsWith(kind) ? short : `${kind}: ${short}`;
  return `${index} ${what} ${formatShape(shape)}`;
}

/** The operations and bytes per second that one kernel would reach at its limits, for choosing which one binds. */
async function limitsOf(yardsticks: Yardsticks, bytes: number): Promise<{ flops: number; bytes: number }> {
  return { flops: yardsticks.multiplyAdd.rate(5), bytes: yardsticks.copy(bytes).rate(5) };
}

/** A step whose kernels are to be measured. */
export interface KernelSource {
  readonly plan: Plan;
  readonly feeds: Feeds;
  /** Runs the whole step. */
  run(repeats: number): Promise<void>;
}

/**
 * Measures those kernels of a step that `wanted` picks, and the step.
 *
 * @throws UsageError for a backend other than wasm, whose kernels do not stand alone
 */
export async function measureKernels(
  context: Context,
  threads: number,
  make: (engine: Engine) => KernelSource,
  wanted: (step: IsolatedStep) => boolean,
): Promise<MeasuredStep> {
  const backend = await openBackend(withThreads(context.backend, threads));
  const { report } = backend;
  if (report.backend !== 'wasm') {
    await backend.close();
    throw new UsageError(`bench: the kernels of a step are measured on wasm alone, not on ${report.backend}`);
  }
  await using engine = new Engine(backend);
  const yardsticks = new Yardsticks(threads, undefined, report);
  const { clock } = yardsticks;
  try {
    const { plan, feeds, run } = make(engine);
    const chosen = (await isolateSteps(backend, plan, feeds)).filter(wanted);
    const bounds: MeasuredKernel['bound'][] = [];
    const subjects: Subject[] = [];
    for (const step of chosen) {
      const limits = await limitsOf(yardsticks, step.bytes);
      const memory = step.bytes / limits.bytes > step.flops / limits.flops;
      bounds.push(memory ? 'memory' : 'multiply-adds');
      const yardstick = memory ? yardsticks.copy(step.bytes) : yardsticks.multiplyAdd;
      subjects.push({ name: String(step.index), run: step.run, yardstick, clock });
    }
    const { rounds } = context.sampling;
    const samples = await interleave([...subjects, { name: 'step', run, clock }], context.sampling, (round) =>
      context.progress(`${threadCount(threads)}, round ${round} of ${rounds}`),
    );
    const kernels = chosen.map((step, i): MeasuredKernel => {
      const own = samples.get(String(step.index))!;
      const bound = bounds[i]!;
      const work = bound === 'memory' ? step.bytes : step.flops;
      return { ...step, threads, bound, seconds: secondsOf(own), share: shareOf(own, work) };
    });
    return { kernels, step: secondsOf(samples.get('step')!), report };
  } finally {
    await yardsticks.close();
  }
}

/** Kernels of a seed model's training step, in batches of 128. */
export async function measureSeedKernels(
  context: Context,
  name: SeedModel,
  threads: number,
  wanted: (step: IsolatedStep) => boolean,
): Promise<MeasuredStep> {
  const dataset = await imagesFor(name, context.quick ? 8192 : undefined);
  const make = (engine: Engine): KernelSource => {
    const training = new SeedTraining(engine, name, dataset);
    return {
      plan: training.compile(profiledBatch).plan,
      feeds: training.feeds(profiledBatch, 1),
      run: (repeats) => training.run(profiledBatch, repeats),
    };
  };
  return measureKernels(context, threads, make, wanted);
}
