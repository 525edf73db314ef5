/** One `quern train`, new or resumed, once its recipe is known and its folder stands. */
import { messageOf } from '../../../core/errors.js';
import { type Dataset, heldOut } from '../../../data/dataset.js';
import type { UserDataset } from '../../../data/user/loadUserDataset.js';
import { workOf } from '../../../doctor/work.js';
import { preload } from '../../../engine/choose.js';
import type { Engine } from '../../../engine/engine.js';
import type { Json } from '../../../nn/layer.js';
import { Model } from '../../../nn/model.js';
import { restoreLayer } from '../../../nn/registry.js';
import { summarize } from '../../../nn/summary.js';
import { type LoadedRecipe, recipeModel } from '../../../recipes/index.js';
import type { LoadedCheckpoint } from '../../../runs/checkpoints.js';
import {
  checkSameRun,
  describeData,
  describeSystem,
  type RunConfig,
  type RunSettings,
} from '../../../runs/config.js';
import type { RunFolder } from '../../../runs/folder.js';
import type { TrainingResult } from '../../../runs/result.js';
import type { Callback } from '../../../training/callbacks/callback.js';
import { pauseAfter } from '../../../training/callbacks/pauseAfter.js';
import type { ModelFile } from '../../../training/files/modelFile.js';
import { saveModel } from '../../../training/files/savedModel.js';
import { writeWeights } from '../../../training/files/weights.js';
import { checkFits } from '../../../training/fit/checkFits.js';
import { fit } from '../../../training/fit/fit.js';
import type { Run } from '../../../training/fit/run.js';
import type { Evaluation } from '../../../training/inference/inference.js';
import type { Normalization } from '../../../training/inference/normalization.js';
import { type OpenedData, openDataset } from '../../inputs/datasets.js';
import { isImported } from '../../inputs/models.js';
import { openChosenEngine } from '../../inputs/openers.js';
import { shapeFor } from '../../inputs/ownData.js';
import type { Interrupt } from '../../terminal/interrupt.js';
import { complain, oneLine } from '../../terminal/output.js';
import type { Progress } from '../../terminal/progress.js';
import type { EarlyData } from './early.js';
import { keepBest } from './keepBest.js';
import { keepCurve } from './keepCurve.js';
import { logCallbacks } from './logs.js';
import {
  chooseSettings,
  describeArguments,
  describeRecipeFile,
  describeSettings,
  type FitSettings,
  overrides,
  type Settings,
  type TrainArguments,
} from './settings.js';
import { tellLive } from './tellLive.js';

/** The start of a training. */
export interface Job {
  readonly options: TrainArguments;
  readonly loaded: LoadedRecipe;
  readonly folder: RunFolder;
  /** The data, where it has begun to be read. */
  readonly early?: EarlyData | undefined;
  /** The model that it takes its first weights from. */
  readonly from?:
    | { readonly file: ModelFile; readonly described: NonNullable<RunSettings['from']> }
    | undefined;
  /**
   * The run that it goes on with, and from where: without a checkpoint it begins anew, without a configuration it is a
   * checkpoint of the same training in another folder.
   */
  readonly resumed?:
    | { readonly config?: RunConfig | undefined; readonly loaded: LoadedCheckpoint | undefined }
    | undefined;
}

/**
 * Opens the model to train: the recipe's, or the one that was imported, with its own scale of pixels. A resumed run
 * finds both in its configuration.
 */
function startOf(
  { from, resumed }: Job,
  own: Model,
  { seed, normalization }: Settings,
): { readonly model: Model; readonly normalization: Normalization } {
  const begun = resumed?.config?.settings;
  if (begun?.imported === true) {
    const layer = restoreLayer(begun.architecture as Json);
    return { model: new Model(layer, own.inputShape, seed), normalization: { ...begun.normalization } };
  }
  if (from === undefined || !isImported(from.file)) return { model: own, normalization };
  const { model, details } = from.file;
  return {
    model: new Model(model.layer, model.inputShape, seed),
    normalization: { ...details.normalization },
  };
}

interface Evaluations {
  /** Undefined where it is not asked for. */
  readonly train: Evaluation | undefined;
  readonly test: Evaluation;
}

/** Data of one's own under the name that it had when the run was begun: a folder may have been renamed. */
function sameName(data: UserDataset, begun: RunConfig | undefined): UserDataset {
  if (begun === undefined) return data;
  const { dataset: name } = begun.settings;
  const { train, test, validation } = data;
  const named = (part: Dataset) => ({ ...part, name });
  return { train: named(train), test: named(test), ...(validation && { validation: named(validation) }) };
}

