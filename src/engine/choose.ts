/** Which backend runs. Backends load when they are chosen, so that what is not used costs nothing. */
import { sentenceOf, UsageError } from '../core/errors.js';
import { autoRule, backendTitle, chooseBackend } from './auto.js';
import type { Backend } from './backend.js';
import type { Work } from './measurements.js';

export type BackendName = 'auto' | 'wasm' | 'reference' | 'gpu';

export interface BackendOptions {
  /** Default 'auto'. */
  readonly backend?: BackendName | undefined;
  /** Worker threads, for wasm. Default: the number of processors, up to 8; 1 where memory cannot be shared. */
  readonly threads?: number | undefined;
  /**
   * Mode of gpu.js, for gpu: 'webgpu', 'webgl2', 'webgl', 'headlessgl', 'webasm' or 'cpu' (docs/gpu.md). Default: the first
   * that computes on hardware; where there is none, one on the CPU, and the report's `fallback` says why.
   */
  readonly gpuMode?: string | undefined;
  /** For reference: how float32 tensors are stored. Default 'float32'. */
  readonly precision?: 'float32' | 'float64' | undefined;
  /** For wasm: 'baseline' leaves relaxed SIMD unused. Default: the best that the JavaScript engine has. */
  readonly simd?: 'relaxed' | 'baseline' | undefined;
  /**
   * For wasm, experimental: lets V8 join vectors to 256 bits, for the whole process. Faster, with the same bytes, in
   * Node 24 on x64 processors with AVX2; elsewhere an error. Default false.
   */
  readonly revectorize?: boolean | undefined;
  /**
   * For wasm: 'measured' computes kernels in the fastest of several ways that give the same bytes; each is measured once,
   * for about a fifth of a second, when a step that needs it is compiled. Default 'fixed': by rules of shape alone.
   */
  readonly tuning?: 'fixed' | 'measured' | undefined;
  /** For wasm: a file that keeps what was measured, for later processes on the same machine. Default: none. */
  readonly tuningFile?: string | undefined;
  /** For wasm: where `quern/worker` is, in a bundle that does not keep worker.js beside its code (docs/browser.md). */
  readonly workerUrl?: string | URL | undefined;
  /** For wasm, for measurements: gets the time that kernels take on the thread of the engine, in milliseconds. */
  readonly kernelClock?: { milliseconds: number } | undefined;
  /** For auto: the file in which `quern doctor` keeps what it has measured. Default: none, and the fixed rule holds. */
  readonly measurementsFile?: string | undefined;
  /** For auto: counts what a training step asks for; called where it matters. Default: unknown, nothing is trained. */
  readonly work?: (() => Work) | undefined;
  /** For tests: memory is filled with NaN after its last use. Default false. */
  readonly poison?: boolean | undefined;
}

export const backendNames: readonly BackendName[] = ['auto', 'wasm', 'reference', 'gpu'];

/** Opens a backend, or throws a BackendError with the reason why it cannot run here. */
export async function openBackend(options: BackendOptions = {}): Promise<Backend> {
  const { backend = 'auto' } = options;
  switch (backend) {
    case 'reference': {
      const { openReference } = await import('../backends/reference/reference.js');
      return openReference(options);
    }
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
    default:
      throw new UsageError(`openEngine: unknown backend '${backend as string}': ${backendNames.join(', ')}`);
  }
}

/**
 * Opens what `auto` takes, by a cached measurement or the fixed rule, and says why in a line. A GPU that was measured and
 * is not there any more, or is another one now, is left for wasm.
 */
export async function openAuto(options: BackendOptions): Promise<{ backend: Backend; reason: string }> {
  const { measurementsFile: file, work } = options;
  const openWasm = () => openBackend({ ...options, backend: 'wasm' });
  if (file === undefined) return { backend: await openWasm(), reason: autoRule };
  const { readMeasurements } = await import('./measurements.js');
  const choice = chooseBackend(await readMeasurements(file), work);
  if (choice.backend === 'wasm') return { backend: await openWasm(), reason: choice.reason };
  if (wantsWasm(options))
    return { backend: await openWasm(), reason: 'auto takes wasm: it was given options of wasm' };
  const left = `auto takes wasm: ${backendTitle(choice)} was measured on ${choice.adapter}`;
  try {
    const backend = await openBackend({ ...options, backend: 'gpu', gpuMode: choice.mode });
    const { adapter } = backend.report;
    if (adapter === choice.adapter) return { backend, reason: choice.reason };
    await backend.close();
    return { backend: await openWasm(), reason: `${left}, now it is ${adapter ?? 'the CPU'}` };
  } catch (error) {
    return { backend: await openWasm(), reason: `${left} and does not open: ${sentenceOf(error)}` };
  }
}

/** Whether there are options that only wasm has, which another backend would leave unheard. */
function wantsWasm({ threads, simd, revectorize, tuning }: BackendOptions): boolean {
  return threads !== undefined || simd !== undefined || revectorize === true || tuning === 'measured';
}
