/**
 * The contract suite of the kernels: every backend runs these cases and compares with `runReferenceCase`, which the
 * tests under test/kernels hold against independent definitions. For each case a backend
 *
 * - puts `buffersOf(kernelCase)[i]` into memory for input i and looks at it through `operands[i].view`,
 * - compiles `kernelCase.call` and runs it (`inPlace` outputs start as the memory of their input; they lie there whole),
 * - compares each output with `compareArrays(actual, expected[o], toleranceOf(kernelCase, o))`.
 */
import ndarray from 'ndarray';
import type { KernelKind, Specifications } from '../../kernels/kinds.js';
import { type ReferenceKernel, referenceKernels, type Storage } from '../../kernels/reference.js';
import { allocateHost, type HostArray } from '../../src/core/dtype.js';
import { sizeOf } from '../../src/core/shape.js';
import { buffersOf, type CaseOf, type KernelCase } from './kernelCases/builders.js';
import type { Tolerance } from './kernelCases/compare.js';
import { mapCases } from './kernelCases/map.js';
import { matmulCases } from './kernelCases/matmul.js';
import { reduceCases } from './kernelCases/reduce.js';
import { rowCases } from './kernelCases/rows.js';
import { windowCases } from './kernelCases/windows.js';

export { buffersOf, type CaseOf, type CaseOperand, type KernelCase } from './kernelCases/builders.js';
export { compareArrays, type Tolerance } from './kernelCases/compare.js';
export { randomCase } from './kernelCases/random.js';

export const kernelCases: readonly KernelCase[] = [
  ...mapCases,
  ...reduceCases,
  ...matmulCases,
  ...windowCases,
  ...rowCases,
];

/** The cases of one kind. */
export function casesOf<K extends KernelKind>(kind: K): readonly CaseOf<K>[] {
  return kernelCases.filter((kernelCase) => kernelCase.kind === kind) as unknown as readonly CaseOf<K>[];
}

/** What output `index` is compared with: integers exactly. */
export function toleranceOf(kernelCase: KernelCase, index: number): Tolerance {
  const { dtype } = kernelCase.call.outputs[index]!;
  return dtype === 'float32' ? kernelCase.tolerance : { absolute: 0, relative: 0 };
}

/** The outputs by the reference kernels, in the order of the call. */
export function runReferenceCase(kernelCase: KernelCase): HostArray[] {
  const buffers = buffersOf(kernelCase);
  const outputs = kernelCase.call.outputs.map(({ dtype, shape }, output) => {
    const aliased = kernelCase.inPlace.find(([o]) => o === output);
    return aliased === undefined ? allocateHost(dtype, sizeOf(shape)) : buffers[aliased[1]]!;
  });
  runReferenceKernel(kernelCase, buffers, outputs);
  return outputs;
}

/** Runs the reference kernel of a case on the given buffers, which may be Float64Array for float32. */
export function runReferenceKernel<K extends KernelKind>(
  { kind, call, operands }: CaseOf<K>,
  buffers: readonly Storage[],
  outputs: readonly Storage[],
): void {
  const kernel = referenceKernels[kind] as ReferenceKernel<Specifications[K]>;
  kernel(
    call,
    operands.map(({ view: { shape, strides, offset } }, i) =>
      ndarray(buffers[i]!, [...shape], [...strides], offset),
    ),
    call.outputs.map(({ shape }, o) => ndarray(outputs[o]!, [...shape])),
  );
}
