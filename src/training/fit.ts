import { TrainingError, UsageError } from '../core/errors.js';
import { permutation } from '../data/batches.js';
import { type Dataset, splitDataset } from '../data/dataset.js';
import type { Engine } from '../engine/engine.js';
import { turn } from '../engine/runSteps.js';
import type { Layer } from '../nn/layer.js';
import { Model } from '../nn/model.js';
import { constantRate } from '../optimizers/schedules.js';
import { checkFits } from './checkFits.js';
import { checkFitOptions, defaultBatchSize, type EpochRecord, type FitOptions } from './fitOptions.js';
import { FitStep } from './fitStep.js';
import { type Group, groups } from './groups.js';
import type { Totals } from './metrics.js';
import { plainPixels } from './normalisation.js';
import { Run } from './run.js';
import { TrainedModel } from './trainedModel.js';

/** How long one call of the backend should take: often enough for a progress bar, rarely enough to cost nothing. */
const secondsPerRun = 0.25;
const mostStepsPerRun = 128;

/** Chooses how many steps go to the backend at once, from how long the last ones took. */
class Pace {
  private steps = 1;

  constructor(private readonly fixed: number | undefined) {}

  readonly next = (): number => this.fixed ?? this.steps;

  took(steps: number, seconds: number): void {
    const wanted = Math.floor((steps * secondsPerRun) / seconds);
    this.steps = Math.max(1, Math.min(wanted, mostStepsPerRun));
  }
}

/** The state of one call of `fit`. */
class Training {
  private readonly step: FitStep;
  private readonly pace: Pace;
  private readonly batchSize: number;
  private readonly stepsPerEpoch: number;

  constructor(
    private readonly trained: TrainedModel,
    private readonly train: Dataset,
    private readonly validation: Dataset | undefined,
    private readonly options: FitOptions,
  ) {
    const { engine, model, details } = trained;
    this.step = new FitStep(engine, model, train, options.optimizer, details.normalisation);
    this.pace = new Pace(options.stepsPerRun);
    this.batchSize = options.batchSize ?? defaultBatchSize;
    this.stepsPerEpoch = Math.ceil(train.count / this.batchSize);
  }

  async run(): Promise<Run> {
    const { epochs, signal, onEpoch } = this.options;
    const history: EpochRecord[] = [];
    let interrupted = false;
    try {
      await this.prepare();
      for (let epoch = 1; epoch <= epochs; epoch++) {
        const record = await this.epoch(epoch);
        history.push(record);
        await onEpoch?.(record);
      }
    } catch (error) {
      if (!signal?.aborted || error !== signal.reason) throw error;
      interrupted = true;
    }
    await this.checkWeights();
    return new Run(this.trained, history, this.train, await this.step.finished(), interrupted);
  }

  /** Plans what an epoch needs, so that its time is that of its steps. */
  private async prepare(): Promise<void> {
    const { count } = this.train;
    if (count >= this.batchSize) await this.step.compile(this.batchSize).prepare();
    if (count % this.batchSize > 0) await this.step.compile(count % this.batchSize).prepare();
  }

  private async epoch(epoch: number): Promise<EpochRecord> {
    const { engine } = this.trained;
    const { count } = this.train;
    const order = permutation(count, this.options.seed ?? 0, epoch);
    await this.step.metrics.reset(engine);
    const started = performance.now();
    let totals: Totals | undefined;
    for (const group of groups(count, this.batchSize, this.pace.next)) {
      await this.runGroup(group, epoch, order);
      totals = await this.step.metrics.read(engine);
      this.checkLoss(totals, epoch, group);
      this.report(totals, epoch, group, (performance.now() - started) / 1000);
      await turn();
    }
    const seconds = (performance.now() - started) / 1000;
    return {
      epoch,
      loss: totals!.loss,
      accuracy: totals!.accuracy,
      ...(await this.validate()),
      learningRate: this.rate(epoch * this.stepsPerEpoch - 1),
      seconds,
      imagesPerSecond: count / seconds,
    };
  }