/** Throws UsageError for a fraction to validate with that is no image, or all, before the run is begun. */
function checkHeldOut(
  { options, loaded }: Job,
  { validation, validationBy }: Settings,
  train: Dataset,
): void {
  if (typeof validation !== 'number' || validationBy === 'writer') return;
  heldOut(
    options.validation === undefined ? `${loaded.source}: validation` : '--validation',
    train,
    validation,
  );
}

export class TrainingCommand {
  private logs: readonly Callback[] = [];

  constructor(
    private readonly job: Job,
    private readonly progress: Progress,
    private readonly interrupt: Interrupt,
  ) {}

  async run(): Promise<TrainingResult> {
    const { options, loaded, folder, resumed } = this.job;
    const chosen = chooseSettings(loaded.recipe, options);
    // engines and kernels are loaded while data is unpacked
    preload(options.backend);
    const data = (await this.job.early?.opened) ?? (await this.openData(chosen));
    const { train, test, validation } = sameName(data, resumed?.config);
    const { model, normalization } = startOf(this.job, recipeModel(loaded, train, chosen.seed), chosen);
    const settings = { ...chosen, normalization };
    if (normalization !== chosen.normalization) {
      this.progress.note('trained are the layers of the imported model, with its scale of pixels');
    }
    checkFits(loaded.source, model, train);
    if (validation === undefined || options.validation !== undefined) checkHeldOut(this.job, settings, train);
    await using engine = await openChosenEngine(options, this.progress, () => workOf(model, settings));
    const { file, described: from = resumed?.config?.settings.from } = this.job.from ?? {};
    if (file !== undefined) {
      this.compareClasses(file, train);
      await writeWeights(engine, model, file.tensors, file.path);
    }
    const config: RunConfig = {
      version: 1,
      settings: describeSettings(loaded, settings, model, {
        dataset: train.name,
        limit: options.limit,
        from,
        imported: normalization !== chosen.normalization ? true : undefined,
      }),
      ...(await describeRecipeFile(loaded)),
      // the scale of the pixels that was found, for data of the same kind later
      arguments: describeArguments({ ...options, pixelRange: options.pixelRange ?? data.pixelRange }),
      ...engine.report,
      data: {
        train: await describeData(train),
        test: await describeData(test),
        ...(validation && { validation: await describeData(validation) }),
      },
      ...describeSystem(),
      started: new Date().toISOString(),
    };
    await this.begin(config);
    this.logs = logCallbacks(options, folder.path, config.settings, (told) =>
      this.progress.note(`quern: ${oneLine(told)}`),
    );
    try {
      return await this.train(engine, model, { train, test, validation }, settings);
    } catch (error) {
      if (!this.interrupt.caused(error)) await folder.fail(messageOf(error));
      throw error;
    }
  }

  private openData({ validationBy }: Settings): Promise<OpenedData> {
    const { options, loaded } = this.job;
    const { recipe } = loaded;
    const { signal } = this.interrupt;
    const writers = validationBy === 'writer';
    const asked = { ...options, shape: shapeFor(recipe, options), writers, signal };
    return openDataset(recipe.dataset, asked, this.progress);
  }

  private async train(
    engine: Engine,
    model: Model,
    {
      train,
      test,
      validation,
    }: Pick<UserDataset, 'train' | 'test'> & { readonly validation: Dataset | undefined },
    settings: Settings,
  ): Promise<TrainingResult> {
    const { folder } = this.job;
    const run = await this.fit(engine, model, train, this.validateWith(settings, validation));
    await saveModel(run, folder.modelPath);
    const left = run.interrupted || this.job.options.pauseAfter !== undefined;
    const evaluations = left ? undefined : await this.evaluate(run, test);
    const result = await this.describe(run, settings, evaluations);
    await folder.finish(result);
    return result;
  }

  private async begin(config: RunConfig): Promise<void> {
    const { folder, resumed } = this.job;
    const begun = resumed?.config;
    if (begun === undefined) await folder.begin(config);
    else checkSameRun(folder.path, begun, config);
    if (resumed === undefined) return;
    await folder.goOn(resumed.loaded?.checkpoint.history ?? []);
  }

  /** A part of the data to validate with is used as such, unless a fraction is asked for. */
  private validateWith<T extends Settings>(settings: T, validation: Dataset | undefined) {
    if (validation === undefined) return settings;
    const { options } = this.job;
    if (options.validation === undefined) return { ...settings, validation, validationBy: undefined };
    this.progress.note(
      `--validation ${options.validation} divides the images to train with: those to validate with are not used`,
    );
    return settings;
  }

