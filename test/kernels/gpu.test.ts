import * as assert from 'uvu/assert';
import { type GpuOperand, gpuSourceOf, gpuStagesOf } from '../../kernels/gpu.js';
import { tableOf } from '../../kernels/toolkit/gpu/kernel.js';
import { HostDevice } from '../../src/backends/gpu/hostDevice.js';
import { hostModes } from '../../src/backends/gpu/modes.js';
import { openMode } from '../../src/backends/gpu/open.js';
import { BackendError } from '../../src/core/errors.js';
import { call, constantOf, input } from '../../src/core/expression.js';
import type { Shape } from '../../src/core/shape.js';
import { broadcastView, contiguousView, sliceView, transposeView, type View } from '../../src/core/view.js';
import { provideTestDisplay } from '../support/display.js';
import { kernelCases } from '../support/kernelCases.js';
import { reasonOf } from '../support/runCase.js';
import { suite } from '../support/suite.js';
import { provideTestWebGpu } from '../support/webgpu.js';
import { checkCase, reasonAgainst } from './gpuCases.js';

// gpu.js looks for a display once, when it first opens anything
await provideTestDisplay();
const noWebGpu = await provideTestWebGpu();
const webGpu = noWebGpu === undefined ? await openMode('webgpu') : noWebGpu;
const headlessGl = await openMode('headlessgl').catch(reasonOf);

for (const [mode, device] of [
  ...hostModes.map((mode) => [mode, new HostDevice(mode)] as const),
  ['webgpu', webGpu] as const,
  ['headlessgl', headlessGl] as const,
]) {
  suite(`kernels/gpu in gpu.js's mode ${mode}`, (test) => {
    if (typeof device === 'string') {
      test.unavailable('every case', device);
      return;
    }
    test.after(() => device.close());

    for (const kernelCase of kernelCases) {
      if (device.adapter !== undefined && kernelCase.extreme) {
        test.unavailable(kernelCase.name, 'drivers need not keep NaN and infinities');
        continue;
      }
      const reason = reasonAgainst(kernelCase);
      if (reason !== undefined) test.unavailable(kernelCase.name, reason);
      else test(kernelCase.name, () => checkCase(device, kernelCase));
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

  test('a convolution with a route or a pool is refused', () => {
    const layout = { dtype: 'float32', ...whole([1, 2, 2, 1]) } as const;
    const padding = { top: 0, bottom: 0, left: 0, right: 0 };
    const window = { window: [2, 2], strides: [2, 2], padding } as const;
    const inputs = [operand(layout, 4), operand(layout, 4)];
    const own = { strides: [1, 1], padding } as const;
    const message = (told: string) => (error: unknown) =>
      error instanceof BackendError &&
      error.message === `${told}\n  A backend with limits.absorbs left out is not asked for one.`;
    const pooled = { ...own, pool: { ...window, outputs: ['values'] } } as const;
    assert.throws(
      () => gpuStagesOf('conv2d', { specification: pooled, inputs, outputs: [layout] }, 'none'),
      message('conv2d: gpu.js kernels take no pool'),
    );
    const routed = { ...own, route: window };
    assert.throws(
      () => gpuStagesOf('conv2dInputGradient', { specification: routed, inputs, outputs: [layout] }, 'none'),
      message('conv2dInputGradient: gpu.js kernels take no route'),
    );
  });
});
