import type { Callback } from './callback.js';

/** Ends a training after so many epochs of the whole: its schedule does not know of it, and a resume goes on. */
export function pauseAfter(epochs: number): Callback {
  const pause: NonNullable<Callback['onBegin']> = (training) => {
    if (training.history.length >= epochs) training.stop('paused');
  };
  return { onBegin: pause, onEpoch: (_, training) => pause(training) };
}
