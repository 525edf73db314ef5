import { UsageError } from '../src/core/errors.js';
import type { BackendReport } from '../src/engine/backend.js';
import { openBackend } from '../src/engine/choose.js';
import { Engine } from '../src/engine/engine.js';
import { Model } from '../src/nn/model.js';
import { adam } from '../src/optimizers/adam.js';
import { fit } from '../src/training/fit/fit.js';
import { type Bench, type Context, type Findings, withThreads } from './support/bench.js';
import { threadCount } from './support/format.js';
import { imagesFor, type SeedModel, seedLayer, seedModels, seedModelTitles } from './support/seedModels.js';
import { type Summary, summarize } from './support/statistics.js';

const batchSize = 128;

interface Epochs {
  readonly report: BackendReport;
  readonly seconds: Summary;
  readonly images: Summary;
  /** Of the wall time of each epoch, what the engine's thread has spent in kernels. */
  readonly kernels: Summary;
}

/** Trains for some epochs, each measured from the end of the one before it; the first warms up. */
async function measure(context: Context, model: SeedModel, threads: number): Promise<Epochs> {
  const dataset = await imagesFor(model, context.quick ? 2048 : undefined);
  const kernelClock = { milliseconds: 0 };
  const { backend: kind, ...choices } = withThreads(context.backend, threads);
  if (kind === 'gpu' || kind === 'reference')
    throw new UsageError(`bench: an epoch is measured on wasm alone, not on ${kind}`);
  await using engine = new Engine(await openBackend({ ...choices, backend: 'wasm', kernelClock }));
  const ends: { wall: number; kernels: number }[] = [];
  await fit(engine, new Model(seedLayer(model), dataset.shape), dataset, {
    optimizer: adam(),
    batchSize,
    epochs: (context.quick ? 2 : 3) + 1,
    callbacks: [
      { onEpoch: () => void ends.push({ wall: performance.now(), kernels: kernelClock.milliseconds }) },
    ],
  });
  const epochs = ends.slice(1).map((end, i) => ({
    wall: end.wall - ends[i]!.wall,
    kernels: end.kernels - ends[i]!.kernels,
  }));
  return {
    report: engine.report,
    seconds: summarize(epochs.map(({ wall }) => wall / 1000)),
    images: summarize(epochs.map(({ wall }) => (1000 * dataset.count) / wall)),
    kernels: summarize(epochs.map(({ wall, kernels }) => kernels / wall)),
  };
}

export const bench: Bench = {
  question: 'How long does an epoch of fit take, and what share of it is spent in kernels?',
  async run(context): Promise<Findings> {
    const cases = seedModels.flatMap((model) => context.threads.map((threads) => ({ model, threads })));
    const rows: (Epochs & { model: string; threads: number })[] = [];
    for (const { model, threads } of cases) {
      context.progress(`${model}, ${threadCount(threads)}`);
      rows.push({ model: seedModelTitles[model], threads, ...(await measure(context, model, threads)) });
    }
    return {
      columns: [
        { key: 'model', title: 'model' },
        { key: 'threads', title: 'threads' },
        { key: 'seconds', title: 'epoch', unit: 's' },
        { key: 'images', title: 'images/s' },
        { key: 'kernels', title: 'in kernels', unit: 'share' },
      ],
      rows: rows.map(({ report: _, ...row }) => row),
      notes: [
        `Batches of ${batchSize}, Adam, everything that fit does: shuffling, feeding, metrics, progress.`,
        'In kernels: on the thread of the engine. On two threads the rest is also waiting for the other.',
      ],
      backends: rows.map(({ report }) => report),
      plots: [
        {
          title: 'Share of an epoch that is spent in kernels',
          kind: 'bar',
          x: { title: '', values: rows.map(({ model, threads }) => `${model}, ${threadCount(threads)}`) },
          y: { title: 'share' },
          series: [{ name: 'in kernels', values: rows.map(({ kernels }) => kernels.median) }],
        },
      ],
    };
  },
};
