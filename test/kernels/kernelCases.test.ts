import * as assert from 'uvu/assert';
import { contracts, type KernelKind } from '../../kernels/kinds.js';
import type { Storage } from '../../kernels/reference.js';
import { type PointwiseFunction, pointwiseFunctions, walk } from '../../src/core/expression.js';
import { sizeOf } from '../../src/core/shape.js';
import { expressionsOf } from '../support/kernelCases/builders.js';
import {
  buffersOf,
  casesOf,
  compareArrays,
  type KernelCase,
  kernelCases,
  runReferenceCase,
  runReferenceKernel,
  toleranceOf,
} from '../support/kernelCases.js';
import { suite } from '../support/suite.js';
import { runNaively } from './naive.js';

const doubled = (buffer: Storage): Storage =>
  buffer instanceof Float32Array ? Float64Array.from(buffer) : buffer;

/** The outputs with float32 tensors stored as Float64Array. */
function runInDouble(kernelCase: KernelCase): Storage[] {
  const buffers = buffersOf(kernelCase).map(doubled);
  const outputs = kernelCase.call.outputs.map(({ dtype, shape }, output) => {
    const aliased = kernelCase.inPlace.find(([o]) => o === output);
    if (aliased !== undefined) return buffers[aliased[1]]!;
    const constructors = { float32: Float64Array, int32: Int32Array, uint8: Uint8Array };
    return new constructors[dtype](sizeOf(shape));
  });
  runReferenceKernel(kernelCase, buffers, outputs);
  return outputs;
}

suite('reference kernels against second definitions', (test) => {
  for (const kind of Object.keys(contracts) as KernelKind[]) {
    test(`${kind}: ${casesOf(kind).length} cases, stored in float32 and in float64`, () => {
      for (const kernelCase of casesOf(kind) as readonly KernelCase[]) {
        const expected = runNaively(kernelCase, buffersOf(kernelCase));
        const single = runReferenceCase(kernelCase);
        const double = runInDouble(kernelCase);
        for (const [o, { dtype }] of kernelCase.call.outputs.entries()) {
          try {
            if (dtype === 'float32') {
              compareArrays(double[o]!, expected[o]!, { absolute: 1e-12, relative: 1e-12 });
              // what is stored before an epilogue has been rounded at its own size, up to 1 here
              const fused = 'epilogue' in kernelCase.call.specification;
              compareArrays(single[o]!, Float32Array.from(expected[o]!), {
                absolute: fused ? 6e-8 : 1e-12,
                relative: 1.2e-7,
              });
            } else {
              const stored = dtype === 'uint8' ? Uint8Array.from(expected[o]!) : expected[o]!;
              compareArrays(double[o]!, stored);
              compareArrays(single[o]!, stored);
            }
          } catch (error) {
            throw new Error(`${kernelCase.name}, output ${o}: ${(error as Error).message}`);
          }
        }
      }
    });
  }
});

suite('the table of kernel cases', (test) => {
  test('covers every kind, under names of their own', () => {
    for (const kind of Object.keys(contracts) as KernelKind[]) assert.ok(casesOf(kind).length >= 5, kind);
    assert.is(new Set(kernelCases.map(({ name }) => name)).size, kernelCases.length);
  });

  test('covers every pointwise function', () => {
    const seen = new Set<PointwiseFunction>();
    for (const { call } of kernelCases) {
      for (const expression of expressionsOf(call.specification)) {
        walk(expression, (part) => {
          if (part.type === 'call') seen.add(part.function);
        });
      }
    }
    assert.equal([...seen].sort(), Object.keys(pointwiseFunctions).sort());
  });

  test('gives the same data every time, and poison outside the views', () => {
    const sliced = kernelCases.find(({ name }) => name === 'map: a slice with an offset')!;
    const [first] = buffersOf(sliced);
    compareArrays(buffersOf(sliced)[0]!, first!);
    assert.is(first!.filter(Number.isNaN).length, 9 * 10 - 6 * 5);
  });

  test('asks for exact integers', () => {
    const counted = kernelCases.find(({ name }) => name === 'reduce: argMax [13,10] over [0]')!;
    assert.equal(toleranceOf(counted, 0), { absolute: 0, relative: 0 });
    const summed = kernelCases.find(({ name }) => name === 'reduce: sum [13,10] over [0]')!;
    assert.ok(toleranceOf(summed, 0).absolute > 0);
  });
});

suite('compareArrays', (test) => {
  test('takes equal, near, infinite and NaN elements', () => {
    compareArrays([0, -0, Number.NaN, Infinity, -Infinity], [-0, 0, Number.NaN, Infinity, -Infinity]);
    compareArrays([1.05, 100.9, 0.1], [1, 100, 0], { absolute: 0.1, relative: 0.01 });
  });

  test('refuses what lies outside the tolerance, and names the first', () => {
    assert.throws(
      () => compareArrays([1, 2, 3.5, 5], [1, 2, 3, 4], { absolute: 0.25, relative: 0 }),
      (error: Error) =>
        error.message === 'element 2 is 3.5 instead of 3 (within 0.25 + 0 · |x|); 2 of 4 differ',
    );
  });

  test('refuses NaN for a number, a number for NaN or an infinity, another length', () => {
    assert.throws(() => compareArrays([Number.NaN], [0], { absolute: 9, relative: 9 }), /element 0 is NaN/);
    assert.throws(() => compareArrays([0], [Number.NaN], { absolute: 9, relative: 9 }), /instead of NaN/);
    assert.throws(
      () => compareArrays([1e30], [Infinity], { absolute: 9, relative: 9 }),
      /instead of Infinity/,
    );
    assert.throws(() => compareArrays([1, 2], [1]), /2 elements instead of 1/);
  });
});
