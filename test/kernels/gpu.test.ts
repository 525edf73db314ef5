import * as assert from 'uvu/assert';
import { type GpuOperand, gpuKernels, gpuSourceOf } from '../../kernels/gpu.js';
import { exactIntegers, tableOf } from '../../kernels/gpuKernel.js';
import { GpuDevice, gpuModes } from '../../src/backends/gpu/device.js';
import { compileCall } from '../../src/backends/gpu/prepare.js';
import { toHost } from '../../src/backends/gpu/values.js';
import { BackendError } from '../../src/core/errors.js';
import { call, constantOf, input } from '../../src/core/expression.js';
import type { Shape } from '../../src/core/shape.js';
import { broadcastView, contiguousView, sliceView, transposeView, type View } from '../../src/core/view.js';
import { forEachIndex } from '../support/kernelCases/builders.js';
import {
  buffersOf,
  type CaseOf,
  compareArrays,
  type KernelCase,
  kernelCases,
  runReferenceCase,
  toleranceOf,
} from '../support/kernelCases.js';
import { suite } from '../support/suite.js';

/** The calls with one output each that make up a case: one per result. */
function singleOutputs(kernelCase: KernelCase): CaseOf<KernelCase['kind']>['call'][] {
  const { call } = kernelCase;
  if (call.outputs.length === 1) return [call];
  return call.outputs.map((output, o) => {
    const specification =
      kernelCase.kind === 'map'
        ? { expressions: [kernelCase.call.specification.expressions[o]!] }
        : kernelCase.kind === 'softmaxCrossEntropy'
          ? { ...kernelCase.call.specification, outputs: [kernelCase.call.specification.outputs[o]!] }
          : call.specification;
    return { ...call, specification, outputs: [output] };
  });
}

/** Why gpu.js cannot run a case, if it cannot. */
function reasonAgainst(kernelCase: KernelCase): string | undefined {
  if (kernelCase.random && kernelCase.kind !== 'map') return 'random numbers are made on the host, in a map';
  // gather and scatterAdd only compare integers: far outside stays outside when it is rounded.
  if (kernelCase.kind === 'gather' || kernelCase.kind === 'scatterAdd') return undefined;
  const beyond = buffersOf(kernelCase).some((buffer, i) => {
    let found = false;
    if (buffer instanceof Int32Array) {
      forEachIndex(kernelCase.operands[i]!.view, (index) => {
        if (Math.abs(buffer[index]!) > exactIntegers) found = true;
      });
    }
    return found;
  });
  return beyond ? 'int32 beyond 2^24, which a float32 does not hold' : undefined;
}

for (const mode of gpuModes) {
  suite(`kernels/gpu in gpu.js's mode ${mode}`, (test) => {
    const device = new GpuDevice(mode);
    test.after(() => device.close());

    for (const kernelCase of kernelCases) {
      if (gpuKernels[kernelCase.kind] === undefined) continue;
      const reason = reasonAgainst(kernelCase);
      if (reason !== undefined) {
        test.unavailable(kernelCase.name, reason);
        continue;
      }
      test(kernelCase.name, () => {
        const expected = runReferenceCase(kernelCase);
        const buffers = buffersOf(kernelCase).map((buffer) => Float32Array.from(buffer));
        singleOutputs(kernelCase).forEach((call, o) => {
          const inputs = call.inputs.map((layout, i): GpuOperand => {
            const { view, size } = kernelCase.operands[i]!;
            return { ...layout, offset: view.offset, size };
          });
          const { run } = compileCall(device, kernelCase.kind, { ...call, inputs });
          const { dtype, shape } = call.outputs[0]!;
          const actual = toHost(run(buffers), dtype, contiguousView(shape));
          compareArrays(actual, expected[o]!, toleranceOf(kernelCase, o));
        });
      });
    }
  });
}