  private async runGroup(group: Group, epoch: number, order: Int32Array): Promise<void> {
    const { start, batchSize, batches } = group;
    const { signal } = this.options;
    const firstStep = (epoch - 1) * this.stepsPerEpoch + start / this.batchSize;
    const feeds = {
      indices: order.subarray(start, start + batches * batchSize),
      learningRate: Float32Array.from({ length: batches }, (_, i) => this.rate(firstStep + i)),
    };
    signal?.throwIfAborted();
    const started = performance.now();
    await this.step.compile(batchSize).run(feeds, { steps: batches, ...(signal && { signal }) });
    this.pace.took(batches, (performance.now() - started) / 1000);
  }

  /** The learning rate of a step, counted from 0 over the whole training. */
  private rate(step: number): number {
    const { optimizer, schedule = constantRate(), epochs } = this.options;
    return optimizer.learningRate * schedule.factor(step, epochs * this.stepsPerEpoch);
  }

  private async validate(): Promise<Pick<EpochRecord, 'validationLoss' | 'validationAccuracy'>> {
    if (this.validation === undefined) return {};
    const { signal } = this.options;
    const { loss, accuracy } = await this.trained.evaluate(this.validation, { signal });
    return { validationLoss: loss, validationAccuracy: accuracy };
  }

  private report(totals: Totals, epoch: number, { start, batches }: Group, seconds: number): void {
    const { epochs, onProgress } = this.options;
    const imagesPerSecond = totals.examples / seconds;
    const left = (epochs - epoch) * this.train.count + this.train.count - totals.examples;
    onProgress?.({
      epoch,
      epochs,
      step: start / this.batchSize + batches,
      steps: this.stepsPerEpoch,
      loss: totals.loss,
      accuracy: totals.accuracy,
      imagesPerSecond,
      secondsLeft: left / imagesPerSecond,
    });
  }

  /** A loss that overflows in float32 counts as infinite. */
  private checkLoss({ loss }: Totals, epoch: number, { start, batches }: Group): void {
    if (Math.abs(loss) < 3e38) return;
    const first = start / this.batchSize + 1;
    const last = first + batches - 1;
    const where = first === last ? `step ${first}` : `the steps ${first} to ${last}`;
    throw new TrainingError(`fit: the loss is not a finite number: in ${where} of epoch ${epoch}`, {
      hint: 'A lower learning rate is the usual cure.',
    });
  }

  /** The last update may spoil weights that no later loss shows. */
  private async checkWeights(): Promise<void> {
    for (const [name, values] of await this.trained.weights()) {
      if (values.every(Number.isFinite)) continue;
      throw new TrainingError(`fit: a weight is not a finite number after the last step: in ${name}`, {
        hint: 'A lower learning rate is the usual cure.',
      });
    }
  }
}

/**
 * Trains a classifier of images with cross-entropy.
 *
 * @param layer a layer, which becomes a model with weights drawn from the seed; or a model, which goes on from the
 *   weights that the engine holds
 * @param train images and labels; order is drawn anew for every epoch
 * @throws UsageError for an option out of range, ShapeError when model and dataset do not fit together, TrainingError
 *   when the loss or a weight is not a finite number
 */
export async function fit(
  engine: Engine,
  layer: Layer | Model,
  train: Dataset,
  options: FitOptions,
): Promise<Run> {
  checkFitOptions(options);
  if (train.count === 0)
    throw new UsageError(`fit: there is nothing to train on: ${train.name} has 0 images`);
  const { validation, seed = 0, normalisation = plainPixels, recipe } = options;
  const model = layer instanceof Model ? layer : new Model(layer, train.shape, seed);
  checkFits('fit', model, train);
  const parts =
    typeof validation === 'number' ? splitDataset(train, validation, seed) : { train, validation };
  if (parts.validation !== undefined) checkFits('fit: validation', model, parts.validation);
  const { numerics } = engine.report;
  const details = { classes: train.classes, normalisation, dataset: train.name, recipe, numerics };
  return new Training(new TrainedModel(engine, model, details), parts.train, parts.validation, options).run();
}
