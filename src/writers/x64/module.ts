/**
 * The printer of x86-64: the functions of a kernel as one piece of position-independent code, with its constants behind.
 * It begins with `run`, whose arguments are on the stack, 8 bytes each; r15 holds the address of the memory.
 */
import { BackendError, sentenceOf } from '../../core/errors.js';
import type { WrittenFunction } from '../wasm/binary.js';
import { Code } from './encoder.js';
import { Pool, type X64Level } from './frame.js';
import { FunctionPrinter } from './function.js';

export type X64Function = WrittenFunction;

/**
 * Prints the functions of a kernel, of which `run` is the exported one.
 *
 * @param onSpilled is told how many variables of a function that are vectors live on the stack, if any do
 */
export function printX64(
  functions: readonly X64Function[],
  level: X64Level,
  onSpilled?: (vectors: number) => void,
): Uint8Array<ArrayBuffer> {
  const code = new Code();
  const pool = new Pool();
  code.byte(0xe9);
  code.word(0);
  const entries = functions.map((body) => {
    try {
      const { entry, spilledVectors } = new FunctionPrinter(body, code, pool, level).print();
      if (spilledVectors > 0) onSpilled?.(spilledVectors);
      return entry;
    } catch (cause) {
      throw new BackendError(`x64: ${body.name} cannot be written: ${sentenceOf(cause)}`, { cause });
    }
  });
  const run = functions.findIndex(({ exported }) => exported);
  code.patch({ at: 1, from: 5 }, entries[run]!);
  for (const call of code.calls) code.patch(call, entries[call.to]!);
  while (code.length % 64 !== 0) code.byte(0xcc);
  for (const constant of code.constants) code.patch(constant, code.length + constant.to);
  for (const word of pool.words) code.word(word);
  return code.finish();
}

/**
 * A function for C, `walk(int32)`: calls what stands at an address of the memory, a list of calls that ends with zeros:
 *
 *     [address of the function: 8 bytes] [number of arguments: 4] [4 unused] [arguments, 4 bytes each, padded to 8]
 *
 * @param memory the address of the memory's byte 0
 */
export function printWalker(memory: bigint): Uint8Array<ArrayBuffer> {
  const code = new Code();
  const bytes = (...values: number[]) => {
    for (const value of values) code.byte(value);
  };
  const [rbx, r12, r13, r15] = [3, 12, 13, 15];
  const saved = [rbx, 5, r12, r13, 14, r15];
  for (const register of saved) code.stack(0x50, register);
  // mov r15, memory; rbx = r15 + edi
  bytes(0x49, 0xbf);
  code.word(Number(BigInt.asIntN(32, memory)));
  code.word(Number(BigInt.asIntN(32, memory >> 32n)));
  code.integer([0x8b], rbx, 7);
  code.integer([0x01], r15, rbx, { wide: true });
  code.integer([0x8b], r13, 4, { wide: true }); // rsp
  const [again, done, pushed, push] = [code.target(), code.target(), code.target(), code.target()];
  code.place(again);
  code.integer([0x8b], 0, { base: rbx, displacement: 0 }, { wide: true });
  code.integer([0x85], 0, 0, { wide: true });
  code.jump(done, 4);
  // the arguments, the last first
  code.integer([0x8b], 1, { base: rbx, displacement: 8 });
  code.integer([0x8d], r12, { base: rbx, index: 1, scale: 4, displacement: 16 + 7 }, { wide: true });
  code.withConstant(4, r12, -8, true);
  code.place(push);
  code.integer([0x85], 1, 1);
  code.jump(pushed, 4);
  code.integer([0x8b], 2, { base: rbx, index: 1, scale: 4, displacement: 12 });
  code.stack(0x50, 2);
  code.withConstant(5, 1, 1);
  code.jump(push);
  code.place(pushed);
  code.integer([0xff], 2, 0); // call rax
  code.integer([0x8b], 4, r13, { wide: true });
  code.integer([0x8b], rbx, r12, { wide: true });
  code.jump(again);
  code.place(done);
  bytes(0xc5, 0xf8, 0x77); // vzeroupper
  for (const register of saved.toReversed()) code.stack(0x58, register);
  bytes(0xc3);
  return code.finish();
}

/**
 * A function for C, `query(int32) → int32`: what CPUID says of a leaf (the low byte), in register eax, ebx, ecx or edx (the
 * next, 0 to 3), or 0x400: what the system saves of the registers (XCR0).
 */
export function printQuery(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0x53, 0x31, 0xc9], // push rbx; xor ecx, ecx
    ...[0x81, 0xff, 0x00, 0x04, 0x00, 0x00, 0x73, 0x1a], // cmp edi, 0x400; jae the end
    ...[0x40, 0x0f, 0xb6, 0xc7, 0x0f, 0xa2, 0xc1, 0xef, 0x08], // movzx eax, dil; cpuid; shr edi, 8
    ...[0x83, 0xff, 0x01, 0x0f, 0x44, 0xc3], // cmp edi, 1; cmove eax, ebx
    ...[0xff, 0xcf, 0xff, 0xcf, 0x0f, 0x44, 0xc1], // dec edi twice; cmove eax, ecx
    ...[0xff, 0xcf, 0xeb, 0x05], // dec edi; jmp behind
    ...[0x0f, 0x01, 0xd0, 0x5b, 0xc3], // xgetbv; pop rbx; ret
    ...[0x0f, 0x44, 0xc2, 0x5b, 0xc3], // cmove eax, edx; pop rbx; ret
  ]);
}
