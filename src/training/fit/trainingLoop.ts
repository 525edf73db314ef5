import { TrainingError } from '../../core/errors.js';
import type { Dataset } from '../../data/dataset.js';
import type { Engine } from '../../engine/engine.js';
import { turn } from '../../engine/runSteps.js';
import type { Model } from '../../nn/model.js';
import { summarize } from '../../nn/summary.js';
import type { Callback, Ending, Training } from '../callbacks/callback.js';
import { callbacksOf, restoreCallbacks, stateOfCallbacks, withoutCallbacks } from '../callbacks/list.js';
import { openFeed, residentBytesFor } from '../feeds/open.js';
import type { Checkpoint } from '../files/checkpoint.js';
import { type Tensors, writeTensors } from '../files/tensors.js';
import type { TrainedModel } from '../files/trainedModel.js';
import { readWeights, setWeights, type Weights } from '../files/weights.js';
import { evaluate } from '../inference/inference.js';
import { Averages } from './averages.js';
import { type Conditions, checkConditions, conditionsOf } from './conditions.js';
import type { Group } from './groups.js';
import { LastGood } from './lastGood.js';
import type { Totals } from './metrics.js';
import { explanation, findNonFinite } from './nonFinite.js';
import { defaultBatchSize, type EpochRecord, type FitOptions } from './options.js';
import { Run } from './run.js';
import { FitStep } from './step.js';
import { StepRunner } from './stepRunner.js';
import { oddities, oddityOf } from './warnings.js';

interface TrainingData {
  /** As it was given to `fit`. */
  readonly whole: Dataset;
  readonly train: Dataset;
  readonly validation: Dataset | undefined;
}

/** Endings after which a checkpoint's training has still to go on. */
const pauses: ReadonlySet<Ending> = new Set(['interrupted', 'time limit', 'paused']);

const averagesOf = (model: Model, decay: number | undefined) =>
  decay === undefined ? undefined : new Averages(model, decay);

/** One call of `fit`. */
export class TrainingLoop implements Training {
  readonly engine: Engine;
  readonly model: Model;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly history: EpochRecord[] = [];
  rateFactor = 1;
  ending: Ending | undefined;
  private readonly averages: Averages | undefined;
  private readonly step: FitStep;
  private readonly runner: StepRunner;
  private readonly lastGood: LastGood;
  private readonly callbacks: readonly Callback[];
  private readonly began = performance.now();
  private conditions: Promise<Conditions> | undefined;
  /** Where the training stands: the epoch that is running, from 1, and the steps of it that are done. */
  private epoch = 1;
  private stepsOfEpoch = 0;
  private secondsOfEpoch = 0;
  private warned = false;
  /** Before a resume. */
  private earlierSeconds = 0;
  /** The state after the last step, once no other follows and the model has been given its final weights. */
  private last: Omit<Checkpoint, 'conditions'> | undefined;

  constructor(
    private readonly trained: TrainedModel,
    private readonly data: TrainingData,
    private readonly options: FitOptions,
  ) {
    const { engine, model, details } = trained;
    const { optimizer, labelSmoothing, mixup = 0, clip } = options;
    this.engine = engine;
    this.model = model;
    this.epochs = options.epochs;
    this.averages = averagesOf(model, options.weightAveraging);
    this.callbacks = callbacksOf(options);
    const { augmentation, seed, batchSize = defaultBatchSize, dataWorkers } = options;
    const residentBytes = options.residentBytes ?? residentBytesFor(summarize(model).multiplyAdds);
    const feed = openFeed(engine, data.train, { batchSize, augmentation, seed, residentBytes, dataWorkers });
    this.step = new FitStep(engine, model, feed, {
      optimizer,
      normalization: details.normalization,
      labelSmoothing,
      mixup: mixup > 0,
      clip,
      averages: this.averages,
    });
    this.runner = new StepRunner(this.step, options);
    this.stepsPerEpoch = this.runner.stepsPerEpoch;
    this.lastGood = new LastGood(engine, this.step.leaves());
  }

  get steps(): number {
    return (this.epoch - 1) * this.stepsPerEpoch + this.stepsOfEpoch;
  }

  get seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  stop(ending: Ending): void {
    this.ending ??= ending;
  }

