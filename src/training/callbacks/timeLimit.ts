import type { Callback } from './callback.js';

/** Ends a training after so many seconds of one call of `fit`. Fit's option `timeLimit`. */
export function timeLimit(seconds: number): Callback {
  return {
    onProgress(_, training) {
      if (training.seconds >= seconds) training.stop('time limit');
    },
  };
}