  /** Says that a model that is gone on with was for other classes. */
  private compareClasses({ path, details }: ModelFile, { name, classes }: Dataset): void {
    if (details.classes.join('\n') === classes.join('\n')) return;
    const few = (names: readonly string[]) =>
      names.slice(0, 12).join(', ') + (names.length > 12 ? ', …' : '');
    complain(
      `quern: ${path}: its outputs were ${few(details.classes)}; now they are ${few(classes)}, the classes of ${name}`,
    );
  }

  private fit(engine: Engine, model: Model, train: Dataset, settings: FitSettings): Promise<Run> {
    const { options, loaded, folder, resumed } = this.job;
    const { recipe, normalization, weightAveraging } = settings;
    const { name: dataset, classes } = train;
    const { numerics } = engine.report;
    const details = { recipe, dataset, classes, normalization, numerics, weightAveraging };
    return fit(engine, model, train, {
      ...settings,
      callbacks: [
        ...(loaded.recipe.makeCallbacks?.() ?? []),
        keepBest(folder, details),
        keepCurve(folder.path),
        tellLive(folder.path, train, settings),
        ...this.logs,
        ...(options.pauseAfter === undefined ? [] : [pauseAfter(options.pauseAfter)]),
      ],
      timeLimit: options.timeLimit,
      checkpoint: {
        save: (checkpoint) => folder.checkpoints.save(checkpoint),
        everySeconds: options.checkpointEvery,
      },
      resume: resumed?.loaded?.checkpoint,
      signal: this.interrupt.signal,
      onProgress: (progress) => this.progress.fit(progress),
      onWarning: (text) => {
        this.progress.clear();
        complain(`quern: ${text}`);
      },
      onEpoch: async (record) => {
        this.progress.epoch(record, settings.epochs);
        await folder.record(record);
      },
      onNonFinite: (found) => folder.keepNonFinite(found),
    });
  }

  /** On the test set, and on what was trained on; undefined when interrupted. */
  private async evaluate(run: Run, test: Dataset): Promise<Evaluations | undefined> {
    const { signal } = this.interrupt;
    const measure = (title: string, dataset: Dataset) =>
      run.evaluate(dataset, {
        signal,
        onProgress: (done, count) => this.progress.show(title, done, count, `${done} of ${count} images`),
      });
    try {
      const { trainAccuracy = true } = this.job.options;
      const onTest = await measure('test', test);
      return { test: onTest, train: trainAccuracy ? await measure('train', run.train) : undefined };
    } catch (error) {
      if (!this.interrupt.caused(error)) throw error;
      return undefined;
    } finally {
      this.progress.clear();
    }
  }

  /** Returns the accuracy that the recipe promises; null unless this was a whole training with its own settings. */
  private targetOf(run: Run): number | null {
    const { options, loaded } = this.job;
    const own = overrides.every((name) => options[name] === undefined);
    return own && !run.interrupted && run.ending !== 'time limit' ? (loaded.recipe.target ?? null) : null;
  }

  private async describe(
    run: Run,
    settings: Settings,
    evaluations: Evaluations | undefined,
  ): Promise<TrainingResult> {
    const seconds = run.history.reduce((sum, record) => sum + record.seconds, 0);
    const { parameters, multiplyAdds } = summarize(run.model);
    const { options, loaded, folder } = this.job;
    const target = this.targetOf(run);
    const whole = options.data === undefined && options.limit === undefined;
    const accuracy = evaluations?.test.accuracy;
    return {
      recipe: settings.recipe,
      dataset: run.details.dataset,
      ...run.engine.report,
      seed: settings.seed,
      epochs: run.history.length,
      steps: run.steps,
      batchSize: settings.batchSize,
      parameters,
      multiplyAdds,
      trainAccuracy: evaluations?.train?.accuracy ?? null,
      trainLoss: evaluations?.train?.loss ?? null,
      validationAccuracy: run.history.at(-1)?.validationAccuracy,
      testAccuracy: accuracy ?? null,
      testLoss: evaluations?.test.loss ?? null,
      testInterval: evaluations?.test.interval ?? null,
      limit: options.limit,
      reference: whole ? (loaded.recipe.reference ?? null) : null,
      target,
      targetMet: target === null || accuracy === undefined ? null : accuracy >= target,
      trainSeconds: run.seconds,
      imagesPerSecond: seconds === 0 ? null : (run.history.length * run.train.count) / seconds,
      weightsSha256: await run.weightsSha256(),
      model: folder.modelPath,
      ended: run.ending,
      interrupted: run.interrupted,
    };
  }
}