suite('kernels/gpu: texts', (test) => {
  const operand = (view: View, size: number): GpuOperand => ({ dtype: 'float32', ...view, size });
  const whole = (shape: Shape) => contiguousView(shape);

  test('a matrix product with a bias, turned operands and an offset', () => {
    const a = operand(transposeView(whole([5, 4]), [1, 0]), 20);
    const b = operand({ ...whole([5, 3]), offset: 6 }, 21);
    const bias = operand(broadcastView(whole([3]), [4, 3]), 3);
    const relu = call('relu', call('add', input(0), input(1)));
    const source = gpuSourceOf('matmul', {
      specification: { epilogue: { expression: relu, operands: 1 } },
      inputs: [a, b, bias],
      outputs: [{ dtype: 'float32', shape: [4, 3], strides: [3, 1] }],
    });
    assert.equal(source, {
      source: `function matmul(x0, x1, x2) {
  let sum = 0;
  for (let k = 0; k < 5; k++) {
    sum += x0[k][this.thread.y] * x1[k + 2][this.thread.x];
  }
  const e0 = x2[0][this.thread.x];
  const e1 = sum + e0;
  const e2 = e1 < 0 ? 0 : e1;
  return e2;
}`,
      output: [3, 4],
      columns: [4, 3, 3],
    });
  });

  test('a map walks as few and as long rows as can be', () => {
    const double = call('multiply', input(0), constantOf(2));
    const text = (view: View, size: number, shape: Shape) =>
      gpuSourceOf('map', {
        specification: { expressions: [double] },
        inputs: [operand(view, size)],
        outputs: [{ dtype: 'float32', ...whole(shape) }],
      });
    assert.equal(text(whole([2, 3, 4]), 24, [2, 3, 4])!.output, [24, 1]);
    const permuted = transposeView(whole([2, 3, 4]), [1, 0, 2]);
    assert.equal(text(permuted, 24, [3, 2, 4]), {
      source: `function map(x0) {
  const outer1 = Math.floor((this.thread.y + 0.5) / 2);
  const index1 = this.thread.y - outer1 * 2;
  const t0 = x0[index1][outer1 * 4 + this.thread.x];
  const t1 = 2;
  const t2 = t0 * t1;
  return t2;
}`,
      output: [4, 6],
      columns: [12],
    });
  });

  test('tables have the widest rows along which every axis of the view moves', () => {
    const at = (view: View, size: number) => {
      const table = tableOf('x', view, size);
      return `${table.columns} ${table.at(view.shape.map((_, axis) => 'ijkl'[axis]!))}`;
    };
    assert.is(at(whole([5, 4]), 20), '4 x[i][j]');
    assert.is(at(whole([2, 3, 5, 4]), 120), '60 x[i][j * 20 + k * 4 + l]');
    assert.is(at(whole([]), 1), '1 x[0][0]');
    assert.is(at(whole([7]), 7), '7 x[0][i]');
    assert.is(at(whole([0, 4]), 0), '1 x[0][0]');
    assert.is(at(broadcastView(whole([4]), [5, 4]), 4), '4 x[0][j]');
    assert.is(at(sliceView(whole([6, 10]), [1, 2], [2, 3], [2, 3]), 60), '20 x[i][j * 3 + 12]');
    assert.is(at(sliceView(whole([6, 10]), [5, 9], [-1, -1], [6, 10]), 60), '10 x[i * -1 + 5][j * -1 + 9]');
    // The buffer is no whole number of rows, or the view crosses their ends: one row.
    assert.is(at(whole([5, 4]), 21), '21 x[0][i * 4 + j]');
    assert.is(at({ ...whole([4, 4]), offset: 2 }, 20), '20 x[0][i * 4 + j + 2]');
  });

  test('an index that float32 does not hold is refused', () => {
    const wide = 2 ** 24;
    assert.is(tableOf('x', contiguousView([47, wide - 1]), 47 * (wide - 1)).columns, wide - 1);
    assert.throws(
      () => tableOf('x', contiguousView([wide]), wide),
      (error: unknown) =>
        error instanceof BackendError &&
        error.message ===
          'gpu: a view with strides [1] needs a table of 1 rows by 16777216 columns, an index of 2^24 = 16777216 or more',
    );
  });

  test('rows that float32 cannot take apart are refused', () => {
    const view = transposeView(whole([2, 4096, 4096]), [2, 1, 0]);
    const layout = { dtype: 'float32', ...whole([4096, 4096, 2]) } as const;
    const specification = { expressions: [input(0)] };
    assert.throws(
      () => gpuSourceOf('map', { specification, inputs: [operand(view, 2 ** 25)], outputs: [layout] }),
      (error: unknown) =>
        error instanceof BackendError &&
        error.message === 'gpu: an output has 16777216 rows of axes [4096, 4096], more than 2^23 = 8388608',
    );
  });

  test('a kind without a kernel has no text', () => {
    const layout = { dtype: 'float32', ...whole([1, 1, 1, 1]) } as const;
    const padding = { top: 0, bottom: 0, left: 0, right: 0 };
    const specification = { strides: [1, 1], padding } as const;
    const inputs = [operand(layout, 1), operand(layout, 1)];
    assert.is(gpuSourceOf('conv2d', { specification, inputs, outputs: [layout] }), undefined);
  });
});
