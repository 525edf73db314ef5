/** How long a new process takes to its first step: prints the parts in seconds, once the step is done. */

import type { NativeOption } from '../../../src/engine/options.js';
import type { SeedModel } from '../seedModels.js';

/** Parts of the start in their order; together they are the time since the process began. */
export interface FirstStep {
  /** Until the first line of a program runs. */
  readonly node: number;
  readonly import: number;
  readonly data: number;
  /** Opening the engine: SIMD level, memory, workers. */
  readonly engine: number;
  /** Tracing and planning. */
  readonly plan: number;
  /** Generating and compiling the kernels, filling memory; and the processor time of that on the engine's thread. */
  readonly compile: number;
  readonly compileThread: number;
  readonly step: number;
  /** Where the images came from. */
  readonly source: 'mnist' | 'random';
  /** Machine code, or why there is none; empty where none was asked for. */
  readonly native: string;
}

/** Processor time: of this thread, where Node tells that (23.9 or newer), else of the process. */
function threadSeconds(): number {
  const { threadCpuUsage } = process as { threadCpuUsage?: typeof process.cpuUsage };
  const { user, system } = (threadCpuUsage ?? process.cpuUsage)();
  return (user + system) / 1e6;
}

// A number of the clock for each mark; the clock starts with the process.
const marks = [performance.now()];
const mark = () => marks.push(performance.now());

// bench/peers/accuracy.js names the threads alone, as other builds know nothing else
const threads = Number(process.argv[2]);
const native = (process.argv[3] ?? 'off') as NativeOption;
const model = (process.argv[4] ?? 'mlp') as SeedModel;
const [{ openEngine }, { SeedTraining, randomDataset }, { loadDataset }] = await Promise.all([
  import('../../../src/engine/engine.js'),
  import('../seedModels.js'),
  import('../../../src/data/catalog/datasets.js'),
]);
mark();
const mnist = await loadDataset('mnist', { offline: true }).catch(() => undefined);
const dataset = mnist?.train ?? randomDataset();
mark();
await using engine = await openEngine({ backend: 'wasm', threads, native });
mark();
const training = new SeedTraining(engine, model, dataset);
const step = training.compile(128);
mark();
const compileBegan = threadSeconds();
await step.prepare();
const compileThread = threadSeconds() - compileBegan;
mark();
await training.run(128, 1);
mark();
const [node, ...ends] = marks;
const seconds = ends.map((end, i) => (end - marks[i]!) / 1000);
const [importing, data, opening, plan, compile, first] = seconds as [
  number,
  number,
  number,
  number,
  number,
  number,
];
const parts: FirstStep = {
  node: node! / 1000,
  import: importing,
  data,
  engine: opening,
  plan,
  compile,
  compileThread,
  step: first,
  source: mnist === undefined ? 'random' : 'mnist',
  native: engine.report.native ?? '',
};
process.stdout.write(`${JSON.stringify(parts)}\n`);
