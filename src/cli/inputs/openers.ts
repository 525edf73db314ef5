/** Opens the engine that commands need, from their shared options. */
import { join } from 'node:path';
import { defaultCacheDirectory } from '../../core/files.js';
import { openAuto } from '../../engine/choose.js';
import { Engine, openEngine } from '../../engine/engine.js';
import type { Work } from '../../engine/measurements.js';
import type { BackendOptions } from '../../engine/options.js';
import { complain } from '../terminal/output.js';
import type { Listener } from './datasets.js';
import type { BackendArguments } from './options.js';

/** Where measured tunings are kept. */
function tuningFile(): string {
  return join(defaultCacheDirectory(), 'tuning.json');
}

/** Where `quern doctor` keeps what it has measured. */
export function measurementsFile(): string {
  return join(defaultCacheDirectory(), 'doctor.json');
}

/** Keeps the options of the backend that the command line names. */
function backendOptions(options: BackendArguments): BackendOptions {
  const { backend, gpuMode, threads, native, revectorize, tune } = options;
  if (backend === 'gpu') return { backend, gpuMode };
  if (backend === 'reference') return { backend };
  const tuning = tune ? ({ tuning: 'measured', tuningFile: tuningFile() } as const) : {};
  return { backend, threads, native, revectorize, ...tuning };
}

/** Says which options the backend that the command line names does not have. */
function noteUnheard(options: BackendArguments, listener: Listener): void {
  const { backend, gpuMode, threads, native, revectorize, tune } = options;
  const ofWasm = { '--threads': threads, '--native': native, '--revectorize': revectorize, '--tune': tune };
  const others = backend === 'wasm' || backend === 'auto' ? {} : ofWasm;
  for (const [name, value] of Object.entries({
    ...others,
    ...(backend !== 'gpu' && { '--gpu-mode': gpuMode }),
  })) {
    if (value) listener.note(`${name} is left out: --backend ${backend} has no such option`);
  }
}

/**
 * Opens the engine and says what it got, where that was left to Quern, and always if it is less than was asked for.
 *
 * @param work counts what a step of training asks for
 */
export async function openChosenEngine(
  options: BackendArguments,
  listener: Listener,
  work?: () => Work,
): Promise<Engine> {
  const asked = backendOptions(options);
  noteUnheard(options, listener);
  let engine: Engine;
  if (asked.backend === 'auto') {
    const taken = await openAuto(asked, { measurementsFile: measurementsFile(), work });
    engine = new Engine(taken.backend);
    listener.note(`backend ${taken.backend.report.backend}: ${taken.reason}`);
  } else {
    engine = await openEngine(asked);
  }
  const { report } = engine;
  if (report.experimental !== undefined) listener.note(`experimental: ${report.experimental}`);
  const { native = 'off' } = report;
  if (!native.startsWith('off') || options.native === 'auto') listener.note(`native: ${native}`);
  if (report.tuning !== undefined) listener.note(`tuning: ${report.tuning}`);
  if (report.fallback !== undefined) {
    listener.clear();
    complain(`quern: backend ${report.backend}: ${report.fallback}`);
  }
  return engine;
}
