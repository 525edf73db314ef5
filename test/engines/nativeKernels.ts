/**
 * Every kernel case as machine code beside WebAssembly, in several ranges of units, then with every operand between two
 * pages that nobody may touch. Runs as a process of its own, in an engine with foreign functions; a read or write
 * outside ends it. Prints what came of it as one line of JSON.
 *
 *     node dist/test/engines/nativeKernels.js avx512 16 [first seed, default 0] [random cases, default 135]
 *
 * Random cases are those of odd shapes and strides; with a first seed they are all there is.
 */
import { wasmKernels } from '../../kernels/wasm.js';
import type { HostArray } from '../../src/core/dtype.js';
import type { X64Level } from '../../src/writers/x64/frame.js';
import { runGuarded } from '../kernels/guardedSupport.js';
import { NativeCases } from '../kernels/nativeSupport.js';
import { compileCase, runWasmCase } from '../kernels/wasmSupport.js';
import { zeroCases } from '../support/kernelCases/zeros.js';
import { kernelCases, randomCase } from '../support/kernelCases.js';

export interface NativeFindings {
  readonly engine: string;
  /** The widest that this processor has. */
  readonly level: X64Level;
  readonly cases: number;
  /** Names of cases that give other bytes, or do not compile. */
  readonly different: readonly string[];
}

const [, , level = 'avx2', lanes = '8', first, count = '135'] = process.argv;
const native = NativeCases.open();
const machine = { level: level as X64Level, lanes: Number(lanes) };

const sameBytes = (a: readonly HostArray[], b: readonly HostArray[]) =>
  a.every((one, i) => {
    const [x, y] = [one, b[i]!].map(
      (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    );
    return Buffer.compare(x!, y!) === 0;
  });

/** What is wrong with a case, if anything. */
function check(kernelCase: (typeof kernelCases)[number]): string | undefined {
  const plain = compileCase(wasmKernels, kernelCase, { simd: 'relaxed', shared: true });
  const expected = runWasmCase(plain, kernelCase);
  const code = native.compile(wasmKernels, kernelCase, machine);
  for (const ranges of [1, 3])
    if (!sameBytes(runWasmCase(code, kernelCase, ranges), expected)) return `other bytes in ${ranges} ranges`;
  if (!sameBytes(runGuarded(native, code, kernelCase), expected)) return 'other bytes between guard pages';
  return undefined;
}

const randomCases = Array.from({ length: Number(count) }, (_, index) =>
  randomCase(Number(first ?? 0) + index),
);
const cases = first === undefined ? [...kernelCases, ...zeroCases, ...randomCases] : randomCases;
const different = cases.flatMap((kernelCase) => {
  try {
    const wrong = check(kernelCase);
    return wrong === undefined ? [] : [`${kernelCase.name}: ${wrong}`];
  } catch (error) {
    return [`${kernelCase.name}: ${error}`];
  }
});
const engine = process.version;
const findings = { engine, level: native.machine.level, cases: cases.length, different };
console.log(JSON.stringify(findings satisfies NativeFindings));
