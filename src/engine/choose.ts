/** Chooses and opens a backend. Each loads when it is chosen, so that what is not used costs nothing. */
import { sentenceOf, UsageError } from '../core/errors.js';
import { autoRule, backendTitle, chooseBackend } from './auto.js';
import type { Backend } from './backend.js';
import type { AutoOptions, BackendName, BackendOptions, Evidence, Probes } from './options.js';

export const backendNames: readonly BackendName[] = ['auto', 'wasm', 'reference', 'gpu'];

/** Opens a backend, or throws a BackendError with the reason why it cannot run here. */
export async function openBackend(options: BackendOptions & Probes = {}): Promise<Backend> {
  switch (options.backend) {
    case 'reference': {
      const { openReference } = await import('../backends/reference/reference.js');
      return openReference(options);
    }
    case undefined:
    case 'auto':
      return (await openAuto(options)).backend;
    case 'wasm': {
      const { openWasm } = await import('../backends/wasm/wasm.js');
      return openWasm(options);
    }
    case 'gpu': {
      const { openGpu } = await import('../backends/gpu/index.js');
      return openGpu(options);
    }
    default: {
      const { backend }: { backend: string } = options;
      throw new UsageError(`openEngine: unknown backend '${backend}': ${backendNames.join(', ')}`);
    }
  }
}

/** Begins to load what will most likely be opened, in a moment in which this thread would wait for something else. */
export function preload(name: BackendName): void {
  if (name === 'auto' || name === 'wasm') import('../backends/wasm/wasm.js').catch(() => {});
}

/**
 * Opens what `auto` takes, by a cached measurement or the fixed rule, and says why in a line. A GPU that was measured and
 * is not there any more, or is another one now, is left for wasm.
 */
export async function openAuto(
  options: AutoOptions & Probes,
  { measurementsFile: file, work }: Evidence = {},
): Promise<{ backend: Backend; reason: string }> {
  const openWasm = () => openBackend({ ...options, backend: 'wasm' });
  if (file === undefined) return { backend: await openWasm(), reason: autoRule };
  const { readMeasurements } = await import('./measurements.js');
  const choice = chooseBackend(await readMeasurements(file), work);
  if (choice.backend === 'wasm') return { backend: await openWasm(), reason: choice.reason };
  if (wantsWasm(options))
    return { backend: await openWasm(), reason: 'auto takes wasm: it was given options of wasm' };
  const left = `auto takes wasm: ${backendTitle(choice)} was measured on ${choice.adapter}`;
  try {
    const backend = await openBackend({ backend: 'gpu', gpuMode: choice.mode });
    const { adapter } = backend.report;
    if (adapter === choice.adapter) return { backend, reason: choice.reason };
    await backend.close();
    return { backend: await openWasm(), reason: `${left}, now it is ${adapter ?? 'the CPU'}` };
  } catch (error) {
    return { backend: await openWasm(), reason: `${left} and does not open: ${sentenceOf(error)}` };
  }
}

/** Tells whether there are options that only wasm has, which another backend would leave unheard. */
function wantsWasm({ threads, simd, revectorize, tuning, native = 'auto' }: AutoOptions): boolean {
  const asked = threads !== undefined || simd !== undefined || native !== 'auto';
  return asked || revectorize === true || tuning === 'measured';
}
