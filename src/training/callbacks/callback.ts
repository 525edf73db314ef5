import type { Engine } from '../../engine/engine.js';
import type { Json } from '../../nn/layer.js';
import type { Model } from '../../nn/model.js';
import type { Checkpoint } from '../files/checkpoint.js';
import type { Weights } from '../files/weights.js';
import type { EpochRecord, FitProgress } from '../fit/options.js';

/** Why a training has ended: all epochs done, a callback's wish, or the signal. */
export type Ending = 'finished' | 'early stopping' | 'time limit' | 'paused' | 'interrupted' | (string & {});

/** A training as callbacks see it and act on it. */
export interface Training {
  readonly engine: Engine;
  readonly model: Model;
  /** The model that is validated: its averages where they are kept. */
  readonly validated: Model;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Steps that are done, also before a resume. */
  readonly steps: number;
  /** Records of the whole epochs so far, also of those before a resume. */
  readonly history: readonly EpochRecord[];
  /** Seconds spent in this call of `fit`. */
  readonly seconds: number;
  /** Why the training ends; undefined while it goes on. */
  readonly ending: Ending | undefined;
  /** Ends the training after what is running; the first reason is kept. */
  stop(ending: Ending): void;
  /** Factor of the learning rate beside the schedule's, for the steps to come. 1 at the beginning. */
  rateFactor: number;
  /** Copies of the weights that validation sees: averages where they are kept. */
  weights(): Promise<Weights>;
  /** Gives the model other weights. In `onEnd` alone: the training does not go on from them. */
  setWeights(weights: Weights): Promise<void>;
  /** Everything that is needed to go on from the last step that is done. */
  checkpoint(): Promise<Checkpoint>;
}

/** The memory of a callback, which survives a resume. */
export interface CallbackState {
  readonly values: Json;
  readonly weights?: Weights | undefined;
}

/**
 * Something that happens during a training. All its functions are awaited, one callback after another, those of fit's
 * own options first. Steps do not run meanwhile, and how they are grouped never changes a result; so what a callback
 * does to the training must depend on steps and epochs alone, or it is lost that the same seed gives the same bytes.
 */
export interface Callback {
  /** Before the first step, or the first after a resume, when `restore` has been called. */
  onBegin?(training: Training): void | Promise<void>;
  /** Several times per second, after some steps. */
  onProgress?(progress: FitProgress, training: Training): void | Promise<void>;
  /** After every whole epoch and its validation. */
  onEpoch?(record: EpochRecord, training: Training): void | Promise<void>;
  /** When no step follows, whatever the reason; not after an error. The model has its final weights. */
  onEnd?(training: Training): void | Promise<void>;
  /** The name by which checkpoints keep what `state` gives. Both or neither. */
  readonly name?: string | undefined;
  state?(): CallbackState;
  /** Takes what `state` gave, from a checkpoint. */
  restore?(state: CallbackState): void;
}
