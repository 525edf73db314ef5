import { type Engine, openEngine } from '../src/engine/engine.js';
import type { Bench, Context, Findings, Row } from './support/bench.js';
import { ensure } from './support/ensure.js';
import { threadCount } from './support/format.js';
import { interleave, rateOf, type Sample, type Sampling, speedUp } from './support/measure.js';
import {
  imagesFor,
  imagesText,
  type SeedModel,
  SeedTraining,
  seedModelTitles,
} from './support/seedModels.js';

const models: readonly SeedModel[] = ['mlp', 'fashion-cnn', 'fashion-resnet'];
const batchSize = 128;

/** Ten times as long as usual: a sample is many steps, or several of the largest network. */
const longer = ({ rounds, seconds, warmUpSeconds }: Sampling): Sampling => ({
  ...{ rounds, seconds: 10 * seconds, warmUpSeconds: 3 * warmUpSeconds, pauseSeconds: seconds },
});

/** WebAssembly first, then each width that is here. */
async function openAll(
  threads: number,
): Promise<{ engines: Map<string, Engine>; reason: string | undefined }> {
  const open = (native: 'on' | 'off' | 'avx2') => openEngine({ backend: 'wasm', threads, native });
  const engines = new Map([['WebAssembly', await open('off')]]);
  try {
    const widest = await open('on');
    if (widest.report.native === 'avx512') engines.set('avx2', await open('avx2'));
    engines.set(widest.report.native!, widest);
    return { engines, reason: undefined };
  } catch (error) {
    return { engines, reason: error instanceof Error ? error.message : String(error) };
  }
}

const keyOf = (model: SeedModel, kernels: string) => `${model} ${kernels}`;

async function measure(context: Context, engines: ReadonlyMap<string, Engine>) {
  const images = new Map(
    await Promise.all(
      models.map(async (model) => [model, await imagesFor(model, context.quick ? 8192 : undefined)] as const),
    ),
  );
  const subjects = models.flatMap((model) =>
    [...engines].map(([kernels, engine]) => {
      const training = new SeedTraining(engine, model, images.get(model)!);
      return {
        name: keyOf(model, kernels),
        run: (repeats: number) => training.run(batchSize, repeats),
        check: async () => {
          const loss = await training.loss();
          ensure(Number.isFinite(loss), `the training of ${model} went wrong: the loss is ${loss}`);
        },
      };
    }),
  );
  const sampling = longer(context.sampling);
  const samples = await interleave(subjects, sampling, (round) =>
    context.progress(`round ${round} of ${sampling.rounds}`),
  );
  for (const { check } of subjects) await check();
  return { samples, images: [...images.values()] };
}

export const bench: Bench = {
  question: 'How many times as fast as WebAssembly does machine code train, by model and width?',
  async run(context): Promise<Findings> {
    const threads = context.threads.at(-1)!;
    const { engines, reason } = await openAll(threads);
    try {
      const { samples, images } = await measure(context, engines);
      const of = (model: SeedModel, kernels: string): Sample[] => samples.get(keyOf(model, kernels))!;
      const rate = (model: SeedModel, kernels: string) => rateOf(of(model, kernels), batchSize);
      const rows = models.flatMap((model) =>
        [...engines.keys()].map(
          (kernels): Row => ({
            ...{ model: seedModelTitles[model], kernels, threads, images: rate(model, kernels) },
            ...(kernels !== 'WebAssembly' && {
              ratio: speedUp(of(model, kernels), of(model, 'WebAssembly')),
            }),
          }),
        ),
      );
      return {
        columns: [
          { key: 'model', title: 'model' },
          { key: 'kernels', title: 'kernels' },
          { key: 'threads', title: 'threads' },
          { key: 'images', title: 'images/s' },
          { key: 'ratio', title: '÷ WebAssembly' },
        ],
        rows,
        notes: [
          `${imagesText(images)} Steps as fit runs them, batches of ${batchSize}, Adam, in turns in one process.`,
          ...(reason === undefined ? [] : [`Machine code does not run here: ${reason}`]),
        ],
        backends: [...engines.values()].map(({ report }) => report),
        plots: [
          {
            title: `Training in batches of ${batchSize}, ${threadCount(threads)}`,
            kind: 'bar',
            x: { title: '', values: models.map((model) => seedModelTitles[model]) },
            y: { title: 'images/s' },
            series: [...engines.keys()].map((kernels) => ({
              name: kernels,
              values: models.map((model) => rate(model, kernels).median),
            })),
          },
        ],
      };
    } finally {
      for (const engine of engines.values()) await engine.close();
    }
  },
};
