import { join } from 'node:path';
import { ModelError, reasonOf, UsageError } from '../../../core/errors.js';
import { jsonText, makeFolder, writeWhole } from '../../../core/files.js';
import { processors } from '../../../core/machine.js';
import { type LoadedRecipe, loadRecipe, recipeNames } from '../../../recipes/index.js';
import { compareRecipe, type RecipeTrainings } from '../../../runs/comparison.js';
import { describeSystem } from '../../../runs/config.js';
import { readReferences } from '../../../runs/references.js';
import { queueAddress } from '../../inputs/queue.js';
import { clock, percent } from '../../terminal/format.js';
import { Interrupt } from '../../terminal/interrupt.js';
import { complain, print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { checkUnchanged, type SeedOptions, type SeedTraining, trainSeed } from '../train/seed.js';
import { type Ended, trainHandedOut } from './handedOut.js';
import { type Comparison, comparisonMarkdown, comparisonText } from './text.js';

export interface CompareArguments extends Omit<SeedOptions, 'threads'> {
  readonly recipes: readonly string[];
  readonly seeds: readonly number[];
  readonly out: string;
  readonly jobs?: number | undefined;
  readonly queue?: string | undefined;
  readonly store?: string | undefined;
  readonly threads?: number | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Names the folder of trial trainings: they do not mix with whole ones. */
function folderName({ recipe }: LoadedRecipe, { limit, epochs }: CompareArguments): string {
  const tried = [
    limit === undefined ? '' : `-limit-${limit}`,
    epochs === undefined ? '' : `-epochs-${epochs}`,
  ];
  return recipe.name + tried.join('');
}

/** Does things with at most so many at a time, in their order. */
async function inParallel<T>(
  jobs: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

/** Throws UsageError where runs of two recipes would lie in one folder. */
function checkNames(loaded: readonly LoadedRecipe[]): void {
  for (const [i, { recipe, source }] of loaded.entries()) {
    const other = loaded.slice(0, i).find((each) => each.recipe.name === recipe.name);
    if (other === undefined) continue;
    throw new UsageError(`compare: two recipes are called ${recipe.name}: ${other.source} and ${source}`, {
      hint: 'Runs lie in folders of these names: give one of them another.',
    });
  }
}

/** Trains all that is not trained yet. */
async function trainAll(
  loaded: readonly LoadedRecipe[],
  options: CompareArguments,
  progress: Progress,
  signal: AbortSignal,
): Promise<Ended[]> {
  if (queueAddress(options.queue) !== undefined) return trainHandedOut(loaded, options, progress, signal);
  const { seeds, out, jobs = 1 } = options;
  const threads = options.threads ?? (jobs > 1 ? Math.max(1, Math.floor(processors() / jobs)) : undefined);
  const trainings = loaded.flatMap((each) =>
    seeds.map(
      (seed): SeedTraining => ({
        loaded: each,
        seed,
        folder: join(out, folderName(each, options), `seed-${seed}`),
      }),
    ),
  );
  for (const training of trainings) await checkUnchanged(training, { ...options, threads });
  const ended: Ended[] = [];
  await inParallel(jobs, trainings, async (training) => {
    if (signal.aborted) return;
    const { source, recipe } = training.loaded;
    const title = `${recipe.name}, seed ${training.seed}`;
    const outcome = await trainSeed(training, { ...options, threads }, signal, (epoch, epochs, text) =>
      progress.show(title, epoch, epochs, text),
    );
    if (signal.aborted) return;
    ended.push({ source, seed: training.seed, outcome });
    progress.note(
      typeof outcome === 'string'
        ? `${title}: failed: ${outcome}`
        : `${title}: ${percent(outcome.testAccuracy!)} in ${clock(outcome.trainSeconds)}`,
    );
  });
  return ended;
}

/** The results of one recipe, in the order of its seeds. */
function trainingsOf({ recipe, source }: LoadedRecipe, ended: readonly Ended[]): RecipeTrainings {
  const own = ended.filter((each) => each.source === source).sort((a, b) => a.seed - b.seed);
  const { name, title, dataset, target } = recipe;
  return {
    recipe: name,
    title,
    dataset,
    target,
    results: own.flatMap(({ outcome }) => (typeof outcome === 'string' ? [] : [outcome])),
    failures: own.flatMap(({ seed, outcome }) =>
      typeof outcome === 'string' ? [{ seed, reason: outcome }] : [],
    ),
  };
}

async function write(out: string, comparison: Comparison): Promise<void> {
  await writeWhole(join(out, 'comparison.json'), jsonText(comparison));
  await writeWhole(join(out, 'comparison.md'), comparisonMarkdown(comparison));
}

/** Trains recipes with several seeds, and compares them with what is published. */
export async function runCompare(options: CompareArguments): Promise<void> {
  if (options.jobs === 0 && queueAddress(options.queue) === undefined)
    throw new UsageError('compare: --jobs 0 leaves nobody to train: it goes with --queue');
  const { seeds, out, limit, epochs, json, quiet } = options;
  const sources = [...new Set(options.recipes.length === 0 ? recipeNames : options.recipes)];
  const loaded = await Promise.all(sources.map((source) => loadRecipe(source)));
  checkNames(loaded);
  await makeFolder(out).catch((cause) => {
    throw new ModelError(`${out}: cannot be made: ${reasonOf(cause)}`, { cause });
  });
  const progress = await Progress.open(quiet);
  const interrupt = new Interrupt(() => progress.note('ending after this step; again to end at once'));
  try {
    const ended = await trainAll(loaded, options, progress, interrupt.signal);
    progress.clear();
    if (interrupt.signal.aborted) {
      complain('quern: interrupted; the same command goes on');
      process.exitCode = interrupt.exitCode;
      return;
    }
    const own = limit === undefined && epochs === undefined;
    const recipes = await Promise.all(
      loaded.map(async (each) =>
        compareRecipe(trainingsOf(each, ended), await readReferences(each.recipe.dataset), own),
      ),
    );
    const comparison: Comparison = {
      recipes,
      seeds,
      limit: limit ?? null,
      epochs: epochs ?? null,
      ...describeSystem(),
      written: new Date().toISOString(),
    };
    await write(out, comparison);
    print(json ? JSON.stringify(comparison) : comparisonText(comparison));
    const failed = recipes.some(({ targetMet, failures }) => targetMet === false || failures.length > 0);
    if (failed) process.exitCode = 1;
  } finally {
    progress.clear();
    interrupt.end();
  }
}
