import {
  checkFunction,
  checkInteger,
  checkList,
  checkMembers,
  checkOptionNames,
  checkPositive,
  checkRange,
} from '../../core/check.js';
import { UsageError } from '../../core/errors.js';
import type { Augmentation } from '../../data/augment/augmentation.js';
import type { AugmenterOptions } from '../../data/augment/augmenter.js';
import type { Dataset, SplitBy } from '../../data/dataset.js';
import { type ClipOptions, checkClip } from '../../optimizers/clipping.js';
import { checkOptimizer, type Optimizer } from '../../optimizers/optimizer.js';
import type { Plateau } from '../../optimizers/plateau.js';
import type { Schedule } from '../../optimizers/schedules.js';
import type { Callback } from '../callbacks/callback.js';
import { checkEarlyStopping, checkMonitor, type EarlyStoppingOptions } from '../callbacks/earlyStopping.js';
import type { CheckpointOptions } from '../callbacks/saving.js';
import type { Checkpoint } from '../files/checkpoint.js';
import { checkNormalization, type Normalization } from '../inference/normalization.js';
import type { NonFinite } from './nonFinite.js';

export interface FitOptions {
  /** With its learning rate. */
  readonly optimizer: Optimizer;
  /** The course of the learning rate over the whole training. Default: it stays. */
  readonly schedule?: Schedule | undefined;
  /** How often every example is seen. */
  readonly epochs: number;
  /** Default 128. The last batch of an epoch may be smaller. */
  readonly batchSize?: number | undefined;
  /** A dataset, or the fraction of the training images to hold out. Default: none. */
  readonly validation?: number | Dataset | undefined;
  /**
   * The unit in which a fraction is held out: single images, or all images of some writers, so that handwriting is
   * validated with that was never seen. The latter needs a dataset that knows its writers. Default: 'image'.
   */
  readonly validationBy?: SplitBy | undefined;
  /**
   * Of weights, order, split, dropout and augmentation: an integer ≥ 0, default 0. The same seed gives the same weights,
   * to the bit.
   */
  readonly seed?: number | undefined;
  /** Default: pixels from 0 to 1. */
  readonly normalization?: Normalization | undefined;
  /** How training images are changed at random. Default: not at all. */
  readonly augmentation?: Augmentation | undefined;
  /**
   * α of mixup (Zhang et al., ICLR 2018): every image is blended with another of its batch, in a proportion drawn from
   * Beta(α, α) for each step. Default 0: none.
   */
  readonly mixup?: number | undefined;
  /** ε, at least 0 and below 1: the share of a label that is spread over all classes. Default 0. */
  readonly labelSmoothing?: number | undefined;
  /** `{ norm: 1 }` or `{ value: 0.5 }`: a limit of the gradients. Default: none. */
  readonly clip?: ClipOptions | undefined;
  /**
   * Decay, at least 0 and below 1, of an exponential moving average of the weights and running statistics; 0.999 say.
   * What is validated, and the model in the end, has the averages. Default: none.
   */
  readonly weightAveraging?: number | undefined;
  /** Lowers the learning rate, beside the schedule, when nothing gets better: `reduceOnPlateau()`. */
  readonly plateau?: Plateau | undefined;
  /** Ends the training when validation no longer gets better. */
  readonly earlyStopping?: EarlyStoppingOptions | undefined;
  /** Ends the training after so many seconds of this call, at a step boundary. No schedule knows of it. */
  readonly timeLimit?: number | undefined;
  /** Where the state of the training goes, so that it can be resumed. */
  readonly checkpoint?: CheckpointOptions | undefined;
  /** Goes on from here, with the same options, to the same bytes as a training that was never interrupted. */
  readonly resume?: Checkpoint | undefined;
  /** Called during the training. */
  readonly callbacks?: readonly Callback[] | undefined;
  /** Ends the training after the step that is running: `fit` gives a run that is `interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /** Called several times per second, after some steps. A callback in short. */
  readonly onProgress?: ((progress: FitProgress) => void) | undefined;
  /** Awaited after every whole epoch. A callback in short. */
  readonly onEpoch?: ((record: EpochRecord) => void | Promise<void>) | undefined;
  /**
   * Awaited before `fit` throws because a loss, gradient or weight is not a finite number: given what is needed to
   * reproduce the step. What it returns is said in the error: where that was saved.
   */
  readonly onNonFinite?: ((found: NonFinite) => Promise<string | undefined>) | undefined;
  /**
   * Told, once each, of what is probably a mistake: a softmax before the loss, batches of one image with batch
   * normalization, a loss that is finite but absurd. Default: `console.warn`.
   */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Name of the recipe, kept in the model's file. */
  readonly recipe?: string | undefined;
  /**
   * Bytes of images up to which the engine may hold a dataset as a whole; a larger one is streamed. Never changes a
   * result. Default: 50 MB, as MNIST has; 8 MB for models of a million multiply-adds or more, which do not notice.
   */
  readonly residentBytes?: number | undefined;
  /** The threads that augment. Never changes a result. Default: one, where memory can be shared. */
  readonly dataWorkers?: AugmenterOptions | undefined;
  /** How many steps the backend is given at once. Never changes a result. Default: about a quarter of a second's. */
  readonly stepsPerRun?: number | undefined;
}

