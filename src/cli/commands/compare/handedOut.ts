/** The trainings of a comparison as jobs of a queue, which workers on any machine take. */
import { join } from 'node:path';
import { DataError } from '../../../core/errors.js';
import { makeFolder, writeWhole } from '../../../core/files.js';
import { percent } from '../../../core/format.js';
import {
  type JobResult,
  jobId,
  storeNames,
  type TrainingDescription,
  trainingId,
} from '../../../queue/job.js';
import type { Store } from '../../../queue/store.js';
import type { LoadedRecipe } from '../../../recipes/index.js';
import { describeData } from '../../../runs/config.js';
import type { TrainingResult } from '../../../runs/result.js';
import { openDataset } from '../../inputs/openers.js';
import { conditionsHere, type HandOutArguments, openHandingOut } from '../../inputs/queue.js';
import type { Progress } from '../../terminal/progress.js';
import { describeRecipeFile } from '../train/settings.js';

interface HandedOutArguments extends HandOutArguments {
  readonly seeds: readonly number[];
  readonly out: string;
  readonly epochs?: number | undefined;
  readonly limit?: number | undefined;
}

export interface Ended {
  readonly source: string;
  readonly seed: number;
  readonly outcome: TrainingResult | string;
}

interface Wanted {
  readonly loaded: LoadedRecipe;
  readonly training: TrainingDescription;
  readonly label: string;
}

/** Every recipe with every seed, by what decides its bytes. */
async function trainingsOf(
  loaded: readonly LoadedRecipe[],
  options: HandedOutArguments,
  progress: Progress,
): Promise<{ wanted: Wanted[]; recipes: Map<string, string>; conditions: Conditions }> {
  const conditions = await conditionsHere('wasm');
  const { epochs, limit, seeds } = options;
  const recipes = new Map<string, string>();
  const wanted: Wanted[] = [];
  for (const each of loaded) {
    const { name, dataset, validationBy } = each.recipe;
    const data = await openDataset(dataset, { ...options, writers: validationBy === 'writer' }, progress);
    const train = (await describeData(data.train)).sha256;
    const test = (await describeData(data.test)).sha256;
    const { recipeFile } = await describeRecipeFile(each);
    if (recipeFile !== undefined) recipes.set(recipeFile.sha256, recipeFile.path);
    const recipe = { name, ...(recipeFile && { sha256: recipeFile.sha256 }) };
    for (const seed of seeds) {
      const training = { recipe, seed, epochs, limit, ownData: false, train, test, ...conditions };
      wanted.push({ loaded: each, training, label: `${name}-seed-${seed}` });
    }
  }
  return { wanted, recipes, conditions };
}

type Conditions = Awaited<ReturnType<typeof conditionsHere>>;

/** A result with its model, which is fetched from the store. */
async function keep(
  { training, label }: Wanted,
  { result, failure }: JobResult,
  store: Store,
  out: string,
): Promise<TrainingResult | string> {
  if (result === null) return failure ?? 'it left no result';
  const bytes = await store.read(storeNames.model(trainingId(training)));
  if (bytes === undefined) throw new DataError(`${label}: its model is not in the store: ${store.name}`);
  const folder = join(out, 'models');
  await makeFolder(folder);
  const model = join(folder, `${label}.safetensors`);
  await writeWhole(model, bytes);
  return { ...result, model };
}

/** Hands out what the store has no result of, and waits for all. What is done is there for the same command again. */
export async function trainHandedOut(
  loaded: readonly LoadedRecipe[],
  options: HandedOutArguments,
  progress: Progress,
  signal: AbortSignal,
): Promise<Ended[]> {
  const { wanted, recipes, conditions } = await trainingsOf(loaded, options, progress);
  const { out } = options;
  const own = { conditions, recipes, folder: out, runs: join(out, 'runs') };
  const handing = await openHandingOut(options, own, {
    begun: (label) => progress.note(`${label}: begun`),
    ended: () => {},
    fault: (message) => progress.note(`quern: ${message}`),
  });
  const ended: Ended[] = [];
  const take = async (one: Wanted, result: JobResult) => {
    const outcome = await keep(one, result, handing.store, out);
    ended.push({ source: one.loaded.source, seed: one.training.seed, outcome });
    const accuracy = typeof outcome === 'string' ? null : outcome.testAccuracy;
    progress.note(`${one.label}: ${accuracy == null ? `failed: ${outcome}` : percent(accuracy)}`);
  };
  try {
    if (handing.handedOutAt !== undefined)
      progress.note(`handed out at ${handing.handedOutAt}; on any machine: quern worker --queue ADDRESS`);
    const open = new Map<string, Wanted>();
    for (const [i, one] of wanted.entries()) {
      const { training, label } = one;
      const result = await handing.handOut.want({ job: { label, training, until: 0 }, priority: i + 1 });
      if (result === undefined) open.set(jobId({ training, until: 0 }), one);
      else await take(one, result);
    }
    while (open.size > 0 && !signal.aborted) {
      for (const [id, result] of await handing.handOut.next(signal)) {
        const one = open.get(id);
        open.delete(id);
        if (one !== undefined) await take(one, result);
      }
    }
    return ended;
  } finally {
    await handing.close();
  }
}
