/** The kernels of a seed model's training step, measured one by one: what several benches show a part of. */
import { UsageError } from '../../src/core/errors.js';
import { formatShape } from '../../src/core/shape.js';
import type { BackendReport } from '../../src/engine/backend.js';
import { openBackend } from '../../src/engine/choose.js';
import { Engine } from '../../src/engine/engine.js';
import type { Context } from './bench.js';
import { type IsolatedStep, isolateSteps } from './isolate.js';
import { interleave, type Sample, type Subject } from './measure.js';
import { randomDataset, type SeedModel, SeedTraining } from './seedModels.js';
import { type Summary, summarise } from './statistics.js';
import { Yardsticks } from './yardsticks.js';

export const profiledBatch = 128;

export interface MeasuredKernel extends IsolatedStep {
  readonly threads: number;
  readonly samples: readonly Sample[];
  readonly seconds: Summary;
  /** What limits it on this machine: operations, or bytes moved. */
  readonly bound: 'multiply-adds' | 'memory';
  /** Rate in units of `bound`, per second, and its share of the limit that was measured around it. */
  readonly rate: Summary;
  readonly share: Summary;
}

export interface SeedKernels {
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

/**
 * Measures the kernels of a model's training step that `wanted` picks, in batches of 128.
 *
 * @throws UsageError for a backend other than wasm, whose kernels do not stand alone
 */
export async function measureSeedKernels(
  context: Context,
  name: SeedModel,
  threads: number,
  wanted: (step: IsolatedStep) => boolean,
): Promise<SeedKernels> {
  const backend = await openBackend({ ...context.backend, threads });
  const { report } = backend;
  if (report.backend !== 'wasm') {
    await backend.close();
    throw new UsageError(`bench: the kernels of a step are measured on wasm alone, not on ${report.backend}`);
  }
  await using engine = new Engine(backend);
  const yardsticks = new Yardsticks(threads);
  const { clock } = yardsticks;
  try {
    const training = new SeedTraining(engine, name, randomDataset(context.quick ? 8192 : undefined));
    const { plan } = training.compile(profiledBatch);
    const steps = await isolateSteps(backend, plan, training.feeds(profiledBatch, 1));
    const chosen = steps.filter(wanted);
    const bounds = new Map<IsolatedStep, MeasuredKernel['bound']>();
    const subjects: Subject[] = [];
    for (const step of chosen) {
      const limits = await limitsOf(yardsticks, step.bytes);
      const memory = step.bytes / limits.bytes > step.flops / limits.flops;
      bounds.set(step, memory ? 'memory' : 'multiply-adds');
      const yardstick = memory ? yardsticks.copy(step.bytes) : yardsticks.multiplyAdd;
      subjects.push({ name: String(step.index), run: step.run, yardstick, clock });
    }
    const whole: Subject = { name: 'step', run: (repeats) => training.run(profiledBatch, repeats), clock };
    const samples = await interleave([...subjects, whole], context.sampling, (round) =>
      context.progress(`${name}, ${threads} threads, round ${round} of ${context.sampling.rounds}`),
    );
    const kernels = chosen.map((step): MeasuredKernel => {
      const own = samples.get(String(step.index))!;
      const bound = bounds.get(step)!;
      const work = bound === 'memory' ? step.bytes : step.flops;
      return {
        ...step,
        threads,
        samples: own,
        bound,
        seconds: summarise(own.map(({ seconds }) => seconds)),
        rate: summarise(own.map(({ seconds }) => work / seconds)),
        share: summarise(own.map(({ seconds, limit }) => work / seconds / limit!)),
      };
    });
    return { kernels, step: summarise(samples.get('step')!.map(({ seconds }) => seconds)), report };
  } finally {
    await yardsticks.close();
  }
}