  weights(): Promise<Weights> {
    return readWeights(this.engine, this.validated);
  }

  setWeights(weights: Weights): Promise<void> {
    return setWeights(this.engine, this.model, weights);
  }

  async checkpoint(): Promise<Checkpoint> {
    this.conditions ??= conditionsOf(this.trained, this.data.whole, this.options);
    return { conditions: await this.conditions, ...(this.last ?? (await this.capture())) };
  }

  async run(): Promise<Run> {
    const { signal } = this.options;
    try {
      await this.begin();
      while (this.ending === undefined && this.epoch <= this.epochs) await this.runEpoch();
      this.stop('finished');
    } catch (error) {
      if (!signal?.aborted || error !== signal.reason) throw error;
      this.ending = 'interrupted';
      this.stepsOfEpoch = (await this.step.finished()) - (this.epoch - 1) * this.stepsPerEpoch;
    } finally {
      await this.step.feed.close();
    }
    await this.end();
    const { history, steps, ending } = this;
    const seconds = this.earlierSeconds + this.seconds;
    return new Run(this.trained, { history, train: this.data.train, steps, seconds, ending: ending! });
  }

  private async begin(): Promise<void> {
    const { resume } = this.options;
    await this.averages?.begin(this.engine);
    for (const leaf of this.model.trainingStates) await this.engine.write(leaf, leaf.initial());
    if (resume !== undefined) await this.restore(resume);
    for (const text of oddities(this.model, this.data.train.count, this.options)) this.warn(text);
    await this.runner.prepare();
    await this.keepGood();
    for (const callback of this.callbacks) await callback.onBegin?.(this);
  }

  private async restore(checkpoint: Checkpoint): Promise<void> {
    this.conditions = conditionsOf(this.trained, this.data.whole, this.options);
    checkConditions(checkpoint.conditions, await this.conditions);
    await writeTensors(this.engine, this.step.leaves(), withoutCallbacks(checkpoint.tensors));
    restoreCallbacks(this.callbacks, checkpoint.callbacks, checkpoint.tensors);
    this.epoch = checkpoint.epoch;
    this.stepsOfEpoch = checkpoint.stepsOfEpoch;
    this.secondsOfEpoch = checkpoint.secondsOfEpoch;
    this.earlierSeconds = checkpoint.seconds;
    this.rateFactor = checkpoint.rateFactor;
    this.history.push(...checkpoint.history);
    this.ending = checkpoint.ending ?? undefined;
  }

  /** Runs the rest of an epoch. */
  private async runEpoch(): Promise<void> {
    if (this.stepsOfEpoch === 0) {
      await this.step.metrics.reset(this.engine);
      this.secondsOfEpoch = 0;
    }
    for (const group of this.runner.epoch(this.epoch, this.stepsOfEpoch)) {
      await this.runGroup(group);
      if (this.ending !== undefined) return;
    }
    await this.keepGood();
    const record = await this.record();
    this.history.push(record);
    this.warnOfLoss(record);
    this.epoch += 1;
    this.stepsOfEpoch = 0;
    if (this.epoch > this.epochs) this.stop('finished');
    for (const callback of this.callbacks) await callback.onEpoch?.(record, this);
  }

  private warn(text: string): void {
    (this.options.onWarning ?? console.warn)(text);
  }

  /** Once. */
  private warnOfLoss(record: EpochRecord): void {
    if (this.warned) return;
    const text = oddityOf(record, this.data.train.classes.length);
    if (text === undefined) return;
    this.warned = true;
    this.warn(text);
  }

  private async runGroup(group: Group): Promise<void> {
    if (this.lastGood.rateFactor !== this.rateFactor) await this.keepGood();
    const started = performance.now();
    await this.runner.run(group, this.epoch, this.rateFactor, this.options.signal);
    const totals = await this.step.metrics.read(this.engine);
    this.stepsOfEpoch += group.batches;
    this.secondsOfEpoch += (performance.now() - started) / 1000;
    if (this.lastGood.isDue()) await this.keepGood();
    else await this.checkGuard();
    await this.report(totals);
    await turn();
  }

