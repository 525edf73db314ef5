/** Whether this place has foreign functions, and the one that workers call: without what prints machine code. */
import { BackendError } from '../../../core/errors.js';
import type { Walk } from '../table.js';
import { type ForeignFunctions, foreignFunctions, type Library } from './ffi.js';

/** Libraries that are never closed. */
const kept: Library[] = [];

/** Of the function that walks lists of calls. */
export const walkSignature = { parameters: ['int32'], result: 'void' } as const;

/** What decides whether a process can have machine code of ours. */
interface NativeHost {
  /** Undefined in browsers. */
  readonly platform: string | undefined;
  readonly arch: string;
  /** Whether Node's permission model, if it is on, allows foreign functions. */
  readonly allowed: boolean;
}

function hostHere(): NativeHost {
  if (typeof process === 'undefined' || process.getBuiltinModule === undefined)
    return { platform: undefined, arch: '', allowed: false };
  const { platform, arch, permission } = process;
  return { platform, arch, allowed: permission === undefined || permission.has('ffi' as 'fs') };
}

/** Throws a BackendError that says why a process cannot have machine code of ours. */
export function checkHost({ platform, arch, allowed }: NativeHost): void {
  if (platform === undefined) throw new BackendError('native: browsers have no foreign functions');
  if (platform !== 'linux' || arch !== 'x64') {
    throw new BackendError(
      `native: code is written for Linux on x64 processors: this is ${platform} on ${arch}`,
    );
  }
  if (!allowed) throw new BackendError("native: Node's permission model does not allow foreign functions");
}

/** What this place lacks, or its foreign functions. Throws a BackendError. */
export function foreignHere(): ForeignFunctions {
  checkHost(hostHere());
  return foreignFunctions();
}

/** Throws a BackendError that says what this place lacks, as far as that can be told without a memory. */
export function checkForeign(): void {
  foreignHere();
}

/** The function that walks lists of calls, for a worker, which has it as long as it lives. */
export function openWalk(path: string): Walk {
  const library = foreignFunctions().open(path, { walk: walkSignature });
  kept.push(library);
  return library.functions.walk as unknown as Walk;
}
