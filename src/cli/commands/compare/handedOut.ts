/** The trainings of a comparison as jobs of a queue, which workers take: here, or on any machine. */
import { join } from 'node:path';
import { percent } from '../../../core/format.js';
import { processors } from '../../../core/machine.js';
import type { Embedded } from '../../../queue/embedded.js';
import { type JobResult, jobId, type TrainingDescription } from '../../../queue/job.js';
import type { Store } from '../../../queue/store.js';
import type { LoadedRecipe } from '../../../recipes/index.js';
import { describeData } from '../../../runs/config.js';
import type { TrainingResult } from '../../../runs/result.js';
import { openDataset } from '../../inputs/datasets.js';
import { keepModel } from '../../inputs/keptModel.js';
import { conditionsHere, type HandOutArguments, openHandingOut } from '../../inputs/queue.js';
import { clock } from '../../terminal/format.js';
import type { Progress } from '../../terminal/progress.js';
import { describeRecipeFile } from '../train/settings.js';
import { checkUnchanged, type SeedOptions, type SeedTraining } from './existing.js';

export interface HandedOutArguments extends HandOutArguments, SeedOptions {
  readonly seeds: readonly number[];
  readonly out: string;
}

export interface Ended {
  readonly source: string;
  readonly seed: number;
  readonly outcome: TrainingResult | string;
}

interface Wanted extends SeedTraining {
  readonly training: TrainingDescription;
  readonly label: string;
}

type Conditions = Awaited<ReturnType<typeof conditionsHere>>;

const titleOf = ({ loaded, seed }: SeedTraining) => `${loaded.recipe.name}, seed ${seed}`;

/** Names the folder of trial trainings: they do not mix with whole ones. */
function folderName({ recipe }: LoadedRecipe, { limit, epochs }: SeedOptions): string {
  const tried = [
    limit === undefined ? '' : `-limit-${limit}`,
    epochs === undefined ? '' : `-epochs-${epochs}`,
  ];
  return recipe.name + tried.join('');
}

/** Every recipe with every seed. */
const seedTrainings = (
  loaded: readonly LoadedRecipe[],
  options: HandedOutArguments,
): readonly SeedTraining[] =>
  loaded.flatMap((each) =>
    options.seeds.map((seed) => ({
      loaded: each,
      seed,
      folder: join(options.out, folderName(each, options), `seed-${seed}`),
    })),
  );

/** Trainings by what decides their bytes. */
async function describeTrainings(
  trainings: readonly SeedTraining[],
  options: HandedOutArguments,
  progress: Progress,
): Promise<{ wanted: Wanted[]; recipes: Map<string, string>; conditions: Conditions }> {
  const conditions = await conditionsHere('wasm');
  const { epochs, limit } = options;
  const recipes = new Map<string, string>();
  const described = new Map<LoadedRecipe, Omit<TrainingDescription, 'seed'>>();
  for (const { loaded } of trainings) {
    if (described.has(loaded)) continue;
    const { name, dataset, validationBy } = loaded.recipe;
    const data = await openDataset(dataset, { ...options, writers: validationBy === 'writer' }, progress);
    const train = (await describeData(data.train)).sha256;
    const test = (await describeData(data.test)).sha256;
    const { recipeFile } = await describeRecipeFile(loaded);
    if (recipeFile !== undefined) recipes.set(recipeFile.sha256, loaded.source);
    const recipe = { name, ...(recipeFile && { sha256: recipeFile.sha256 }) };
    described.set(loaded, { recipe, epochs, limit, ownData: false, train, test, ...conditions });
  }
  const wanted = trainings.map((each) => ({
    ...each,
    training: { ...described.get(each.loaded)!, seed: each.seed },
    label: `${each.loaded.recipe.name}-seed-${each.seed}`,
  }));
  return { wanted, recipes, conditions };
}

/** A result with its model. */
async function keep(
  wanted: Wanted,
  { result, failure }: JobResult,
  store: Store,
  out: string,
): Promise<TrainingResult | string> {
  if (result === null) return failure ?? 'it left no result';
  return { ...result, model: await keepModel(wanted, result.weightsSha256, store, out) };
}

