import { openEngine } from '../src/engine/engine.js';
import { state } from '../src/tensor/leaves.js';
import { matmul } from '../src/tensor/ops/matmul.js';
import { transpose } from '../src/tensor/ops/views.js';
import type { Leaf } from '../src/tensor/tensor.js';
import type { Bench, Context } from './support/bench.js';
import { withThreads } from './support/bench.js';
import { ensure } from './support/ensure.js';
import { threadCount } from './support/format.js';
import { oneThreadNote } from './support/kernelFindings.js';
import { interleave, rateOf, type Sample, type Subject, shareOf } from './support/measure.js';
import { Yardsticks } from './support/yardsticks.js';

/** a `[m, k]` times b `[k, n]`; a transposed operand lies in memory as its transpose. */
interface Product {
  readonly name: string;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposed: '' | 'a' | 'b' | 'ab';
}

const square = (size: number): Product[] =>
  (['', 'a', 'b', 'ab'] as const).map((transposed) => ({
    name: `${size}³`,
    ...{ m: size, k: size, n: size, transposed },
  }));

/** Those of a training step in batches of 128. */
const ofModels: readonly Product[] = [
  { name: 'MLP layer 1', m: 128, k: 784, n: 128, transposed: '' },
  { name: 'MLP layer 1, weights', m: 784, k: 128, n: 128, transposed: 'a' },
  { name: 'MLP layer 2', m: 128, k: 128, n: 128, transposed: '' },
  { name: 'MLP layer 2, weights', m: 128, k: 128, n: 128, transposed: 'a' },
  { name: 'MLP layer 2, input', m: 128, k: 128, n: 128, transposed: 'b' },
  { name: 'MLP layer 3', m: 128, k: 128, n: 10, transposed: '' },
  { name: 'MLP layer 3, weights', m: 128, k: 128, n: 10, transposed: 'a' },
  { name: 'MLP layer 3, input', m: 128, k: 10, n: 128, transposed: 'b' },
  { name: 'CNN dense', m: 128, k: 1600, n: 128, transposed: '' },
  { name: 'CNN dense, weights', m: 1600, k: 128, n: 128, transposed: 'a' },
];

const transposedNote = 'A transposed operand lies in memory as its transpose.';

const sizes = { full: [32, 64, 128, 256, 384, 512, 768, 1024], quick: [64, 512] };

const keyOf = ({ name, transposed }: Product, threads: number) => `${name} ${transposed} ${threads}`;

function operand(
  name: string,
  [rows, columns]: readonly [number, number],
  transposed: boolean,
  value: number,
) {
  const leaf = state(name, transposed ? [columns, rows] : [rows, columns], value);
  return transposed ? transpose(leaf) : leaf;
}

/** The product of constant matrices, as a subject and the leaf that it is written to. */
async function subjectOf(
  context: Context,
  product: Product,
  engines: Engines,
): Promise<Subject & { check(): Promise<void> }> {
  const { m, k, n, transposed } = product;
  const { engine, yardsticks } = engines;
  const a = operand('a', [m, k], transposed.includes('a'), 0.5);
  const b = operand('b', [k, n], transposed.includes('b'), 0.25);
  const out: Leaf = state('out', [m, n], 0);
  const step = engine.compile(() => ({ updates: [[out, matmul(a, b)]] }), {});
  const kinds = step.plan.steps.map(({ kind }) => kind);
  ensure(kinds.join() === 'matmul', `the product ${product.name} is not one kernel: ${kinds.join(', ')}`);
  const name = keyOf(product, engines.threads);
  context.progress(name);
  return {
    name,
    run: async (repeats) => void (await step.run({}, { steps: repeats })),
    ...(limited(engines) ? { yardstick: yardsticks.multiplyAdd, clock: yardsticks.clock } : {}),
    check: async () => {
      const values = (await engine.read(out)).data as Float32Array;
      const right = values.every((value) => value === k / 8);
      ensure(right, `the product ${product.name} ${transposed} has a wrong result`);
    },
  };
}

/** Tells if the processor's multiply-adds are the limit. */
const limited = ({ engine }: Engines) => engine.report.backend === 'wasm';

type Engines = Awaited<ReturnType<typeof open>>;

async function open(context: Context, threads: number) {
  const engine = await openEngine(withThreads(context.backend, threads));
  return { engine, threads, yardsticks: new Yardsticks(threads, undefined, engine.report) };
}

export const bench: Bench = {
  question:
    'How fast is a matrix product, by size and transposition, and what share of the multiply-add peak is that?',
  async run(context) {
    const { quick, sampling } = context;
    const engines = await Promise.all(context.threads.map((threads) => open(context, threads)));
    const squares = (quick ? sizes.quick : sizes.full).flatMap(square);
    const products = [...squares, ...ofModels];
    try {
      const subjects = await Promise.all(
        products.flatMap((product) => engines.map((each) => subjectOf(context, product, each))),
      );
      const samples = await interleave(subjects, sampling, (round) =>
        context.progress(`round ${round} of ${sampling.rounds}`),
      );
      for (const subject of subjects) await subject.check();
      const samplesOf = (product: Product, threads: number) => samples.get(keyOf(product, threads))!;
      const hasPeak = engines.every(limited);
      const flops = ({ m, k, n }: Product) => 2 * m * k * n;
      const plotted = (own: readonly Sample[], work: number) =>
        hasPeak ? shareOf(own, work) : rateOf(own, work / 1e9);
      return {
        columns: [
          { key: 'name', title: 'product' },
          { key: 'size', title: 'm x k x n' },
          { key: 'transposed', title: 'transposed' },
          { key: 'threads', title: 'threads' },
          { key: 'gflops', title: 'rate', unit: 'GFLOP/s' },
          { key: 'share', title: 'of the peak', unit: 'share' },
        ],
        rows: products.flatMap((product) =>
          engines.map(({ threads }) => ({
            name: product.name,
            size: `${product.m} x ${product.k} x ${product.n}`,
            transposed: product.transposed.split('').join(' and '),
            threads,
            gflops: rateOf(samplesOf(product, threads), flops(product) / 1e9),
            ...(hasPeak ? { share: shareOf(samplesOf(product, threads), flops(product)) } : {}),
          })),
        ),
        notes: !hasPeak
          ? [transposedNote]
          : [
              'The peak: multiply-adds in registers, as wide as the engine works, on as many threads, measured around each sample.',
              transposedNote,
              oneThreadNote,
            ],
        backends: engines.map(({ engine }) => engine.report),
        plots: engines.map(({ threads }) => ({
          name: `${threads}`,
          title: `Square matrix products, ${threadCount(threads)}`,
          kind: 'line' as const,
          x: { title: 'size', values: (quick ? sizes.quick : sizes.full).map(String) },
          y: { title: hasPeak ? 'share of the multiply-add peak' : 'GFLOP/s' },
          series: (['', 'a', 'b', 'ab'] as const).map((transposed) => ({
            name: transposed === '' ? 'as they are' : `${transposed.split('').join(' and ')} transposed`,
            values: squares
              .filter((product) => product.transposed === transposed)
              .map((product) => plotted(samplesOf(product, threads), flops(product)).median),
          })),
        })),
      };
    } finally {
      await Promise.all(engines.flatMap(({ engine, yardsticks }) => [engine.close(), yardsticks.close()]));
    }
  },
};
