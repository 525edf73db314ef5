/** How long a new process takes to its first step: prints the parts in seconds, once the step is done. */

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
  /** Generating and compiling the kernels, filling memory. */
  readonly compile: number;
  readonly step: number;
  /** Where the images came from. */
  readonly source: 'mnist' | 'random';
}

// A number of the clock for each mark; the clock starts with the process.
const marks = [performance.now()];
const mark = () => marks.push(performance.now());

const threads = Number(process.argv[2]);
const [{ openEngine }, { SeedTraining, randomDataset }, { loadDataset }] = await Promise.all([
  import('../../../src/engine/engine.js'),
  import('../seedModels.js'),
  import('../../../src/data/catalog/datasets.js'),
]);
mark();
const mnist = await loadDataset('mnist', { offline: true }).catch(() => undefined);
const dataset = mnist?.train ?? randomDataset();
mark();
await using engine = await openEngine({ threads });
mark();
const training = new SeedTraining(engine, 'mlp', dataset);
const step = training.compile(128);
mark();
await step.prepare();
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
  step: first,
  source: mnist === undefined ? 'random' : 'mnist',
};
process.stdout.write(`${JSON.stringify(parts)}\n`);