export interface FitProgress {
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps of this epoch that are done. */
  readonly step: number;
  readonly steps: number;
  /** Mean over the epoch so far, as the weights were at each step. */
  readonly loss: number;
  /** The share that was right in the epoch so far, 0 to 1. */
  readonly accuracy: number;
  /** Of the step that was done last. */
  readonly learningRate: number;
  /** Since the epoch began. */
  readonly imagesPerSecond: number;
  /** Of the whole training, judging by this epoch. */
  readonly secondsLeft: number;
}

/** One epoch in the history of a training. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Steps of the whole training that are done. */
  readonly step: number;
  /** Mean over the epoch's examples, each with the weights of its own step and with dropout, as it was trained on. */
  readonly loss: number;
  /** 0 to 1, likewise. With mixup, an image counts by the label that has the larger share. */
  readonly accuracy: number;
  /** With the weights at the end of the epoch, or their averages. */
  readonly validationLoss?: number;
  readonly validationAccuracy?: number;
  /** Of the epoch's last step. */
  readonly learningRate: number;
  /** Without planning and validation. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** Every option, for the compiler to compare. */
const optionNames: Readonly<Record<keyof FitOptions, true>> = {
  optimizer: true,
  schedule: true,
  epochs: true,
  batchSize: true,
  validation: true,
  validationBy: true,
  seed: true,
  normalization: true,
  augmentation: true,
  mixup: true,
  labelSmoothing: true,
  clip: true,
  weightAveraging: true,
  plateau: true,
  earlyStopping: true,
  timeLimit: true,
  checkpoint: true,
  resume: true,
  callbacks: true,
  signal: true,
  onProgress: true,
  onEpoch: true,
  onNonFinite: true,
  recipe: true,
  residentBytes: true,
  dataWorkers: true,
  stepsPerRun: true,
  onWarning: true,
};

/** Names in other frameworks, in lower case without signs. */
const elsewhere = {
  validationsplit: 'validation',
  validationdata: 'validation',
  valsplit: 'validation',
  lr: 'optimizer, with its learning rate: adam(0.001)',
  learningrate: 'optimizer, with its learning rate: adam(0.001)',
  initialepoch: 'resume',
  earlystop: 'earlyStopping',
  patience: 'earlyStopping: { patience }',
  clipnorm: 'clip: { norm }',
  clipvalue: 'clip: { value }',
  onepochend: 'onEpoch',
  ema: 'weightAveraging',
  loss: 'none: it is cross-entropy',
  metrics: 'none: loss and accuracy are always measured',
  shuffle: 'none: the order is always drawn anew',
  classweight: 'none: classes count alike',
  verbose: 'onProgress',
};

export const defaultBatchSize = 128;

/** Throws UsageError for an option that is of another kind, such as `cosineDecay` in place of `cosineDecay()`. */
function checkKinds(options: FitOptions): void {
  const { schedule, plateau, normalization, checkpoint, resume, callbacks, signal } = options;
  const needed = [
    ['schedule', 'a schedule such as cosineDecay()', schedule, ['factor']],
    ['plateau', 'reduceOnPlateau()', plateau, ['options', 'next']],
    ['normalization', '{ mean, deviation }', normalization, ['mean', 'deviation']],
    ['checkpoint', '{ save }', checkpoint, ['save']],
    ['resume', 'a checkpoint', resume, ['conditions']],
    ['signal', 'an AbortSignal', signal, ['throwIfAborted']],
  ] as const;
  for (const [name, wanted, value, members] of needed) {
    if (value !== undefined) checkMembers(`fit: ${name}`, wanted, value, members);
  }
  if (callbacks !== undefined) checkList('fit: callbacks', 'a list of callbacks', callbacks);
  for (const name of ['onProgress', 'onEpoch', 'onNonFinite', 'onWarning'] as const) {
    if (options[name] !== undefined) checkFunction(`fit: ${name}`, options[name]);
  }
}

/**
 * Throws UsageError for an option out of range. A validation fraction, the seed and an augmentation are checked where
 * they are used.
 */
export function checkFitOptions(options: FitOptions): void {
  checkOptionNames('fit', options, optionNames, elsewhere);
  const { clip, normalization, earlyStopping, plateau, validation, validationBy } = options;
  checkOptimizer('fit: optimizer', options.optimizer);
  checkKinds(options);
  checkInteger('fit: epochs', options.epochs);
  checkInteger('fit: batchSize', options.batchSize ?? 1);
  checkInteger('fit: stepsPerRun', options.stepsPerRun ?? 1);
  checkRange('fit: mixup', options.mixup ?? 0, 0);
  checkRange('fit: labelSmoothing', options.labelSmoothing ?? 0, 0, 1);
  checkRange('fit: weightAveraging', options.weightAveraging ?? 0, 0, 1);
  checkRange('fit: residentBytes', options.residentBytes ?? 0, 0);
  checkPositive('fit: timeLimit', options.timeLimit ?? 1);
  if (validationBy === 'writer' && typeof validation !== 'number')
    throw new UsageError('fit: validation by writer needs the fraction of the images to hold out');
  if (clip !== undefined) checkClip(clip);
  if (normalization !== undefined) checkNormalization(normalization);
  if (plateau !== undefined) checkMonitor('plateau', plateau.options.monitor, validation !== undefined);
  if (earlyStopping !== undefined) checkEarlyStopping(earlyStopping, validation !== undefined);
}
