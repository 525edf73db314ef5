import * as assert from 'uvu/assert';
import type { Window } from '../../../kernels/maxPool/contract.js';
import { randomUniform } from '../../../src/core/random.js';
import { type Shape, sizeOf } from '../../../src/core/shape.js';
import { suite } from '../../support/suite.js';
import { dot, runKernel, type Written } from '../runKernel.js';

const none = { top: 0, bottom: 0, left: 0, right: 0 };
const one: readonly [number, number] = [1, 1];
const image = { shape: [1, 3, 3, 1], data: [1, 2, 3, 4, 5, 6, 7, 8, 9] };

suite('conv2d, worked by hand', (test) => {
  test('one channel, no padding: correlation, not convolution', () => {
    const w = { shape: [2, 2, 1, 1], data: [1, 0, 0, 10] };
    const specification = { strides: one, padding: none };
    assert.equal(runKernel('conv2d', specification, [image, w], [{ shape: [1, 2, 2, 1] }]), [
      [51, 62, 84, 95],
    ]);
  });

  test('padding counts as 0, strides skip', () => {
    const w = { shape: [3, 3, 1, 1], data: [1, 1, 1, 1, 1, 1, 1, 1, 1] };
    const specification = { strides: [2, 2] as const, padding: { top: 1, bottom: 1, left: 1, right: 1 } };
    assert.equal(runKernel('conv2d', specification, [image, w], [{ shape: [1, 2, 2, 1] }]), [
      [12, 16, 24, 28],
    ]);
  });

  test('channels in and out', () => {
    const x = { shape: [1, 1, 1, 2], data: [2, 3] };
    const w = { shape: [1, 1, 2, 3], data: [1, 2, 3, 10, 20, 30] };
    const specification = { strides: one, padding: none };
    assert.equal(runKernel('conv2d', specification, [x, w], [{ shape: [1, 1, 1, 3] }]), [[32, 64, 96]]);
  });

  test('the gradient of the input spreads each dy over the filter', () => {
    const dy = { shape: [1, 2, 2, 1], data: [1, 0, 0, 2] };
    const w = { shape: [2, 2, 1, 1], data: [1, 2, 3, 4] };
    const specification = { strides: one, padding: none };
    const [dx] = runKernel('conv2dInputGradient', specification, [dy, w], [{ shape: image.shape }]);
    assert.equal(dx, [1, 2, 0, 3, 6, 4, 0, 6, 8]);
  });

  test('the gradient of the filter is the image seen through dy', () => {
    const dy = { shape: [1, 2, 2, 1], data: [1, 0, 0, 2] };
    const specification = { strides: one, padding: none };
    const [dw] = runKernel('conv2dFilterGradient', specification, [image, dy], [{ shape: [2, 2, 1, 1] }]);
    assert.equal(dw, [11, 14, 20, 23]);
  });
});

const halves: Window = { window: [2, 2], strides: [2, 2], padding: none };
const steps: Window = { window: [2, 2], strides: [1, 1], padding: none };
const same: Window = { window: [2, 2], strides: [2, 2], padding: { top: 0, bottom: 1, left: 0, right: 1 } };

suite('pools, worked by hand', (test) => {
  const both = ['values', 'indices'] as const;
  const pair = (shape: Shape) => [{ shape }, { shape, dtype: 'uint8' as const }];

  test('maxPool: values and row-major positions', () => {
    const outputs = runKernel('maxPool', { ...steps, outputs: both }, [image], pair([1, 2, 2, 1]));
    assert.equal(outputs, [
      [5, 6, 8, 9],
      [3, 3, 3, 3],
    ]);
    const falling = { shape: [1, 2, 2, 2], data: [4, 1, 3, 2, 2, 3, 1, 4] };
    const channels = runKernel('maxPool', { ...halves, outputs: both }, [falling], pair([1, 1, 1, 2]));
    assert.equal(channels, [
      [4, 4],
      [0, 3],
    ]);
  });

  test('maxPool: ties to the first, padding never wins, a NaN wins', () => {
    const first = (data: number[]) =>
      runKernel('maxPool', { ...halves, outputs: both }, [{ shape: [1, 2, 2, 1], data }], pair([1, 1, 1, 1]));
    assert.equal(first([2, 7, 7, 7]), [[7], [1]]);
    assert.equal(first([-Infinity, -Infinity, -Infinity, -Infinity]), [[-Infinity], [0]]);
    assert.equal(first([1, Number.NaN, 9, Number.NaN])[1], [1]);
    const padded = runKernel(
      'maxPool',
      { window: [2, 2], strides: [2, 2], padding: { top: 1, bottom: 0, left: 1, right: 0 }, outputs: both },
      [{ shape: [1, 1, 1, 1], data: [-5] }],
      pair([1, 1, 1, 1]),
    );
    assert.equal(padded, [[-5], [3]]);
  });

  test('maxPoolTake and maxPoolGradient follow the positions; one in the padding reads 0 and receives nothing', () => {
    const indices = { shape: [1, 2, 2, 1], data: [3, 0, 1, 3], dtype: 'uint8' } as const;
    assert.equal(runKernel('maxPoolTake', same, [image, indices], [{ shape: [1, 2, 2, 1] }]), [[5, 3, 8, 0]]);
    const dy = { shape: [1, 2, 2, 1], data: [1, 2, 3, 4] };
    assert.equal(runKernel('maxPoolGradient', same, [dy, indices], [{ shape: image.shape }]), [
      [0, 0, 2, 0, 1, 0, 0, 3, 0],
    ]);
  });

  test('maxPoolGradient adds where windows overlap', () => {
    const indices = { shape: [1, 2, 2, 1], data: [3, 2, 1, 0], dtype: 'uint8' } as const;
    const dy = { shape: [1, 2, 2, 1], data: [1, 2, 3, 4] };
    assert.equal(runKernel('maxPoolGradient', steps, [dy, indices], [{ shape: image.shape }]), [
      [0, 0, 0, 0, 10, 0, 0, 0, 0],
    ]);
  });

  test('averagePool counts the pixels inside the image', () => {
    assert.equal(runKernel('averagePool', same, [image], [{ shape: [1, 2, 2, 1] }]), [[3, 4.5, 7.5, 9]]);
    const dy = { shape: [1, 2, 2, 1], data: [4, 2, 6, 5] };
    assert.equal(runKernel('averagePoolGradient', same, [dy], [{ shape: image.shape }]), [
      [1, 1, 1, 1, 1, 1, 3, 3, 5],
    ]);
  });
});

