import { fourAxes } from '../../src/core/shape.js';
import type { Plain } from '../contract.js';
import {
  column,
  coordinatesOf,
  type GpuCall,
  type GpuKernel,
  gpuSource,
  loop,
  outputOf,
  printEpilogue,
  tablesOf,
} from '../toolkit/gpu/kernel.js';
import {
  eachPixelOfWindow,
  eachWindowOfPixel,
  pixelTable,
  reachesOutside,
  type Sliding,
  when,
} from '../toolkit/gpu/windows.js';
import type {
  Conv2dFilterGradientSpecification,
  Conv2dGeometry,
  Conv2dInputGradientSpecification,
  Conv2dSpecification,
} from './contract.js';

/** The tables of a call: its own operands as rows of pixels, those of the epilogue over the output. */
function convolutionTables(call: GpuCall<Plain<Conv2dSpecification>>) {
  const own = [0, 1].map((i) => pixelTable(`x${i}`, call.inputs[i]!));
  return [...own, ...tablesOf(call).slice(2)];
}

export function slidingOf({ specification }: GpuCall<Conv2dGeometry>, filter: readonly number[]): Sliding {
  const { strides, padding } = specification;
  return { window: [filter[0]!, filter[1]!], strides, padding };
}

/** Each thread sums over the window for its own pixel and filter. */
export const conv2dGpu: GpuKernel<Plain<Conv2dSpecification>> = (call) => {
  const [images, filter] = [call.inputs[0]!.shape, call.inputs[1]!.shape];
  const { shape } = call.outputs[0]!;
  const [, filterWidth, channels] = fourAxes(filter);
  const tables = convolutionTables(call);
  const { statements, indices } = coordinatesOf(shape);
  const x = tables[0]!.at(['pixel', 'c']);
  const w = tables[1]!.at([`(a * ${filterWidth} + b) * ${channels} + c`, column]);
  const result = printEpilogue(call.specification.epilogue, tables, 'sum');
  const lines = [
    ...statements,
    'let sum = 0;',
    ...eachPixelOfWindow(
      slidingOf(call, filter),
      // the frame is zeros like others: times a weight that is no finite number they are NaN
      { images, grid: shape, frame: loop('c', channels, [`sum += 0 * ${w};`]) },
      indices,
      loop('c', channels, [`sum += ${x} * ${w};`]),
    ),
    ...result.statements,
  ];
  return gpuSource('conv2d', outputOf(shape), tables, { statements: lines, value: result.value });
};

/** Each thread sums over the windows that hold its own pixel, and the filters. */
export const conv2dInputGradientGpu: GpuKernel<Plain<Conv2dInputGradientSpecification>> = (call) => {
  const [grid, filter] = [call.inputs[0]!.shape, call.inputs[1]!.shape];
  const { shape } = call.outputs[0]!;
  const [, filterWidth, channels, filters] = fourAxes(filter);
  const tables = convolutionTables(call);
  const { statements, indices } = coordinatesOf(shape);
  const dy = tables[0]!.at(['from', 'o']);
  const w = tables[1]!.at(['tap', 'o']);
  const result = printEpilogue(call.specification.epilogue, tables, 'sum');
  const lines = [
    ...statements,
    'let sum = 0;',
    ...eachWindowOfPixel(slidingOf(call, filter), grid, indices, [
      `const tap = (a * ${filterWidth} + b) * ${channels} + ${indices[3]!};`,
      ...loop('o', filters, [`sum += ${dy} * ${w};`]),
    ]),
    ...result.statements,
  ];
  return gpuSource('conv2dInputGradient', outputOf(shape), tables, {
    statements: lines,
    value: result.value,
  });
};

/**
 * Each thread sums over all windows for its own weight: first within a row of windows, then within an image, then over
 * the images, so that float32 sums of many small terms stay close to the exact ones.
 */
export const conv2dFilterGradientGpu: GpuKernel<Plain<Conv2dFilterGradientSpecification>> = (call) => {
  const [images, grid] = [call.inputs[0]!.shape, call.inputs[1]!.shape];
  const [count, height, width] = fourAxes(images);
  const [, rows, columns] = fourAxes(grid);
  const { strides, padding } = call.specification;
  const { shape } = call.outputs[0]!;
  const tables = convolutionTables(call);
  const { statements, indices } = coordinatesOf(shape);
  const [a, b, c, o] = indices as [string, string, string, string];
  const outside = reachesOutside(slidingOf(call, shape), images, grid);
  const within = (position: string, extent: number) =>
    outside ? [`${position} >= 0`, `${position} < ${extent}`] : [];
  const x = tables[0]!.at([strides[1] === 1 ? 'start + j' : `start + j * ${strides[1]}`, c]);
  const dy = (window: string) => tables[1]!.at([window, o]);
  const lines = [
    ...statements,
    `const firstColumn = ${b} - ${padding.left};`,
    'let sum = 0;',
    ...loop('n', count, [
      'let image = 0;',
      ...loop('i', rows, [
        `const p = i * ${strides[0]} + ${a} - ${padding.top};`,
        ...when(
          within('p', height),
          [
            `const start = (n * ${height} + p) * ${width} + firstColumn;`,
            `const line = (n * ${rows} + i) * ${columns};`,
            'let part = 0;',
            ...loop('j', columns, [
              ...(outside ? [`const q = firstColumn + j * ${strides[1]};`] : []),
              ...when(
                within('q', width),
                [`part += ${x} * ${dy('line + j')};`],
                [`part += 0 * ${dy('line + j')};`],
              ),
            ]),
            'image += part;',
          ],
          loop('j', columns, [`image += 0 * ${dy(`(n * ${rows} + i) * ${columns} + j`)};`]),
        ),
      ]),
      'sum += image;',
    ]),
  ];
  return gpuSource('conv2dFilterGradient', outputOf(shape), tables, { statements: lines, value: 'sum' });
};