  private async record(): Promise<EpochRecord> {
    const { loss, accuracy, examples } = await this.step.metrics.read(this.engine);
    const { epoch, steps, secondsOfEpoch: seconds } = this;
    return {
      epoch,
      step: steps,
      loss,
      accuracy,
      ...(await this.validate()),
      learningRate: this.runner.rate(steps - 1, this.rateFactor),
      seconds,
      imagesPerSecond: examples / seconds,
    };
  }

  /** The model that is validated: the averages where there are any. */
  get validated(): Model {
    return this.averages?.model ?? this.model;
  }

  private async validate(): Promise<Pick<EpochRecord, 'validationLoss' | 'validationAccuracy'>> {
    const { validation } = this.data;
    if (validation === undefined) return {};
    const { signal } = this.options;
    const { normalization } = this.trained.details;
    const { loss, accuracy } = await evaluate(this.engine, this.validated, validation, {
      signal,
      normalization,
    });
    return { validationLoss: loss, validationAccuracy: accuracy };
  }

  private async report(totals: Totals): Promise<void> {
    const { epoch, epochs, stepsOfEpoch, steps, data } = this;
    const imagesPerSecond = totals.examples / this.secondsOfEpoch;
    const left = (epochs - epoch) * data.train.count + data.train.count - totals.examples;
    const progress = {
      epoch,
      epochs,
      step: stepsOfEpoch,
      steps: this.stepsPerEpoch,
      loss: totals.loss,
      accuracy: totals.accuracy,
      learningRate: this.runner.rate(steps - 1, this.rateFactor),
      imagesPerSecond,
      secondsLeft: left / imagesPerSecond,
    };
    for (const callback of this.callbacks) await callback.onProgress?.(progress, this);
  }

  private async end(): Promise<void> {
    await this.keepGood();
    this.last = await this.capture();
    await this.averages?.finish(this.engine);
    for (const callback of this.callbacks) await callback.onEnd?.(this);
  }

  private async capture(): Promise<Omit<Checkpoint, 'conditions'>> {
    if (this.lastGood.step !== this.steps) await this.keepGood();
    return this.stateAt(this.lastGood.tensors);
  }

  private stateAt(own: Tensors): Omit<Checkpoint, 'conditions'> {
    const { values, tensors } = stateOfCallbacks(this.callbacks);
    const { ending } = this;
    return {
      step: this.steps,
      epoch: this.epoch,
      stepsOfEpoch: this.stepsOfEpoch,
      stepsPerEpoch: this.stepsPerEpoch,
      epochs: this.epochs,
      secondsOfEpoch: this.secondsOfEpoch,
      seconds: this.earlierSeconds + this.seconds,
      rateFactor: this.rateFactor,
      ending: ending === undefined || pauses.has(ending) ? null : ending,
      history: [...this.history],
      callbacks: values,
      tensors: new Map([...own, ...tensors]),
    };
  }

  /** Throws TrainingError if a step has gone wrong. */
  private async checkGuard(): Promise<void> {
    const bad = await this.step.guard.read(this.engine);
    if (bad !== undefined) throw await this.explain(bad);
  }

  /** Remembers the state as it is now. Throws TrainingError if it is not good. */
  private async keepGood(): Promise<void> {
    await this.checkGuard();
    const { steps } = this;
    const spoiled = await this.lastGood.keep(steps, this.rateFactor);
    if (spoiled === undefined) return;
    if (this.lastGood.step >= 0) throw await this.explain(steps);
    throw new TrainingError(`fit: a weight is not a finite number before the first step: in ${spoiled}`);
  }

  /** Finds out what is wrong with a step, given the first that is known to be. The training cannot go on after it. */
  private async explain(bad: number): Promise<TrainingError> {
    const { engine, runner, lastGood, options } = this;
    const found = await findNonFinite(engine, runner, lastGood, bad);
    if (options.onNonFinite === undefined) return explanation(found);
    this.epoch = found.epoch;
    this.stepsOfEpoch = found.stepOfEpoch - 1;
    this.ending = undefined;
    this.conditions ??= conditionsOf(this.trained, this.data.whole, options);
    const before = { conditions: await this.conditions, ...this.stateAt(found.before) };
    return explanation(found, await options.onNonFinite({ ...found, before }));
  }
}
