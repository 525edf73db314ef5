/** Whether the kernels of a backend are machine code: what was asked for, what this place has, what a test has found. */
import { BackendError, sentenceOf, UsageError } from '../../../core/errors.js';
import { type NativeOption, nativeOptions } from '../../../engine/options.js';
import { numericsOf, type SimdLevel } from '../../../writers/wasm/simdLevel.js';
import { WasmMemory } from '../memory.js';
import { checkForeign } from './host.js';
import type { Native } from './native.js';
import { whyNotTrusted } from './tested.js';

export interface NativeChoice {
  readonly native: Native | undefined;
  /** For the report: what runs, or why it does not. */
  readonly report: string | undefined;
}

interface Asked {
  readonly native?: NativeOption | undefined;
  readonly nativeFile?: string | undefined;
}

const hint = `Leave native out, or say off${globalThis.process?.versions.bun ? '' : ': results are the same'}.`;

/** The default of the option, for all engines of a process and of those that it starts. */
const variable = 'QUERN_NATIVE';

/** What is asked for, and by what name. Throws UsageError for another word. */
function askedOf(given: NativeOption | undefined): NativeOption {
  const said = globalThis.process?.env?.[variable] || undefined;
  const asked = given ?? (said as NativeOption | undefined) ?? 'auto';
  if (nativeOptions.includes(asked)) return asked;
  const name = given === undefined ? `the environment's ${variable}` : 'native';
  throw new UsageError(`wasm: ${name} must be ${nativeOptions.join(', ')}: ${String(asked)}`);
}

/** Why this process has no machine code, as far as that can be told without trying; undefined where it may have. */
export function whyNotNative(): string | undefined {
  try {
    checkForeign();
    return undefined;
  } catch (cause) {
    return sentenceOf(cause);
  }
}

/** The memory of a backend, and what calls machine code on it. Throws a BackendError where that was asked for in vain. */
export async function chooseNative(
  { native, nativeFile }: Asked,
  { simd, workers }: { readonly simd: SimdLevel; readonly workers: number },
): Promise<{ memory: WasmMemory; native: NativeChoice }> {
  const asked = askedOf(native);
  const plain = (report?: string) => ({
    memory: new WasmMemory(workers > 1),
    native: { native: undefined, report },
  });
  if (asked === 'off') return plain();
  try {
    checkForeign();
    const fused = simd === 'relaxed' && numericsOf(simd) === 'fma';
    if (!fused && (simd === 'baseline' || asked === 'auto'))
      throw new BackendError('native: machine code rounds a·b + c once, WebAssembly twice here');
    const untrusted = asked === 'auto' ? await whyNotTrusted(nativeFile) : undefined;
    if (untrusted !== undefined) return plain(`off: ${untrusted}`);
    // only here, for it brings what prints machine code
    const { Native } = await import('./native.js');
    // memory that is shared never moves
    const memory = new WasmMemory(true);
    const native = new Native(memory, {
      level: asked === 'avx2' || asked === 'avx512' ? asked : undefined,
      alone: !fused,
    });
    return { memory, native: { native, report: native.level } };
  } catch (cause) {
    const reason = sentenceOf(cause).replace(/^native: /, '');
    if (asked === 'auto') return plain(`off: ${reason}`);
    throw new BackendError(`native: ${reason}`, { cause, hint });
  }
}
