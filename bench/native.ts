import { sentenceOf } from '../src/core/errors.js';
import type { Dataset } from '../src/data/dataset.js';
import { type Engine, openEngine } from '../src/engine/engine.js';
import type { Bench, Context, Findings, Row } from './support/bench.js';
import { clockFor } from './support/clock.js';
import { ensure } from './support/ensure.js';
import { threadCount } from './support/format.js';
import { oneThreadNote } from './support/kernelFindings.js';
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

/** Five times as long as usual: a sample is many steps, or several of the largest network. */
const longer = ({ rounds, seconds, warmUpSeconds }: Sampling): Sampling => ({
  ...{ rounds, seconds: 5 * seconds, warmUpSeconds: 2 * warmUpSeconds, pauseSeconds: seconds },
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
    return { engines, reason: sentenceOf(error).replace(/^native: /, '') };
  }
}

const keyOf = (model: SeedModel, kernels: string) => `${model} ${kernels}`;

interface Measured {
  readonly threads: number;
  readonly engines: ReadonlyMap<string, Engine>;
  /** Why there is no machine code. */
  readonly reason: string | undefined;
  of(model: SeedModel, kernels: string): readonly Sample[];
}

/** Every model in every engine of so many threads, in turns. */
async function measure(
  context: Context,
  images: ReadonlyMap<SeedModel, Dataset>,
  threads: number,
): Promise<Measured> {
  const { engines, reason } = await openAll(threads);
  try {
    const subjects = models.flatMap((model) =>
      [...engines].map(([kernels, engine]) => {
        const training = new SeedTraining(engine, model, images.get(model)!);
        return {
          name: keyOf(model, kernels),
          clock: clockFor(threads),
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
      context.progress(`${threadCount(threads)}, round ${round} of ${sampling.rounds}`),
    );
    for (const { check } of subjects) await check();
    return { threads, engines, reason, of: (model, kernels) => samples.get(keyOf(model, kernels))! };
  } finally {
    for (const engine of engines.values()) await engine.close();
  }
}

function rowsOf({ threads, engines, of }: Measured): Row[] {
  return models.flatMap((model) =>
    [...engines.keys()].map(
      (kernels): Row => ({
        model: seedModelTitles[model],
        kernels,
        threads,
        images: rateOf(of(model, kernels), batchSize),
        ...(kernels !== 'WebAssembly' && { ratio: speedUp(of(model, kernels), of(model, 'WebAssembly')) }),
      }),
    ),
  );
}

export const bench: Bench = {
  question: 'How many times as fast as WebAssembly does machine code train, by model and width?',
  async run(context): Promise<Findings> {
    const images = new Map<SeedModel, Dataset>();
    for (const model of models) images.set(model, await imagesFor(model, context.quick ? 8192 : undefined));
    const measured: Measured[] = [];
    for (const threads of context.threads) measured.push(await measure(context, images, threads));
    const { reason } = measured[0]!;
    return {
      columns: [
        { key: 'model', title: 'model' },
        { key: 'kernels', title: 'kernels' },
        { key: 'threads', title: 'threads' },
        { key: 'images', title: 'images/s' },
        { key: 'ratio', title: '÷ WebAssembly' },
      ],
      rows: measured.flatMap(rowsOf),
      notes: [
        `${imagesText([...images.values()])} Steps as fit runs them, batches of ${batchSize}, Adam, in turns in one process.`,
        oneThreadNote,
        ...(reason === undefined ? [] : [`Machine code does not run here: ${reason}`]),
      ],
      backends: measured.flatMap(({ engines }) => [...engines.values()].map(({ report }) => report)),
      plots: measured.map(({ threads, engines, of }) => ({
        name: `${threads}`,
        title: `Training in batches of ${batchSize}, ${threadCount(threads)}`,
        kind: 'bar' as const,
        x: { title: '', values: models.map((model) => seedModelTitles[model]) },
        y: { title: 'images/s' },
        series: [...engines.keys()].map((kernels) => ({
          name: kernels,
          values: models.map((model) => rateOf(of(model, kernels), batchSize).median),
        })),
      })),
    };
  },
};
