/** Decides what `auto` takes, by a rule over kept measurements. Measures nothing. */
import type { KeptMeasurements, MeasuredBackend, Speed, Work } from './measurements.js';

/** The fixed rule, where nothing was measured. */
export const autoRule = 'auto takes wasm: the fastest backend on a CPU';

/** The backend that was taken, and why in a line. */
export interface Choice {
  readonly backend: 'wasm' | 'gpu';
  readonly mode?: string | undefined;
  /** The adapter that was measured. */
  readonly adapter?: string | undefined;
  readonly reason: string;
}

/** kernels · overhead + Σ flops / rate: about how long a step takes, in seconds. */
export function estimateSeconds(speed: Speed, work: Work): number {
  return (
    work.kernels * speed.secondsPerKernel +
    work.matmulFlops / speed.matmulRate +
    work.convolutionFlops / speed.convolutionRate
  );
}

/** `wasm`, `gpu webgpu` */
export const backendTitle = ({ backend, mode }: { backend: string; mode?: string | undefined }): string =>
  mode === undefined ? backend : `${backend} ${mode}`;

const milliseconds = (seconds: number) => `${Number((seconds * 1000).toPrecision(2))} ms`;

const wasm = (reason: string): Choice => ({ backend: 'wasm', reason: `auto takes wasm: ${reason}` });

/**
 * Whichever is estimated to be fastest at the work; wasm where nothing was measured, where there is no hardware GPU, and
 * for anything but training, of which `work` is not given.
 */
export function chooseBackend(
  { measurements, note }: KeptMeasurements,
  work: (() => Work) | undefined,
): Choice {
  if (note !== undefined) return wasm(note);
  if (measurements === undefined) return { backend: 'wasm', reason: autoRule };
  const candidates = measurements.backends;
  if (candidates.every(({ backend }) => backend === 'wasm'))
    return wasm('quern doctor found no hardware GPU');
  if (work === undefined) return wasm('a GPU is for training alone');
  const asked = work();
  const ranked = candidates
    .map((candidate) => ({ candidate, seconds: estimateSeconds(candidate.speed, asked) }))
    .sort((a, b) => a.seconds - b.seconds);
  const [first, second] = ranked;
  const told = ({ candidate, seconds }: { candidate: MeasuredBackend; seconds: number }) =>
    `${milliseconds(seconds)} a step on ${backendTitle(candidate)}`;
  const { backend, mode, adapter } = first!.candidate;
  const beside = second === undefined ? '' : `, ${told(second)}`;
  const reason = `auto takes ${backendTitle(first!.candidate)}: an estimated ${told(first!)}${beside}`;
  return { backend, mode, adapter, reason };
}
