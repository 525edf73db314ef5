import { UsageError } from '../../../core/errors.js';
import { writeWhole } from '../../../core/files.js';
import { at } from '../../../core/lists.js';
import { splitDataset } from '../../../data/dataset.js';
import type { BackendReport } from '../../../engine/backend.js';
import { loadRecipe, recipeModel } from '../../../recipes/index.js';
import { asFile } from '../../../report/charts/chart.js';
import { rateSearchChart } from '../../../report/charts/rateSearchChart.js';
import { findLearningRate, type RateSearch } from '../../../training/rateFinder/rateFinder.js';
import { openDataset } from '../../inputs/datasets.js';
import { openChosenEngine } from '../../inputs/openers.js';
import type { BackendArguments, DataArguments, OwnDataArguments } from '../../inputs/options.js';
import { checkNewFile } from '../../inputs/outputs.js';
import { checkOwnData, shapeFor } from '../../inputs/ownData.js';
import { decimals } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { sparkline, textTable } from '../../terminal/table.js';
import { chooseSettings } from '../train/settings.js';

export interface FindRateArguments extends BackendArguments, DataArguments, OwnDataArguments {
  readonly recipe: string;
  readonly optimizer?: string | undefined;
  readonly batchSize?: number | undefined;
  readonly from: number;
  readonly to: number;
  readonly steps: number;
  readonly seed: number;
  readonly limit?: number | undefined;
  readonly out?: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

const rate = (value: number) => value.toExponential(1);

/** A row for every half decade, the curve as a line of bars, and what they say. */
export function searchText({ points, suggestion, lowest, diverged }: RateSearch): string {
  const halfDecade = (value: number) => Math.floor(2 * Math.log10(value) + 1e-9);
  const rows = points.filter(
    ({ learningRate }, i) => i === 0 || halfDecade(learningRate) > halfDecade(at(points, i - 1).learningRate),
  );
  const table = textTable({
    header: ['rate', 'loss', 'smoothed'],
    rows: rows.map(({ learningRate, loss, smoothed }) => [
      rate(learningRate),
      decimals(loss),
      decimals(smoothed),
    ]),
    alignments: ['right', 'right', 'right'],
  });
  const last = points.at(-1)!;
  const lines = [
    table,
    '',
    `${rate(at(points, 0).learningRate)} ${sparkline(points.map(({ smoothed }) => smoothed))} ${rate(last.learningRate)}`,
    '',
    diverged ? `the loss ran away at ${rate(last.learningRate)}` : 'the loss never ran away',
  ];
  if (suggestion === null || lowest === null)
    return [...lines, 'nothing to suggest: the loss did not fall'].join('\n');
  return [
    ...lines,
    `lowest loss at ${rate(lowest)}`,
    `suggestion: ${rate(suggestion)}, where the loss falls fastest`,
  ].join('\n');
}

/** The output of `--json`. */
interface Result extends RateSearch, BackendReport {
  readonly recipe: string;
  readonly dataset: string;
  readonly optimizer: string;
  readonly seed: number;
  readonly batchSize: number;
}

async function find(options: FindRateArguments, progress: Progress, signal: AbortSignal): Promise<void> {
  const { from, to } = options;
  if (!(to > from)) throw new UsageError(`--to must be above --from: ${to} and ${from}`);
  const { out, data } = options;
  if (out !== undefined) await checkNewFile(out, [options.recipe, ...(data === undefined ? [] : [data])]);
  const loaded = await loadRecipe(options.recipe);
  const { recipe } = loaded;
  checkOwnData(options);
  const { optimizer, batchSize, seed } = options;
  const settings = chooseSettings(recipe, { optimizer, batchSize, seed });
  // what is held out for validation is held out here too
  const { validation, validationBy } = settings;
  const writers = validationBy === 'writer';
  const { train } = await openDataset(
    recipe.dataset,
    { ...options, shape: shapeFor(recipe, options), writers, signal },
    progress,
  );
  await using engine = await openChosenEngine(options, progress);
  const images = validation === undefined ? train : splitDataset(train, validation, seed, validationBy).train;
  const { normalization, labelSmoothing, clip } = settings;
  const search = await findLearningRate(engine, recipeModel(loaded, train, seed), images, {
    optimizer: settings.optimizer,
    batchSize: settings.batchSize,
    from,
    to,
    steps: options.steps,
    seed,
    normalization,
    labelSmoothing,
    clip,
    signal,
    onProgress: (done, steps) => progress.show('rates', done, steps, `${done} of ${steps} steps`),
  });
  progress.clear();
  const result: Result = {
    recipe: recipe.name,
    dataset: train.name,
    ...engine.report,
    optimizer: settings.optimizer.name,
    seed,
    batchSize: settings.batchSize,
    ...search,
  };
  print(options.json ? JSON.stringify(result) : searchText(search));
  if (out !== undefined) await writeWhole(out, asFile(await rateSearchChart(search)));
}

/** Searches a learning rate for a recipe, on its training images alone. */
export async function runFindRate(options: FindRateArguments): Promise<void> {
  const progress = await Progress.open(options.quiet);
  try {
    await interruptible((signal) => find(options, progress, signal));
  } finally {
    progress.clear();
  }
}
