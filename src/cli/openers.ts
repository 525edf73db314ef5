/** Opens what commands need, from their shared options. */
import type { Dataset } from '../data/dataset.js';
import { loadDataset } from '../data/datasets.js';
import { autoRule } from '../engine/choose.js';
import { type Engine, openEngine } from '../engine/engine.js';
import { megabytes } from './format.js';
import type { BackendArguments, DataArguments } from './options.js';

/** What loading tells about itself. */
export interface Listener {
  note(text: string): void;
  show(title: string, done: number, total: number, text: string): void;
  clear(): void;
}

/** For commands whose result tells what ran. */
export const silent: Listener = { note: () => {}, show: () => {}, clear: () => {} };

export async function openDataset(
  name: string,
  options: DataArguments & { readonly limit?: number | undefined; readonly signal?: AbortSignal },
  listener: Listener,
): Promise<{ train: Dataset; test: Dataset }> {
  const { dataDir: dataDirectory, offline, limit, signal } = options;
  try {
    return await loadDataset(name, {
      dataDirectory,
      offline,
      limit,
      signal,
      onProgress: ({ file, bytes, total }) =>
        listener.show(file, bytes, total ?? bytes, `downloading ${megabytes(bytes)}`),
    });
  } finally {
    listener.clear();
  }
}

/** Opens the engine and says what it got, where that was left to Quern, and always if it is less than was asked for. */
export async function openChosenEngine(options: BackendArguments, listener: Listener): Promise<Engine> {
  const { backend, gpuMode, threads, revectorize } = options;
  const engine = await openEngine({ backend, gpuMode, threads, revectorize });
  const { report } = engine;
  if (backend === 'auto') listener.note(`backend ${report.backend}: ${autoRule}`);
  if (report.experimental !== undefined) listener.note(`experimental: ${report.experimental}`);
  if (report.fallback !== undefined) {
    listener.clear();
    console.error(`quern: backend ${report.backend}: ${report.fallback}`);
  }
  return engine;
}
