/** Diagnoses each backend and mode on this machine: whether it opens, computes right, and how fast. */
import { BackendError, sentencesOf } from '../core/errors.js';
import type { BackendReport } from '../engine/backend.js';
import { type Engine, openEngine } from '../engine/engine.js';
import type { MeasuredBackend, Speed } from '../engine/measurements.js';
import { type Accuracy, measureAccuracy } from './accuracy.js';
import { measureShare, nativeWidth } from './share.js';
import { measureSpeed } from './speed.js';
import { products } from './subjects.js';

/** A backend that may be there. */
export interface Candidate {
  readonly backend: 'reference' | 'wasm' | 'gpu';
  readonly mode?: string;
  open(): Promise<Engine>;
}

export interface Diagnosis {
  readonly backend: Candidate['backend'];
  readonly mode?: string;
  /** `unavailable`: it does not open; `wrong`: it computes other values than it should, or fails to. */
  readonly state: 'right' | 'wrong' | 'unavailable';
  /** Why it is unavailable or wrong. */
  readonly reason?: string;
  readonly report?: BackendReport;
  /** A GPU computes, as far as the adapter's name tells. */
  readonly hardware: boolean;
  readonly checks?: readonly Accuracy[];
  /** Not of the reference, which is not meant to be fast. */
  readonly speed?: Speed;
  /** Of machine code: see `measureShare`. */
  readonly share?: number;
}

/** wasm with machine code, as `auto` takes it: where its test has passed. */
async function openNative(): Promise<Engine> {
  const engine = await openEngine({ backend: 'wasm' });
  const { native = 'off' } = engine.report;
  if (!native.startsWith('off')) return engine;
  await engine.close();
  throw new BackendError(native.replace(/^off: /, ''));
}

/** Every backend, wasm without and with machine code, gpu in each of its modes, in a fixed order. */
export async function allCandidates(): Promise<Candidate[]> {
  const { gpuModes } = await import('../backends/gpu/modes.js');
  const own = [
    { backend: 'reference', open: () => openEngine({ backend: 'reference' }) },
    { backend: 'wasm', open: () => openEngine({ backend: 'wasm', native: 'off' }) },
    { backend: 'wasm', mode: 'native', open: openNative },
  ] as const;
  const modes = gpuModes.map((mode) => ({
    ...{ backend: 'gpu' as const, mode },
    open: () => openEngine({ backend: 'gpu', gpuMode: mode }),
  }));
  return [...own, ...modes];
}

const reason = (error: unknown) => sentencesOf(error).replaceAll(/(^|\()gpu: /g, '$1');

/** Says what a failed check found. */
function complaint({ name, on, error }: Accuracy): string {
  const off = Number.isFinite(error)
    ? `off by ${error.toExponential(1)} of the largest number`
    : 'not finite';
  return `${name} of ${on} is ${off}`;
}

/** Opens a backend, computes a few products and compares them with the definitions, and measures its rates. */
export async function diagnose(candidate: Candidate): Promise<Diagnosis> {
  const { backend, mode } = candidate;
  const named = { backend, ...(mode !== undefined && { mode }) };
  let engine: Engine;
  try {
    engine = await candidate.open();
  } catch (error) {
    return { ...named, state: 'unavailable', reason: reason(error), hardware: false };
  }
  const { report } = engine;
  const { isSoftware } = await import('../backends/gpu/modes.js');
  const hardware = report.adapter !== undefined && !isSoftware(report.adapter);
  const opened = { ...named, report, hardware };
  try {
    const checks = await measureAccuracy(engine, products);
    const failed = checks.find(({ error, bound }) => !(error <= bound));
    if (failed !== undefined) return { ...opened, state: 'wrong', reason: complaint(failed), checks };
    if (backend === 'reference') return { ...opened, state: 'right', checks };
    const speed = await measureSpeed(engine);
    const width = mode === 'native' ? nativeWidth(report) : undefined;
    if (width === undefined) return { ...opened, state: 'right', checks, speed };
    return { ...opened, state: 'right', checks, speed, share: await measureShare(width) };
  } catch (error) {
    return { ...opened, state: 'wrong', reason: reason(error) };
  } finally {
    await engine.close();
  }
}

/**
 * Lists what `auto` may choose from: wasm, as fast as it is with machine code where that is right, and GPUs that are hardware,
 * as far as they compute right.
 */
export function measuredBackends(diagnoses: readonly Diagnosis[]): MeasuredBackend[] {
  const native = diagnoses.some(({ mode, state }) => mode === 'native' && state === 'right');
  return diagnoses.flatMap(({ backend, mode, report, hardware, state, speed }): MeasuredBackend[] => {
    if (state !== 'right' || speed === undefined || backend === 'reference') return [];
    if (backend === 'wasm') return native === (mode === 'native') ? [{ backend, speed }] : [];
    const { adapter } = report!;
    return hardware ? [{ backend, speed, mode: mode!, adapter: adapter! }] : [];
  });
}

/**
 * The size n of an n x n matrix product from which `speed` beats `wasm`: where
 * overhead + 2n³ / rate is the same for both. Infinity where wasm is always faster.
 */
export function crossoverSize(speed: Speed, wasm: Speed): number {
  const perFlop = 1 / wasm.matmulRate - 1 / speed.matmulRate;
  const overhead = speed.secondsPerKernel - wasm.secondsPerKernel;
  if (perFlop <= 0) return overhead < 0 && perFlop === 0 ? 0 : Number.POSITIVE_INFINITY;
  return Math.ceil(Math.cbrt(Math.max(0, overhead) / perFlop / 2));
}
