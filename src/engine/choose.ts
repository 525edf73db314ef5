/** Which backend runs. Backends load when they are chosen, so that what is not used costs nothing. */
import { UsageError } from '../core/errors.js';
import type { Backend } from './backend.js';

export type BackendName = 'auto' | 'wasm' | 'reference' | 'gpu';

export interface BackendOptions {
  /** Default 'auto'. */
  readonly backend?: BackendName | undefined;
  /** Worker threads, for wasm. Default: the number of processors, up to 8; 1 where memory cannot be shared. */
  readonly threads?: number | undefined;
  /** Mode of gpu.js, for gpu: 'cpu' or 'webasm'. Default: 'webasm'. */
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
  /** For wasm: where `quern/worker` is, in a bundle that does not keep worker.js beside its code (docs/browser.md). */
  readonly workerUrl?: string | URL | undefined;
  /** For tests: memory is filled with NaN after its last use. Default false. */
  readonly poison?: boolean | undefined;
}

export const backendNames: readonly BackendName[] = ['auto', 'wasm', 'reference', 'gpu'];

/** The fixed rule behind 'auto', in a line for people. */
export const autoRule = 'auto takes wasm: the fastest backend on a CPU';

/** Opens a backend, or throws a BackendError with the reason why it cannot run here. */
export async function openBackend(options: BackendOptions = {}): Promise<Backend> {
  const { backend = 'auto' } = options;
  switch (backend) {
    case 'reference': {
      const { openReference } = await import('../backends/reference/reference.js');
      return openReference(options);
    }
    case 'auto':
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
