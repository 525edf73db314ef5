import { mixupRatio } from '../../data/augment/mixup.js';
import { permutation } from '../../data/batches.js';
import type { CompiledStep } from '../../engine/engine.js';
import { constantRate } from '../../optimizers/schedules.js';
import type { Feed, FeedValues, Pass } from '../feeds/feed.js';
import { type Group, groups } from './groups.js';
import { defaultBatchSize, type FitOptions } from './options.js';
import { Pace } from './pace.js';
import type { FitStep } from './step.js';

/** Takes a training through its steps: knows what each of them is fed, whatever came before. */
export class StepRunner {
  readonly stepsPerEpoch: number;
  readonly batchSize: number;
  private readonly count: number;
  private readonly feed: Feed;
  private readonly pace: Pace;
  private readonly orders = new Map<number, Int32Array>();

  constructor(
    readonly step: FitStep,
    private readonly options: FitOptions,
  ) {
    this.feed = step.feed;
    this.count = step.feed.dataset.count;
    this.batchSize = options.batchSize ?? defaultBatchSize;
    this.stepsPerEpoch = Math.ceil(this.count / this.batchSize);
    this.pace = new Pace(options.stepsPerRun);
  }

  /** Plans what an epoch needs, so that its time is that of its steps. */
  async prepare(): Promise<void> {
    const { count, batchSize, step } = this;
    if (count >= batchSize) await step.compile(batchSize).prepare();
    if (count % batchSize > 0) await step.compile(count % batchSize).prepare();
  }

  /**
   * The steps of an epoch that are left, in groups.
   *
   * @param epoch from 1
   * @param done steps of it that are done
   * @param until leaves out the steps of the epoch after so many. Default: none.
   */
  epoch(epoch: number, done: number, until = this.stepsPerEpoch): Iterable<Group> {
    const { feed, batchSize, pace } = this;
    if (done >= until) return [];
    const following = epoch < this.options.epochs ? () => this.pass(epoch + 1, 0) : undefined;
    feed.begin(this.pass(epoch, done * batchSize), following);
    const size = (start: number) =>
      Math.min(pace.next, until - start / batchSize, Math.floor(feed.reach(start) / batchSize));
    return groups(Math.min(this.count, until * batchSize), batchSize, size, done);
  }

  /** Runs a group of an epoch's steps. */
  async run(group: Group, epoch: number, rateFactor: number, signal?: AbortSignal): Promise<void> {
    const compiled: CompiledStep = this.step.compile(group.batchSize);
    const values = await this.values(group, epoch, rateFactor);
    signal?.throwIfAborted();
    const started = performance.now();
    await compiled.run(values, { steps: group.batches, ...(signal && { signal }) });
    this.pace.took(group.batches, (performance.now() - started) / 1000);
  }

  /** Makes the feeds for the steps of a group. */
  async values(group: Group, epoch: number, rateFactor: number): Promise<FeedValues> {
    const { start, batchSize, batches } = group;
    const { mixup = 0, seed = 0 } = this.options;
    const first = (epoch - 1) * this.stepsPerEpoch + start / this.batchSize;
    const perStep = (value: (step: number) => number) =>
      Float32Array.from({ length: batches }, (_, i) => value(first + i));
    return {
      ...(await this.feed.values(start, batches * batchSize)),
      learningRate: perStep((step) => this.rate(step, rateFactor)),
      ...(mixup > 0 && { mixup: perStep((step) => largerShare(mixupRatio(seed, step, mixup))) }),
    };
  }

  /** Indices of a group's examples in the dataset. */
  indices({ start, batchSize, batches }: Group, epoch: number): Int32Array {
    return this.pass(epoch, 0).order.slice(start, start + batches * batchSize);
  }

  /** The learning rate of a step, counted from 0 over the whole training. */
  rate(step: number, rateFactor: number): number {
    const { optimizer, schedule = constantRate(), epochs } = this.options;
    return optimizer.learningRate * schedule.factor(step, epochs * this.stepsPerEpoch) * rateFactor;
  }

  private pass(epoch: number, start: number): Pass {
    let order = this.orders.get(epoch);
    if (order === undefined) {
      order = permutation(this.count, this.options.seed ?? 0, epoch);
      this.orders.delete(epoch - 2);
      this.orders.set(epoch, order);
    }
    return { order, epoch, start };
  }
}

/** Makes the label that accuracy counts by the one with the larger share; which partner comes first does not matter. */
const largerShare = (ratio: number) => Math.max(ratio, 1 - ratio);
