import { checkOptionNames } from '../../core/check.js';
import type { Checkpoint } from '../files/checkpoint.js';
import type { Callback, Training } from './callback.js';

export interface CheckpointOptions {
  /** Awaited with everything that resuming needs. An error that it throws ends the training. */
  readonly save: (checkpoint: Checkpoint) => void | Promise<void>;
  /** Seconds between two saves within an epoch. Default 30. */
  readonly everySeconds?: number | undefined;
}

/** At the end of an epoch, a checkpoint younger than this will do. */
const youngSeconds = 5;

/**
 * Saves checkpoints: by time, at the end of an epoch unless the last one is a few seconds old, and when the training
 * ends, for whatever reason. Fit's option `checkpoint`.
 */
export function saving(options: CheckpointOptions): Callback {
  checkOptionNames('checkpoint', options, { save: true, everySeconds: true });
  const { save, everySeconds = 30 } = options;
  let saved = 0;
  const saveNow = async (training: Training): Promise<void> => {
    await save(await training.checkpoint());
    saved = training.seconds;
  };
  const saveAfter = async (training: Training, seconds: number): Promise<void> => {
    if (training.seconds - saved >= seconds) await saveNow(training);
  };
  return {
    onProgress: (_, training) => saveAfter(training, everySeconds),
    onEpoch: (_, training) => saveAfter(training, Math.min(everySeconds, youngSeconds)),
    onEnd: saveNow,
  };
}
