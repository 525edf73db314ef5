/**
 * Machine code in the process: a shared object in memory without a name in any folder (memfd_create), which nobody can
 * write any more (it is sealed) before it is opened for execution.
 */
import { BackendError } from '../../../core/errors.js';
import { sharedObject } from '../../../writers/x64/elf.js';
import type { ForeignFunctions } from './ffi.js';

const closeOnExec = 1;
const allowSealing = 2;
/** Linux 6.3 and newer want to be told; older ones refuse what they do not know. */
const executable = 0x10;
const addSeals = 1033;
/** No more seals, no other size, no writing. */
const allSeals = 0xf;

/**
 * dlopen takes a name that it has seen for the same object, even when the file behind it is another by now; so every file
 * has a name of its own: its inode in slashes (0) and dots (1).
 */
function pathOf(file: number, inode: number): string {
  const bits = [...inode.toString(2)].map((bit) => (bit === '0' ? '/' : '/.'));
  return `/proc/self/fd${bits.join('')}/${file}`;
}

/** Kernels in the process. */
export interface Loaded {
  readonly addresses: readonly bigint[];
  readonly object: unknown;
}

/** Writes shared objects; files stay open, so that workers can open them too. */
export class ObjectWriter {
  private readonly library;

  constructor(private readonly foreign: ForeignFunctions) {
    this.library = foreign.open(null, {
      memfd_create: { parameters: ['pointer', 'int32'], result: 'int32' },
      close: { parameters: ['int32'], result: 'int32' },
      fcntl: { parameters: ['int32', 'int32', 'int32'], result: 'int32' },
    });
  }

  /** A path at which the object can be opened by this process. */
  write(code: Uint8Array, exported: Readonly<Record<string, number>>): { path: string; file: number } {
    const name = new TextEncoder().encode('quern\0');
    const flags = closeOnExec | allowSealing;
    const create = (more: number) => {
      const { memfd_create } = this.library.functions;
      const argument = this.foreign.engine === 'Node' ? this.foreign.addressOf(name.buffer) : name;
      return Number(memfd_create(argument, flags | more));
    };
    let file = create(executable);
    if (file < 0) file = create(0);
    if (file < 0) throw new BackendError('native: the system gives no file in memory (memfd_create)');
    // by path, since Deno's files have other numbers than the system's
    const fs = process.getBuiltinModule('node:fs');
    const path = `/proc/self/fd/${file}`;
    fs.writeFileSync(path, sharedObject(code, exported));
    if (Number(this.library.functions.fcntl(file, addSeals, allSeals)) !== 0) {
      throw new BackendError('native: the system does not seal a file in memory (F_ADD_SEALS)');
    }
    return { path: pathOf(file, fs.statSync(path).ino), file };
  }

  close(file: number): void {
    this.library.functions.close(file);
  }

  /** Loads kernels, one behind the other, and gives their addresses, good for as long as `object` is referred to. */
  load(codes: readonly Uint8Array[]): Loaded {
    const offsets: number[] = [];
    let size = 0;
    for (const code of codes) {
      offsets.push(size);
      size += Math.ceil(code.length / 64) * 64;
    }
    // lea rax, [rip - size - 7]; ret
    const text = new Uint8Array(size + 8);
    for (const [index, code] of codes.entries()) text.set(code, offsets[index]!);
    text.set([0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xc3], size);
    new DataView(text.buffer).setInt32(size + 3, -size - 7, true);
    const { path, file } = this.write(text, { where: size });
    const { handle, functions } = this.foreign.open(path, {
      where: { parameters: [], result: 'uint64' },
    });
    this.close(file);
    const base = BigInt(functions.where());
    return { addresses: offsets.map((offset) => base + BigInt(offset)), object: handle };
  }
}
