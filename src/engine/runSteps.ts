import type { RunOptions } from './backend.js';

/** How long steps may keep the thread before timers, signals and output get a turn, in milliseconds. */
const patience = 50;

/** When the event loop last had a turn: it is one for all backends of a thread, and for runs of a single step too. */
let lastTurn = 0;

/** Lets everything that waits on the event loop go first. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}

/**
 * Runs the steps of `Program.run` for every backend: one after another, each after a look at the signal,
 * progress after each, and a turn for the event loop now and then.
 *
 * @param step does one step, given its index; a promise only where it has to wait
 */
export async function runSteps(
  { steps = 1, signal, onProgress }: RunOptions,
  step: (index: number) => Promise<void> | undefined,
): Promise<void> {
  for (let index = 0; index < steps; index++) {
    if (performance.now() - lastTurn > patience) {
      await turn();
      lastTurn = performance.now();
    }
    signal?.throwIfAborted();
    const pending = step(index);
    if (pending !== undefined) await pending;
    onProgress?.(index + 1);
  }
}
