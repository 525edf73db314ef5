import { at } from '../../src/core/lists.js';
import type { Shape } from '../../src/core/shape.js';
import { coordinatesOf, type GpuKernel, gpuSource, outputOf } from '../toolkit/gpu/kernel.js';
import { eachPixelOfWindow, eachWindowOfPixel, pixelTable, reachesOutside } from '../toolkit/gpu/windows.js';
import type { AveragePoolSpecification } from './contract.js';

/** Each thread sums and counts the pixels of its own window that lie inside the image. */
export const averagePoolGpu: GpuKernel<AveragePoolSpecification> = (call) => {
  const { shape } = at(call.outputs, 0);
  const images = at(call.inputs, 0).shape;
  const tables = [pixelTable('x0', at(call.inputs, 0))];
  const { statements, indices } = coordinatesOf(shape);
  const lines = [
    ...statements,
    'let sum = 0;',
    'let count = 0;',
    ...eachPixelOfWindow(call.specification, { images, grid: shape }, indices, [
      `sum += ${at(tables, 0).at(['pixel', at(indices, 3)])};`,
      'count += 1;',
    ]),
    'const mean = sum / count;',
  ];
  return gpuSource('averagePool', outputOf(shape), tables, { statements: lines, value: 'mean' });
};

/** Each thread sums its share of every window that holds its own pixel. */
export const averagePoolGradientGpu: GpuKernel<AveragePoolSpecification> = (call) => {
  const { shape } = at(call.outputs, 0);
  const grid = at(call.inputs, 0).shape;
  const tables = [pixelTable('x0', at(call.inputs, 0))];
  const { statements, indices } = coordinatesOf(shape);
  const lines = [
    ...statements,
    'let sum = 0;',
    ...eachWindowOfPixel(call.specification, grid, indices, [
      ...pixelsInside(call.specification, shape, grid),
      `sum += ${at(tables, 0).at(['from', at(indices, 3)])} / count;`,
    ]),
  ];
  return gpuSource('averagePoolGradient', outputOf(shape), tables, { statements: lines, value: 'sum' });
};

/** `count`, the pixels of window (i, j) inside the image. */
function pixelsInside(specification: AveragePoolSpecification, images: Shape, grid: Shape): string[] {
  const { window, strides, padding } = specification;
  if (!reachesOutside(specification, images, grid)) return [`const count = ${window[0] * window[1]};`];
  const along = (position: string, axis: 0 | 1, before: number) => [
    `const first_${position} = ${position} * ${strides[axis]} - ${before};`,
    `const end_${position} = Math.min(first_${position} + ${window[axis]}, ${images[axis + 1]});`,
    `const extent_${position} = end_${position} - Math.max(first_${position}, 0);`,
  ];
  return [
    ...along('i', 0, padding.top),
    ...along('j', 1, padding.left),
    'const count = extent_i * extent_j;',
  ];
}
