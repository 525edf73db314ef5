/** One step of training as graph: forward, backward and optimizer. */
import { crossEntropy } from '../nn/losses.js';
import type { Application, Model } from '../nn/model.js';
import { type ClipOptions, clipGradients } from '../optimizers/clipping.js';
import type { BuiltOptimizer } from '../optimizers/optimizer.js';
import { type GradientPart, gradients } from '../tensor/gradients.js';
import { add } from '../tensor/ops/pointwise.js';
import type { Leaf, Tensor } from '../tensor/tensor.js';
import { type Normalization, normalize, plainPixels } from './inference/normalization.js';
import { blend, partners } from './mixup.js';

/** Options that change the graph of a step. */
export interface TrainingStepOptions {
  /** Default: pixels from 0 to 1. */
  readonly normalization?: Normalization | undefined;
  /** As `crossEntropy` takes it. */
  readonly labelSmoothing?: number | undefined;
  readonly clip?: ClipOptions | undefined;
}

interface TrainingStepInputs {
  /** uint8 `[batch, …]`. */
  readonly images: Tensor;
  /** Class numbers `[batch]`, int32 or uint8. */
  readonly labels: Tensor;
  /** float32 scalar. */
  readonly learningRate: Tensor;
  /** int32 scalar, the steps that are done: tells the optimizer its time and dropout its numbers. */
  readonly steps: Tensor;
  /** The share of the first of two images that are blended, float32 scalar. Default: none are. */
  readonly mixup?: Tensor | undefined;
}

/** Told, while a step is traced, where its nodes come from. */
export interface TraceObserver {
  readonly applied: (application: Application) => void;
  readonly lost: (loss: Tensor) => void;
  readonly differentiated: (part: GradientPart) => void;
}

interface TrainingStep {
  /** Mean cross-entropy of the batch, float32 scalar. */
  readonly loss: Tensor;
  /** Logits, float32 `[batch, classes]`. */
  readonly output: Tensor;
  /** `steps` after this one. */
  readonly next: Tensor;
  /** Of running statistics, parameters and what the optimizer remembers. */
  readonly updates: readonly [Leaf, Tensor][];
}

/** Trains a classifier of images by one batch. */
export function trainingStep(
  model: Model,
  optimizer: BuiltOptimizer,
  inputs: TrainingStepInputs,
  options: TrainingStepOptions & { readonly observer?: TraceObserver | undefined } = {},
): TrainingStep {
  const { clip, observer } = options;
  const next = add(inputs.steps, 1);
  const { images, lossOf } = batch(inputs, options);
  const { output, updates } = model.apply(images, {
    training: true,
    step: inputs.steps,
    ...(observer && { observe: observer.applied }),
  });
  const loss = lossOf(output);
  observer?.lost(loss);
  const raw = gradients(loss, model.parameters, observer?.differentiated);
  const limited = clip === undefined ? raw : clipGradients(raw, clip);
  const learned = optimizer.updates(limited, inputs.learningRate, next);
  return { loss, output, next, updates: [...updates, ...learned] };
}

/** Images as the model gets them, and the loss of its logits. */
function batch(
  { images: pixels, labels, mixup: ratio }: TrainingStepInputs,
  { normalization = plainPixels, labelSmoothing }: TrainingStepOptions,
) {
  const images = normalize(pixels, normalization);
  const lossTo = (target: Tensor) => (logits: Tensor) => crossEntropy(logits, target, { labelSmoothing });
  const lossToLabels = lossTo(labels);
  if (ratio === undefined) return { images, lossOf: lossToLabels };
  const lossToOthers = lossTo(partners(labels));
  return {
    images: blend(images, normalize(partners(pixels), normalization), ratio),
    lossOf: (logits: Tensor) => blend(lossToLabels(logits), lossToOthers(logits), ratio),
  };
}
