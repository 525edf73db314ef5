import { join } from 'node:path';
import { UsageError } from '../../../core/errors.js';
import { percent } from '../../../core/format.js';
import type { Embedded } from '../../../queue/embedded.js';
import {
  type JobResult,
  storeNames,
  type TrainingDescription,
  type TrainingJob,
  trainingId,
} from '../../../queue/job.js';
import type { Store } from '../../../queue/store.js';
import { type LoadedRecipe, loadRecipe, setRecipe } from '../../../recipes/index.js';
import { describeData } from '../../../runs/config.js';
import { defaultEta, rungsOf } from '../../../sweep/halving.js';
import { type SweepDescription, type SweepRecord, sweepPage } from '../../../sweep/record.js';
import { chooseTrials, type Search } from '../../../sweep/search.js';
import { type GivenSpace, parseSpace, type Spaces, spaceText, type Values } from '../../../sweep/space.js';
import { runSweep, type SweepPlan } from '../../../sweep/sweep.js';
import { openDataset } from '../../inputs/datasets.js';
import { keepModel } from '../../inputs/keptModel.js';
import type { OwnDataArguments } from '../../inputs/options.js';
import { shapeFor } from '../../inputs/ownData.js';
import {
  checkAddresses,
  conditionsHere,
  type HandOutArguments,
  isQueueHere,
  openHandingOut,
  preparationOf,
  storeAddress,
  withQueue,
} from '../../inputs/queue.js';
import { Interrupt } from '../../terminal/interrupt.js';
import { Live } from '../../terminal/live.js';
import { complain, print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { chooseSettings, describeRecipeFile } from '../train/settings.js';
import { takeSweepFolder, writeSweep } from './folder.js';
import { liveText, sweepText } from './text.js';

export interface SweepArguments extends HandOutArguments, Omit<OwnDataArguments, 'data'> {
  readonly recipe: string;
  readonly set?: Readonly<Record<string, string>> | undefined;
  readonly search: Search;
  readonly trials?: number | undefined;
  readonly eta?: number | undefined;
  readonly epochs?: number | undefined;
  readonly time?: number | undefined;
  readonly seed?: number | undefined;
  readonly seeds: readonly number[];
  readonly validation?: number | undefined;
  readonly limit?: number | undefined;
  readonly validationByWriter?: boolean | undefined;
  readonly backend: 'wasm' | 'reference';
  readonly out?: string | undefined;
  readonly force: boolean;
  readonly json: boolean;
}

const defaultValidation = 0.1;

/** The spaces of the recipe, and those of the command line instead. */
function spacesOf({ recipe }: LoadedRecipe, given: SweepArguments['set']): Spaces {
  const all: Readonly<Record<string, GivenSpace>> = { ...recipe.sweep, ...given };
  return Object.fromEntries(Object.entries(all).map(([name, space]) => [name, parseSpace(name, space)]));
}

/** Sees that every trial can be trained, before the first is. */
function checkTrials(loaded: LoadedRecipe, trials: readonly Values[], options: SweepArguments): void {
  const { epochs, validation, validationByWriter, limit, data, imageShape, seed = 0 } = options;
  const given = { epochs, validation, validationByWriter, limit, data, imageShape, seed };
  for (const values of trials) chooseSettings(setRecipe(loaded, values).recipe, given);
}

/** The images that the recipe trains on, and the hashes of all. */
async function openData({ recipe }: LoadedRecipe, options: SweepArguments, progress: Progress) {
  const writers = options.validationByWriter ?? recipe.validationBy === 'writer';
  const asked = { ...options, shape: shapeFor(recipe, options), writers };
  const data = await openDataset(recipe.dataset, asked, progress);
  const [train, test] = [await describeData(data.train), await describeData(data.test)];
  return { images: data.train, hashes: { train: train.sha256, test: test.sha256 } };
}

/** Names, trials and trainings of a sweep. */
async function planSweep(
  options: SweepArguments,
  progress: Progress,
  queue: string | Embedded,
): Promise<SweepPlan> {
  const loaded = await loadRecipe(options.recipe);
  const { recipe } = loaded;
  const { search, seed = 0, eta = defaultEta, limit, imageShape, seeds, backend } = options;
  const spaces = spacesOf(loaded, options.set);
  const trials = chooseTrials(spaces, { search, trials: options.trials, seed });
  checkTrials(loaded, trials, options);
  // while images are read
  if (typeof queue !== 'string') queue.start();
  const epochs = options.epochs ?? recipe.epochs;
  const validation = options.validation ?? recipe.validation ?? defaultValidation;
  const { validationByWriter } = options;
  const { images, hashes } = await openData(loaded, options, progress);
  const conditions = await conditionsHere(backend);
  const { recipeFile } = await describeRecipeFile(loaded);
  const common = {
    recipe: { name: recipe.name, ...(recipeFile && { sha256: recipeFile.sha256 }) },
    epochs: options.epochs,
    limit,
    imageShape,
    preparation: preparationOf(options),
    ownData: options.data !== undefined,
    ...hashes,
    ...conditions,
    backend,
  };
  const trialOf = (set: Values): TrainingDescription => ({
    ...common,
    set,
    seed,
    validation,
    validationByWriter,
  });
  const finalOf = (set: Values, ofSeed: number): TrainingDescription => ({ ...common, set, seed: ofSeed });
  const description: SweepDescription = {
    recipe: recipe.name,
    dataset: images.name,
    ...(recipeFile && { recipeSha256: recipeFile.sha256 }),
    spaces: Object.fromEntries(Object.entries(spaces).map(([name, space]) => [name, spaceText(space)])),
    search,
    trials: trials.length,
    seed,
    eta,
    rungs: search === 'asha' ? rungsOf(epochs, eta) : [epochs],
    validation,
    ...(validationByWriter !== undefined && { validationByWriter }),
    ...(limit !== undefined && { limit }),
    ...(imageShape !== undefined && { imageShape }),
    data: hashes,
    ...conditions,
  };
  const rule = { eta, images: Math.max(1, Math.round(images.count * validation)) };
  return { description, spaces, trials, rule, seeds, trialOf, finalOf };
}

/** Shows a sweep while it runs. */
class Screen {
  private readonly live: Live | undefined;
  private readonly running = new Set<string>();
  private record: SweepRecord | undefined;

  constructor(
    private readonly progress: Progress,
    quiet: boolean,
  ) {
    this.live = process.stderr.isTTY && !quiet ? new Live() : undefined;
  }

  begun(label: string): void {
    this.running.add(label);
    this.draw();
  }

  ended(label: string, { until }: TrainingJob, { history, failure, result }: JobResult): void {
    this.running.delete(label);
    const accuracy = history.at(-1)?.validationAccuracy;
    const said = [
      accuracy === undefined ? undefined : `validation ${percent(accuracy)}`,
      result?.testAccuracy == null ? undefined : `test ${percent(result.testAccuracy)}`,
    ].filter((each) => each !== undefined);
    if (this.live !== undefined) this.draw();
    else {
      const where = until === 0 ? 'to the end' : `to epoch ${history.length}`;
      this.progress.note(
        `${label}: ${failure === null ? `${where}: ${said.join(', ')}` : `failed: ${failure}`}`,
      );
    }
  }

  show(record: SweepRecord): void {
    this.record = record;
    this.draw();
  }

  note(text: string): void {
    this.live?.clear();
    this.progress.note(text);
    this.draw();
  }

  end(): void {
    this.live?.clear();
  }

  private draw(): void {
    if (this.live === undefined || this.record === undefined) return;
    this.live.draw(liveText(this.record, [...this.running].sort(), this.live.size));
  }
}

/**
 * Removes checkpoints of trials that nothing goes on from. Another sweep of the same trials that is not done has the same results
 * without: what was paused is trained from its beginning. What cannot be removed stays.
 */
async function removeCheckpoints(plan: SweepPlan, record: SweepRecord, store: Store): Promise<void> {
  if (record.state !== 'finished' || record.timeIsUp) return;
  const begun = record.trials.filter(({ state }) => state !== 'waiting');
  const names = begun.map(({ values }) => storeNames.checkpoint(trainingId(plan.trialOf(values))));
  for (const name of names) await store.remove(name);
}

async function sweep(
  plan: SweepPlan,
  { out, begun, queue }: { out: string; begun: string; queue: string | Embedded },
  options: SweepArguments,
  progress: Progress,
): Promise<void> {
  const screen = new Screen(progress, options.quiet);
  const { recipeSha256 } = plan.description;
  const recipes = new Map(recipeSha256 === undefined ? [] : [[recipeSha256, options.recipe] as const]);
  const conditions = { ...plan.description };
  const folderOf = ({ label }: Pick<TrainingJob, 'label'>) => join(out, 'trials', label);
  const own = { conditions, recipes, queue, folder: out, folderOf, goOn: false };
  const handing = await openHandingOut(options, own, {
    begun: (label) => screen.begun(label),
    ended: (label, job, result) => screen.ended(label, job, result),
    fault: (message) => screen.note(`quern: ${message}`),
  });
  const interrupt = new Interrupt(() => screen.note('ending; the same command goes on'));
  if (handing.handedOutAt !== undefined) {
    screen.note(`handed out at ${handing.handedOutAt}; on any machine: quern worker --queue ADDRESS`);
  }
  try {
    const record = await runSweep(plan, handing.handOut, {
      signal: interrupt.signal,
      time: options.time,
      begun,
      keepModel: (job, weightsSha256) =>
        keepModel({ ...job, folder: folderOf(job) }, weightsSha256, handing.store, out).catch(
          (error: Error) => {
            screen.note(`quern: ${error.message}`);
            return null;
          },
        ),
      onChange: async (changed) => {
        screen.show(changed);
        await writeSweep(out, changed);
      },
    });
    screen.end();
    if (interrupt.signal.aborted) {
      complain('quern: interrupted; the same command goes on');
      process.exitCode = interrupt.exitCode;
    } else {
      print(options.json ? JSON.stringify(record) : `${sweepText(record)}\npage: ${join(out, sweepPage)}`);
      if (record.winner === null || record.seeds.some(({ failure }) => failure !== null))
        process.exitCode = 1;
    }
    // those of a store in the folder go with it, and serve more trials of the same
    if (typeof queue === 'string' || storeAddress(options.store) !== undefined)
      await removeCheckpoints(plan, record, handing.store).catch(() => {});
  } finally {
    screen.end();
    await handing.close();
    interrupt.end();
  }
}

/** Tries settings of a recipe. */
export async function runSweepCommand(options: SweepArguments): Promise<void> {
  if (options.jobs === 0 && isQueueHere(options.queue))
    throw new UsageError('sweep: --jobs 0 leaves nobody to train: it goes with --queue');
  checkAddresses(options);
  const progress = await Progress.open(options.quiet);
  try {
    await withQueue(options.queue, async (queue) => {
      const plan = await planSweep(options, progress, queue);
      const out = options.out ?? join('sweeps', plan.description.recipe);
      const { begun, giveBack } = await takeSweepFolder(out, plan, options.force);
      await sweep(plan, { out, begun, queue }, options, progress).finally(giveBack);
    });
  } finally {
    progress.clear();
  }
}
