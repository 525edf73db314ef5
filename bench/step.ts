import type { Dataset } from '../src/data/dataset.js';
import { openEngine } from '../src/engine/engine.js';
import type { Bench, Context, Row } from './support/bench.js';
import { withThreads } from './support/bench.js';
import { ensure } from './support/ensure.js';
import { threadCount } from './support/format.js';
import { interleave, rateOf, type Sample, secondsOf, speedUp } from './support/measure.js';
import {
  imagesFor,
  imagesText,
  type SeedModel,
  SeedTraining,
  seedModels,
  seedModelTitles,
} from './support/seedModels.js';
import type { Summary } from './support/statistics.js';

const batches = [1, 4, 16, 32, 64, 128, 256, 512, 1024];
const quickBatches = [1, 128, 512];

interface Case {
  readonly key: string;
  readonly model: SeedModel;
  readonly batch: number;
  readonly threads: number;
}

const keyOf = (model: SeedModel, batch: number, threads: number) => `${model} ${batch} ${threads}`;

function casesOf({ quick, threads }: Context): Case[] {
  return (quick ? quickBatches : batches).flatMap((batch) =>
    seedModels.flatMap((model) =>
      threads.map((count) => ({ key: keyOf(model, batch, count), model, batch, threads: count })),
    ),
  );
}

const milliseconds = ({ median, low, high, count }: Summary): Summary => ({
  median: median * 1000,
  low: low * 1000,
  high: high * 1000,
  count,
});

export const bench: Bench = {
  question: 'How long does a training step of the seed models take, by batch size and threads?',
  async run(context) {
    const { threads, sampling } = context;
    const cases = casesOf(context);
    const engines = await Promise.all(
      threads.map((count) => openEngine(withThreads(context.backend, count))),
    );
    try {
      const images = new Map<SeedModel, Dataset>();
      for (const model of seedModels)
        images.set(model, await imagesFor(model, context.quick ? 8192 : undefined));
      const trainings = new Map(
        cases.map(({ key, model, threads: count }) => {
          const engine = engines[threads.indexOf(count)]!;
          return [key, new SeedTraining(engine, model, images.get(model)!)];
        }),
      );
      const subjects = cases.map(({ key, batch }) => ({
        name: key,
        run: (repeats: number) => trainings.get(key)!.run(batch, repeats),
      }));
      const samples = await interleave(subjects, sampling, (round) =>
        context.progress(`round ${round} of ${sampling.rounds}`),
      );
      for (const [key, training] of trainings) {
        const loss = await training.loss();
        ensure(Number.isFinite(loss), `the training of ${key} went wrong: the loss is ${loss}`);
      }
      return {
        columns: [
          { key: 'model', title: 'model' },
          { key: 'batch', title: 'batch' },
          { key: 'threads', title: 'threads' },
          { key: 'milliseconds', title: 'step', unit: 'ms' },
          { key: 'images', title: 'images/s' },
          { key: 'scaling', title: '÷ 1 thread' },
        ],
        rows: cases.map((one) => rowOf(one, samples)),
        notes: [
          `${imagesText([...images.values()])} A step as fit runs it: gather and normalize from a resident dataset, forward, backward, Adam, metrics.`,
        ],
        backends: engines.map(({ report }) => report),
        plots: seedModels.map((model) => ({
          name: model,
          title: `Training the ${seedModelTitles[model]}`,
          kind: 'line' as const,
          x: { title: 'batch', values: (context.quick ? quickBatches : batches).map(String) },
          y: { title: 'images/s' },
          series: threads.map((count) => ({
            name: threadCount(count),
            values: (context.quick ? quickBatches : batches).map(
              (batch) => rateOf(samples.get(keyOf(model, batch, count))!, batch).median,
            ),
          })),
        })),
      };
    } finally {
      await Promise.all(engines.map((engine) => engine.close()));
    }
  },
};

function rowOf({ key, model, batch, threads }: Case, samples: ReadonlyMap<string, Sample[]>): Row {
  const own = samples.get(key)!;
  const single = samples.get(keyOf(model, batch, 1));
  return {
    model: seedModelTitles[model],
    batch,
    threads,
    milliseconds: milliseconds(secondsOf(own)),
    images: rateOf(own, batch),
    ...(threads > 1 && single !== undefined ? { scaling: speedUp(own, single) } : {}),
  };
}
