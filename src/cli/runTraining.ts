import type { Dataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { parseOptimizer } from '../optimizers/parse.js';
import { type LoadedRecipe, loadRecipe, recipeModel } from '../recipes/index.js';
import type { Recipe } from '../recipes/recipe.js';
import { checkFits } from '../training/checkFits.js';
import { fit } from '../training/fit.js';
import { defaultBatchSize, type FitOptions } from '../training/fitOptions.js';
import type { Evaluation } from '../training/inference.js';
import { type ModelFile, readModelFile } from '../training/modelFile.js';
import { plainPixels } from '../training/normalisation.js';
import type { Run } from '../training/run.js';
import { saveModel } from '../training/savedModel.js';
import { writeWeights } from '../training/weights.js';
import { Interrupt } from './interrupt.js';
import { openChosenEngine, openDataset } from './openers.js';
import type { BackendArguments, DataArguments } from './options.js';
import { Progress } from './progress.js';
import { resultText, type TrainingResult } from './results.js';
import { modelPathOf, RunFolder } from './runFolder.js';

export interface TrainArguments extends BackendArguments, DataArguments {
  readonly recipe: string;
  readonly epochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly learningRate?: number | undefined;
  readonly optimizer?: string | undefined;
  readonly seed: number;
  readonly validation?: number | undefined;
  readonly limit?: number | undefined;
  readonly from?: string | undefined;
  readonly out?: string | undefined;
  readonly force: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** The recipe's optimizer, or the one that was asked for, with the rate that was asked for. */
function chooseOptimizer(recipe: Recipe, { optimizer: name, learningRate }: TrainArguments): Optimizer {
  const optimizer = name === undefined ? recipe.optimizer : parseOptimizer(name);
  return learningRate === undefined ? optimizer : { ...optimizer, learningRate };
}

/** What the recipe says, where the command line does not. */
function chooseSettings(recipe: Recipe, options: TrainArguments) {
  return {
    recipe: recipe.name,
    optimizer: chooseOptimizer(recipe, options),
    schedule: recipe.schedule,
    epochs: options.epochs ?? recipe.epochs,
    batchSize: options.batchSize ?? recipe.batchSize ?? defaultBatchSize,
    validation: options.validation ?? recipe.validation,
    normalisation: recipe.normalisation ?? plainPixels,
    seed: options.seed,
  } satisfies FitOptions;
}

type Settings = ReturnType<typeof chooseSettings>;

/** What the run folder keeps of a training's conditions. */
function describeRun(recipe: Recipe, settings: Settings, options: TrainArguments, engine: Engine): object {
  const { optimizer, schedule, ...others } = settings;
  return {
    ...others,
    dataset: recipe.dataset,
    optimizer: { name: optimizer.name, learningRate: optimizer.learningRate, options: optimizer.options },
    schedule: schedule && { name: schedule.name, options: schedule.options },
    limit: options.limit,
    from: options.from,
    ...engine.report,
    started: new Date().toISOString(),
  };
}

/** One `quern train`, once the recipe is known and its folder stands. */
class TrainingCommand {
  constructor(
    private readonly options: TrainArguments,
    private readonly loaded: LoadedRecipe,
    private readonly from: ModelFile | undefined,
    private readonly folder: RunFolder,
    private readonly progress: Progress,
    private readonly interrupt: Interrupt,
  ) {}

  async run(): Promise<void> {
    const { signal } = this.interrupt;
    const { recipe } = this.loaded;
    const { train, test } = await openDataset(recipe.dataset, { ...this.options, signal }, this.progress);
    await using engine = await openChosenEngine(this.options, this.progress);
    const settings = chooseSettings(recipe, this.options);
    const model = recipeModel(this.loaded, train.shape, settings.seed);
    checkFits(this.loaded.source, model, train);
    if (this.from !== undefined) await writeWeights(engine, model, this.from.tensors, this.from.path);
    await this.folder.begin(describeRun(recipe, settings, this.options, engine));
    const started = performance.now();
    const run = await fit(engine, model, train, {
      ...settings,
      signal,
      onProgress: (progress) => this.progress.fit(progress),
      onEpoch: async (record) => {
        this.progress.epoch(record, settings.epochs);
        await this.folder.record(record);
      },
    });
    const trainSeconds = (performance.now() - started) / 1000;
    await saveModel(run, this.folder.modelPath);
    const evaluations = run.interrupted ? undefined : await this.evaluate(run, test);
    if (this.interrupt.signal.aborted) this.sayInterrupted(run, settings.epochs);
    await this.print(run, settings, evaluations, trainSeconds);
  }

  /** On what was trained on and on the test set; undefined when interrupted. */
  private async evaluate(run: Run, test: Dataset) {
    const { signal } = this.interrupt;
    const measure = (title: string, dataset: Dataset) =>
      run.evaluate(dataset, {
        signal,
        onProgress: (done, count) => this.progress.show(title, done, count, `${done} of ${count} images`),
      });
    try {
      return { test: await measure('test', test), train: await measure('train', run.train) };
    } catch (error) {
      if (!this.interrupt.caused(error)) throw error;
      return undefined;
    } finally {
      this.progress.clear();
    }
  }

  private sayInterrupted({ steps, interrupted }: Run, epochs: number): void {
    const what = interrupted ? `interrupted after ${steps} steps` : `interrupted after all ${epochs} epochs`;
    this.progress.clear();
    console.error(`quern: ${what}; the model so far is in ${this.folder.modelPath}`);
    process.exitCode = this.interrupt.exitCode;
  }

  private async print(
    run: Run,
    settings: Settings,
    evaluations: { train: Evaluation; test: Evaluation } | undefined,
    trainSeconds: number,
  ): Promise<void> {
    const seconds = run.history.reduce((sum, record) => sum + record.seconds, 0);
    const result: TrainingResult = {
      recipe: settings.recipe,
      dataset: run.details.dataset,
      ...run.engine.report,
      seed: settings.seed,
      epochs: run.history.length,
      steps: run.steps,
      batchSize: settings.batchSize,
      parameters: run.model.parameters.reduce((sum, { size }) => sum + size, 0),
      trainAccuracy: evaluations?.train.accuracy ?? null,
      trainLoss: evaluations?.train.loss ?? null,
      validationAccuracy: run.history.at(-1)?.validationAccuracy,
      testAccuracy: evaluations?.test.accuracy ?? null,
      testLoss: evaluations?.test.loss ?? null,
      testInterval: evaluations?.test.interval ?? null,
      reference: this.loaded.recipe.reference ?? null,
      trainSeconds,
      imagesPerSecond: seconds === 0 ? null : (run.history.length * run.train.count) / seconds,
      weightsSha256: await run.weightsSha256(),
      model: this.folder.modelPath,
      interrupted: run.interrupted,
    };
    console.log(this.options.json ? JSON.stringify(result) : resultText(result, evaluations?.test));
  }
}

/** Trains a recipe, saves the model, and measures it once on the test set. */
export async function runTraining(options: TrainArguments): Promise<void> {
  const loaded = await loadRecipe(options.recipe);
  // What is wrong with the options is said before anything is made.
  chooseSettings(loaded.recipe, options);
  const from = options.from === undefined ? undefined : await readModelFile(await modelPathOf(options.from));
  const folder = await RunFolder.open(options.out, loaded.recipe.name, options.force);
  const progress = await Progress.open(options.quiet);
  const interrupt = new Interrupt(() => progress.note('ending after this step; again to end at once'));
  try {
    await new TrainingCommand(options, loaded, from, folder, progress, interrupt).run();
  } catch (error) {
    if (!interrupt.caused(error)) throw error;
    console.error('quern: interrupted before the training began');
    process.exitCode = interrupt.exitCode;
  } finally {
    progress.clear();
    interrupt.end();
    await folder.abandon();
  }
}
