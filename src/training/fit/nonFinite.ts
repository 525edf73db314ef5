/** Replays a training whose numbers are no longer finite, to find the step and the op. */
import { TrainingError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import { select } from '../../data/dataset.js';
import type { Engine, Signature } from '../../engine/engine.js';
import { reachable } from '../../tensor/reachable.js';
import { Leaf, type Tensor } from '../../tensor/tensor.js';
import type { FeedValues } from '../feeds/feed.js';
import type { Checkpoint } from '../files/checkpoint.js';
import { readTensors, type Tensors, writeTensors } from '../files/tensors.js';
import type { Group } from './groups.js';
import { countNonFinite } from './guard.js';
import { type LastGood, spoiledWeight } from './lastGood.js';
import type { FitStep } from './step.js';
import type { StepRunner } from './stepRunner.js';
import { TraceOrigins } from './traceOrigins.js';

/** The first op of a step that gives a number that is not finite. */
export interface NonFiniteValue {
  /** `layers.1`, `the gradient of layers.1`, `the update of layers.1.kernel`, `the loss`, `the learning rate`. */
  readonly where: string;
  /** With its shape; absent for what is fed. */
  readonly op?: string | undefined;
  /** Numbers that are not finite, of how many. */
  readonly count: number;
  readonly size: number;
}

/** A step whose loss, gradients or new weights are not finite numbers, and what is needed to reproduce it. */
export interface NonFinite {
  /** From 1, over the whole training. */
  readonly step: number;
  readonly epoch: number;
  /** From 1. */
  readonly stepOfEpoch: number;
  /** undefined where the step could not be looked into: its values did not fit the memory. */
  readonly value: NonFiniteValue | undefined;
  /** The state before the step. */
  readonly before: Checkpoint;
  readonly learningRate: number;
  /** Images of the batch as the step got them, uint8 `[batch, …]`, and their labels. */
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  /** Of the batch's images in the dataset that was trained on. */
  readonly indices: Int32Array;
}

/** The same before it is a checkpoint. */
type Found = Omit<NonFinite, 'before'> & { readonly before: Tensors };

/** Takes a training from its last good state to the state after `step` steps of the same epoch. */
async function replay(
  engine: Engine,
  runner: StepRunner,
  { leaves, tensors, step: from, rateFactor }: LastGood,
  step: number,
): Promise<Tensors> {
  const { stepsPerEpoch } = runner;
  const epoch = Math.floor(from / stepsPerEpoch) + 1;
  const first = (epoch - 1) * stepsPerEpoch;
  await writeTensors(engine, leaves, tensors);
  if (from === first) await runner.step.metrics.reset(engine);
  for (const group of runner.epoch(epoch, from - first, step - first)) {
    await runner.run(group, epoch, rateFactor);
  }
  return readTensors(engine, leaves);
}

/**
 * The step that has spoiled the weights or, if none has before `bad`, that one. Afterwards the training stands before it.
 *
 * @param bad a step, from 1, whose loss is not finite or after which a weight is not
 */
async function findStep(
  engine: Engine,
  runner: StepRunner,
  lastGood: LastGood,
  bad: number,
): Promise<{ step: number; before: Tensors }> {
  const { step: start } = lastGood;
  const before = await replay(engine, runner, lastGood, bad - 1);
  if (spoiledWeight(before) === undefined) return { step: bad, before };
  // weights are good after `good` steps and spoiled after `step`, most likely by that step itself
  let [good, step] = [start, bad - 1];
  for (let middle = step - 1; ; middle = Math.floor((good + step) / 2)) {
    const found = await replay(engine, runner, lastGood, middle);
    if (spoiledWeight(found) === undefined) good = middle;
    else step = middle;
    if (good === step - 1) break;
  }
  return { step, before: await replay(engine, runner, lastGood, good) };
}

/**
 * Finds the step that has gone wrong and in it the first op that gives a number that is not finite. Afterwards the
 * training stands before that step.
 *
 * @param bad a step, from 1, whose loss is not finite or after which a weight is not
 */
export async function findNonFinite(
  engine: Engine,
  runner: StepRunner,
  lastGood: LastGood,
  bad: number,
): Promise<Found> {
  const { feed } = runner.step;
  try {
    const { step, before } = await findStep(engine, runner, lastGood, bad);
    const epoch = Math.floor((step - 1) / runner.stepsPerEpoch) + 1;
    const stepOfEpoch = step - (epoch - 1) * runner.stepsPerEpoch;
    const [group] = runner.epoch(epoch, stepOfEpoch - 1, stepOfEpoch) as Iterable<Group> as [Group];
    const values = await runner.values(group, epoch, lastGood.rateFactor);
    const indices = runner.indices(group, epoch);
    const { images, labels } = 'images' in values ? values : select(feed.dataset, indices);
    return {
      step,
      epoch,
      stepOfEpoch,
      value: await firstNonFinite(engine, runner.step, group.batchSize, values),
      before,
      learningRate: runner.rate(step - 1, lastGood.rateFactor),
      images: Uint8Array.from(images!),
      labels: Uint8Array.from(labels!),
      indices,
    };
  } finally {
    await feed.close();
  }
}

/** All nodes of float32 that a kernel computes, in the order of the graph. */
function computed(roots: readonly Tensor[]): Tensor[] {
  return reachable(roots)
    .filter((node) => !(node instanceof Leaf) && node.dtype === 'float32')
    .filter((node) => node.op.lower(node).type === 'kernel');
}

/** Looks at every value of a step, without taking it. */
async function firstNonFinite(
  engine: Engine,
  step: FitStep,
  batchSize: number,
  feeds: FeedValues,
): Promise<NonFiniteValue | undefined> {
  const [learningRate] = feeds.learningRate!;
  if (!Number.isFinite(learningRate)) return { where: 'the learning rate', count: 1, size: 1 };
  // one kernel per op: what fusing and reusing memory may have done wrong is left out; it takes the most memory
  for (const optimize of [false, true]) {
    const origins = new TraceOrigins();
    let nodes: Tensor[] = [];
    const signature: Signature = step.signature(batchSize);
    const look = engine.compile(
      (inputs) => {
        const updates = step.trace(inputs, origins).updates!;
        for (const [leaf, value] of updates) origins.updated(leaf, value);
        nodes = computed(updates.map(([, value]) => value));
        return { outputs: Object.fromEntries(nodes.map((node, i) => [`${i}`, countNonFinite(node)])) };
      },
      signature,
      { optimize },
    );
    const counts = await look.run(feeds).catch(() => undefined);
    if (counts === undefined) continue;
    const index = nodes.findIndex((_, i) => counts[`${i}`]!.get() > 0);
    const node = nodes[index];
    if (node === undefined) continue;
    const op = `${node.op.name} ${formatShape(node.shape)}`;
    return { where: origins.of(node), op, count: counts[`${index}`]!.get(), size: node.size };
  }
  return undefined;
}

/**
 * The error that ends the training.
 *
 * @param place where that is kept which reproduces it
 */
export function explanation({ epoch, stepOfEpoch, value }: Found, place?: string): TrainingError {
  const when = `in step ${stepOfEpoch} of epoch ${epoch}`;
  const what =
    value === undefined
      ? ''
      : value.op === undefined
        ? `: ${value.where}`
        : `: ${value.where}: ${value.op} gives ${value.count} of ${value.size} that are not`;
  const kept = place === undefined ? '' : `; what reproduces it is in ${place}`;
  return new TrainingError(`fit: a number is not finite ${when}${what}${kept}`, {
    hint: 'A lower learning rate is the usual cure, or gradients that are clipped: clip: { norm: 1 }.',
  });
}