/** A different sequence of numbers in (−1, 1) for every key. */
function values(size: number, key: number): number[] {
  return Array.from({ length: size }, (_, i) => 2 * randomUniform(i, key, 0) - 1);
}

interface Drawn {
  readonly window: Window;
  readonly images: Shape;
  readonly grid: readonly [number, number];
  readonly filters: number;
}

/** Geometries of every kind: windows wider than strides and the other way round, padding on any side. */
function drawn(count: number): Drawn[] {
  const whole = (low: number, high: number, i: number, what: number) =>
    low + Math.floor((high - low + 1) * randomUniform(i, 5, what));
  return Array.from({ length: count }, (_, i) => {
    const window = [whole(1, 4, i, 0), whole(1, 3, i, 1)] as const;
    const strides = [whole(1, 3, i, 2), whole(1, 4, i, 3)] as const;
    const pads = window.map((size, axis) => [
      whole(0, size - 1, i, 4 + axis),
      whole(0, size - 1, i, 6 + axis),
    ]);
    const [[top, bottom], [left, right]] = pads as [[number, number], [number, number]];
    const [height, width] = [whole(4, 9, i, 8), whole(4, 9, i, 9)];
    const grid = [
      Math.floor((height + top + bottom - window[0]) / strides[0]) + 1,
      Math.floor((width + left + right - window[1]) / strides[1]) + 1,
    ] as const;
    return {
      window: { window, strides, padding: { top, bottom, left, right } },
      images: [whole(1, 3, i, 10), height, width, whole(1, 4, i, 11)],
      grid,
      filters: whole(1, 5, i, 12),
    };
  });
}

const written = (shape: Shape, key: number): Written & { data: number[] } => ({
  shape,
  data: values(sizeOf(shape), key),
});

function near(a: number, b: number, what: string): void {
  assert.ok(Math.abs(a - b) <= 1e-11 * (1 + Math.abs(b)), `${what}: ${a} and ${b}`);
}

suite('each pass is the adjoint of the other', (test) => {
  const geometries = drawn(30);

  test('⟨conv(x, w), y⟩ = ⟨x, inputGradient(y, w)⟩ = ⟨w, filterGradient(x, y)⟩', () => {
    for (const { window, images, grid, filters } of geometries) {
      const [x, w] = [written(images, 1), written([...window.window, images[3]!, filters], 2)];
      const y = written([images[0]!, ...grid, filters], 3);
      const product = dot(runKernel('conv2d', window, [x, w], [y])[0]!, y.data);
      near(dot(x.data, runKernel('conv2dInputGradient', window, [y, w], [x])[0]!), product, 'inputGradient');
      near(
        dot(w.data, runKernel('conv2dFilterGradient', window, [x, y], [w])[0]!),
        product,
        'filterGradient',
      );
    }
  });

  test('⟨averagePool(x), y⟩ = ⟨x, averagePoolGradient(y)⟩', () => {
    for (const { window, images, grid } of geometries) {
      const [x, y] = [written(images, 1), written([images[0]!, ...grid, images[3]!], 3)];
      const product = dot(runKernel('averagePool', window, [x], [y])[0]!, y.data);
      near(dot(x.data, runKernel('averagePoolGradient', window, [y], [x])[0]!), product, 'averagePool');
    }
  });

  test('⟨maxPoolTake(x, i), y⟩ = ⟨x, maxPoolGradient(y, i)⟩, and taking at the maxima gives maxPool', () => {
    for (const { window, images, grid } of geometries) {
      const [x, y] = [written(images, 1), written([images[0]!, ...grid, images[3]!], 3)];
      const both = ['values', 'indices'] as const;
      const [largest, positions] = runKernel(
        'maxPool',
        { ...window, outputs: both },
        [x],
        [y, { ...y, dtype: 'uint8' }],
      );
      const indices: Written = { shape: y.shape, data: positions!, dtype: 'uint8' };
      const taken = runKernel('maxPoolTake', window, [x, indices], [y])[0]!;
      assert.equal(taken, largest);
      near(
        dot(x.data, runKernel('maxPoolGradient', window, [y, indices], [x])[0]!),
        dot(taken, y.data),
        'maxPool',
      );
    }
  });
});
