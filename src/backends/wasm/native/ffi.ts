/** Functions of other languages, as the engine at hand calls them: Node 26 (node:ffi), Deno, Bun. One small face each. */
import { BackendError } from '../../../core/errors.js';

/** The types that are used; an int64 is a bigint. */
type ForeignType = 'int32' | 'uint64' | 'pointer';

interface Signature {
  readonly parameters: readonly ForeignType[];
  readonly result: ForeignType | 'void';
}

type Value = number | bigint;
type ForeignFunction = (...values: (Value | Uint8Array)[]) => Value;

/** Functions of a library. */
export interface Library<N extends string = string> {
  readonly functions: Record<N, ForeignFunction>;
  /** Keeps it open: Node closes a library that nobody refers to, whatever refers to its functions. */
  readonly handle: unknown;
}

export interface ForeignFunctions {
  /** Node, Deno or Bun. */
  readonly engine: string;
  /** Opens a library, null being the process itself. */
  open<N extends string>(path: string | null, signatures: Readonly<Record<N, Signature>>): Library<N>;
  /** The address of a buffer's first byte. */
  addressOf(buffer: ArrayBufferLike): bigint;
}

/** Those of node:ffi that are used. */
interface NodeForeign {
  dlopen(
    path: string | null,
    definitions: Record<string, { arguments: readonly string[]; return: string }>,
  ): { lib: unknown; functions: Record<string, ForeignFunction> };
  getRawPointer(buffer: ArrayBufferLike): bigint;
}
interface DenoForeign {
  dlopen(
    path: string,
    definitions: Record<string, { parameters: readonly string[]; result: string }>,
  ): { symbols: Record<string, ForeignFunction> };
  UnsafePointer: { of(buffer: Uint8Array): unknown; value(pointer: unknown): bigint | number };
}
interface BunForeign {
  dlopen(
    path: string,
    definitions: Record<string, { args: readonly string[]; returns: string }>,
  ): { symbols: Record<string, ForeignFunction> };
  ptr(view: Uint8Array): number;
}

function map<N extends string, T>(
  signatures: Readonly<Record<N, Signature>>,
  make: (signature: Signature) => T,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries<Signature>(signatures).map(([name, signature]) => [name, make(signature)]),
  );
}

/** The process's own C library, where an engine wants a name for it. */
const libraryName = 'libc.so.6';

function ofNode(ffi: NodeForeign): ForeignFunctions {
  return {
    engine: 'Node',
    open(path, signatures) {
      const definitions = map(signatures, ({ parameters, result }) => ({
        arguments: parameters,
        return: result,
      }));
      const { lib, functions } = ffi.dlopen(path, definitions);
      return { handle: lib, functions };
    },
    addressOf: (buffer) => ffi.getRawPointer(buffer),
  };
}

function ofDeno(deno: DenoForeign): ForeignFunctions {
  return {
    engine: 'Deno',
    open(path, signatures) {
      const type = (name: string) =>
        name === 'int32' ? 'i32' : name === 'uint64' ? 'u64' : name === 'pointer' ? 'buffer' : name;
      const library = deno.dlopen(
        path ?? libraryName,
        map(signatures, ({ parameters, result }) => ({
          parameters: parameters.map(type),
          result: type(result),
        })),
      );
      return { handle: library, functions: library.symbols };
    },
    addressOf: (buffer) => BigInt(deno.UnsafePointer.value(deno.UnsafePointer.of(new Uint8Array(buffer)))),
  };
}

function ofBun(bun: BunForeign): ForeignFunctions {
  return {
    engine: 'Bun',
    open(path, signatures) {
      const type = (name: string) => (name === 'int32' ? 'i32' : name === 'uint64' ? 'u64' : name);
      const library = bun.dlopen(
        path ?? libraryName,
        map(signatures, ({ parameters, result }) => ({ args: parameters.map(type), returns: type(result) })),
      );
      return { handle: library, functions: library.symbols };
    },
    addressOf: (buffer) => BigInt(bun.ptr(new Uint8Array(buffer))),
  };
}

/** Loads node:ffi without its one warning that it is experimental; other warnings are as they were. */
function silently<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).startsWith('FFI is an experimental')) {
      Reflect.apply(emitWarning, process, [warning, ...rest]);
    }
  };
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Those of this engine. Throws a BackendError that says what it lacks. */
export function foreignFunctions(): ForeignFunctions {
  const globals = globalThis as { Deno?: DenoForeign; Bun?: object };
  if (globals.Deno !== undefined) {
    if (typeof globals.Deno.dlopen !== 'function') {
      throw new BackendError('native: Deno has no foreign functions here: --allow-all is not set');
    }
    return ofDeno(globals.Deno);
  }
  if (globals.Bun !== undefined) {
    const { createRequire } = process.getBuiltinModule('node:module');
    return ofBun(createRequire(import.meta.url)('bun:ffi') as BunForeign);
  }
  const ffi = silently(
    () => process.getBuiltinModule('node:ffi' as 'node:fs') as unknown as NodeForeign | undefined,
  );
  if (typeof ffi?.dlopen !== 'function') {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    const able = major > 26 || (major === 26 && minor >= 12);
    throw new BackendError(
      `native: Node ${process.versions.node} has no node:ffi: ${able ? 'it is switched off (--no-experimental-ffi)' : 'Node 26.12 or newer has it'}`,
    );
  }
  return ofNode(ffi);
}