/** Epochs, as a training without a terminal tells them. */
const epochForm = /^epoch (\d+)\/(\d+) \| (.*)$/;

/** One comparison's trainings in a queue. */
class Trainings {
  readonly ended: Ended[] = [];
  private readonly byLabel: ReadonlyMap<string, Wanted>;

  constructor(
    private readonly described: Awaited<ReturnType<typeof describeTrainings>>,
    private readonly options: HandedOutArguments,
    private readonly progress: Progress,
  ) {
    this.byLabel = new Map(described.wanted.map((one) => [one.label, one]));
  }

  /** Hands out what the store has no result of, and waits for all. What is done is there for the same command again. */
  async run(queue: string | Embedded, signal: AbortSignal): Promise<void> {
    const { progress } = this;
    const handing = await this.open(queue);
    try {
      if (handing.handedOutAt !== undefined)
        progress.note(`handed out at ${handing.handedOutAt}; on any machine: quern worker --queue ADDRESS`);
      const open = new Map<string, Wanted>();
      for (const [i, one] of this.described.wanted.entries()) {
        const { training, label } = one;
        const result = await handing.handOut.want({ job: { label, training, until: 0 }, priority: i + 1 });
        if (result === undefined) open.set(jobId({ training, until: 0 }), one);
        else await this.take(one, result, handing.store);
      }
      while (open.size > 0 && !signal.aborted) {
        for (const [id, result] of await handing.handOut.next(signal)) {
          const one = open.get(id);
          open.delete(id);
          if (one !== undefined) await this.take(one, result, handing.store);
        }
      }
    } finally {
      await handing.close();
    }
  }

  private open(queue: string | Embedded) {
    const { options, progress, byLabel } = this;
    const { recipes, conditions } = this.described;
    const { out } = options;
    const here = typeof queue !== 'string';
    const jobs = options.jobs ?? (here ? 1 : 0);
    const threads = options.threads ?? Math.max(1, Math.floor(processors() / Math.max(1, jobs)));
    const folderOf = ({ label }: { readonly label: string }) =>
      byLabel.get(label)?.folder ?? join(out, 'runs', label);
    const own = { conditions, recipes, queue, folder: out, folderOf, goOn: true };
    return openHandingOut({ ...options, jobs, threads }, own, {
      begun: (label) => here || progress.note(`${label}: begun`),
      said: ({ label }, line) => {
        const [, epoch, epochs, facts] = epochForm.exec(line) ?? [];
        const one = byLabel.get(label);
        if (epoch !== undefined && one !== undefined)
          progress.show(titleOf(one), Number(epoch), Number(epochs), facts!);
      },
      ended: () => {},
      fault: (message) => progress.note(`quern: ${message}`),
    });
  }

  private async take(one: Wanted, result: JobResult, store: Store): Promise<void> {
    const outcome = await keep(one, result, store, this.options.out);
    this.ended.push({ source: one.loaded.source, seed: one.seed, outcome });
    this.progress.note(
      typeof outcome === 'string'
        ? `${titleOf(one)}: failed: ${outcome}`
        : `${titleOf(one)}: ${percent(outcome.testAccuracy!)} in ${clock(outcome.trainSeconds)}`,
    );
  }
}

/** Trains what is not trained yet. */
export async function trainHandedOut(
  loaded: readonly LoadedRecipe[],
  options: HandedOutArguments,
  { progress, signal, queue }: { progress: Progress; signal: AbortSignal; queue: string | Embedded },
): Promise<readonly Ended[]> {
  const finished: Ended[] = [];
  const left: SeedTraining[] = [];
  for (const one of seedTrainings(loaded, options)) {
    const run = await checkUnchanged(one, options);
    if (run?.state === 'finished' && run.result !== undefined)
      finished.push({ source: one.loaded.source, seed: one.seed, outcome: run.result });
    else left.push(one);
  }
  if (left.length === 0) return finished;
  // while images are read
  if (typeof queue !== 'string') queue.start();
  const trainings = new Trainings(await describeTrainings(left, options, progress), options, progress);
  await trainings.run(queue, signal);
  return [...finished, ...trainings.ended];
}
