import { join } from 'node:path';
import { ModelError, reasonOf, UsageError } from '../../../core/errors.js';
import { jsonText, makeFolder, writeWhole } from '../../../core/files.js';
import { type LoadedRecipe, loadRecipe, recipeNames } from '../../../recipes/index.js';
import { compareRecipe, type RecipeTrainings } from '../../../runs/comparison.js';
import { describeSystem } from '../../../runs/config.js';
import { shareLock } from '../../../runs/lock.js';
import { readReferences } from '../../../runs/references.js';
import { checkAddresses, isQueueHere, withQueue } from '../../inputs/queue.js';
import { Interrupt } from '../../terminal/interrupt.js';
import { complain, print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { type Ended, type HandedOutArguments, trainHandedOut } from './handedOut.js';
import { type Comparison, comparisonMarkdown, comparisonText } from './text.js';

export interface CompareArguments extends HandedOutArguments {
  readonly recipes: readonly string[];
  readonly json: boolean;
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
  if (options.jobs === 0 && isQueueHere(options.queue))
    throw new UsageError('compare: --jobs 0 leaves nobody to train: it goes with --queue');
  checkAddresses(options);
  const { seeds, out, limit, epochs, json, quiet } = options;
  const sources = [...new Set(options.recipes.length === 0 ? recipeNames : options.recipes)];
  const loaded = await Promise.all(sources.map((source) => loadRecipe(source)));
  checkNames(loaded);
  await makeFolder(out).catch((cause) => {
    throw new ModelError(`${out}: cannot be made: ${reasonOf(cause)}`, { cause });
  });
  const giveBack = await shareLock(out);
  const progress = await Progress.open(quiet);
  const interrupt = new Interrupt(() => progress.note('ending after this step; again to end at once'));
  try {
    const { signal } = interrupt;
    const ended = await withQueue(options.queue, (queue) =>
      trainHandedOut(loaded, options, { progress, signal, queue }),
    );
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
    await giveBack();
  }
}
