/** What this machine is: its processor, as it says itself, and the functions that call machine code on a memory. */
import { BackendError } from '../../../core/errors.js';
import type { X64Level } from '../../../writers/x64/frame.js';
import { printQuery, printWalker } from '../../../writers/x64/module.js';
import type { Walk } from '../table.js';
import { foreignHere, walkSignature } from './host.js';
import { type Loaded, ObjectWriter } from './object.js';

export interface Machine {
  /** The widest that the processor and the system have. */
  readonly level: X64Level;
  /** Where workers find the function that walks lists of calls. */
  readonly path: string;
  readonly walk: Walk;
  /** Loads kernels. */
  load(codes: readonly Uint8Array[]): Loaded;
  /** Keeps `walk` loaded. */
  readonly object: unknown;
  /** Takes the path away; what is loaded stays. */
  close(): void;
}

const query = { parameters: ['int32'], result: 'int32' } as const;

/** Bits of CPUID: those named must all be set. Registers: 0 eax, 1 ebx, 2 ecx, 3 edx. */
const needed: Readonly<
  Record<X64Level, readonly [leaf: number, register: number, bits: readonly number[]][]>
> = {
  // FMA, OSXSAVE, AVX; BMI1, AVX2, BMI2
  avx2: [
    [1, 2, [12, 27, 28]],
    [7, 1, [3, 5, 8]],
  ],
  // AVX-512 F, DQ, BW, VL
  avx512: [[7, 1, [16, 17, 30, 31]]],
};
/** Bits of XCR0: what the system saves of the registers: of 128 and 256 bits, of masks and 512. */
const saved: Readonly<Record<X64Level, number>> = { avx2: 0x06, avx512: 0xe6 };

/** The level of a processor that answers so. */
export function levelOf(query: (what: number) => number): X64Level {
  const has = (level: X64Level) =>
    needed[level].every(([leaf, register, bits]) => {
      const value = query(leaf | (register << 8));
      return bits.every((bit) => (value >> bit) & 1);
    }) && (query(0x400) & saved[level]) === saved[level];
  if (query(0) < 7 || !has('avx2')) {
    throw new BackendError('native: this processor has no AVX2 with fused multiply-add');
  }
  return has('avx512') ? 'avx512' : 'avx2';
}

/** Gets ready to run machine code on a memory whose buffer never moves. Throws a BackendError that says what is lacking. */
export function openMachine({ buffer }: WebAssembly.Memory): Machine {
  const foreign = foreignHere();
  const writer = new ObjectWriter(foreign);
  const walker = printWalker(foreign.addressOf(buffer));
  const code = new Uint8Array([...walker, ...printQuery()]);
  const { path, file } = writer.write(code, { walk: 0, query: walker.length });
  const { handle, functions } = foreign.open(path, { walk: walkSignature, query });
  const { walk } = functions;
  const level = levelOf((what) => Number(functions.query(what)));
  const close = () => writer.close(file);
  const load = (codes: readonly Uint8Array[]) => writer.load(codes);
  return { level, path, walk: walk as unknown as Walk, load, object: handle, close };
}
