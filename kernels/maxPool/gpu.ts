import { at, leading } from '../../src/core/lists.js';
import { fourAxes } from '../../src/core/shape.js';
import {
  coordinatesOf,
  type GpuKernel,
  gpuSource,
  outputOf,
  printEpilogue,
  tablesOf,
} from '../toolkit/gpu/kernel.js';
import { eachPixelOfWindow, eachWindowOfPixel, pixelTable } from '../toolkit/gpu/windows.js';
import type {
  MaxPoolGradientSpecification,
  MaxPoolSpecification,
  MaxPoolTakeSpecification,
} from './contract.js';

/**
 * One of the two results; a backend with one output per kernel is never asked for both. The first pixel inside the image
 * wins over nothing, a larger one over a number, the first NaN over every number.
 */
export const maxPoolGpu: GpuKernel<MaxPoolSpecification> = (call) => {
  const { window, outputs } = call.specification;
  const { shape } = at(call.outputs, 0);
  const tables = [pixelTable('x0', at(call.inputs, 0))];
  const { statements, indices } = coordinatesOf(shape);
  const lines = [
    ...statements,
    'let seen = 0;',
    'let values = 0;',
    'let indices = 0;',
    ...eachPixelOfWindow(call.specification, { images: at(call.inputs, 0).shape, grid: shape }, indices, [
      `const value = ${at(tables, 0).at(['pixel', at(indices, 3)])};`,
      'if (seen === 0 || value > values || (value !== value && values === values)) {',
      '  seen = 1;',
      '  values = value;',
      `  indices = a * ${window[1]} + b;`,
      '}',
    ]),
  ];
  return gpuSource(`maxPool_${outputs[0]}`, outputOf(shape), tables, {
    statements: lines,
    value: at(outputs, 0),
  });
};

/** Reads a pixel that exists in any case: code of both branches may run, though one counts. */
export const maxPoolTakeGpu: GpuKernel<MaxPoolTakeSpecification> = (call) => {
  const { window, strides, padding } = call.specification;
  const [, height, width] = fourAxes(at(call.inputs, 0).shape);
  const { shape } = at(call.outputs, 0);
  const tables = [pixelTable('x0', at(call.inputs, 0)), pixelTable('x1', at(call.inputs, 1))];
  const { statements, indices } = coordinatesOf(shape);
  const [n, i, j, c] = leading(indices, 4);
  const from = `(${n} * ${shape[1]} + ${i}) * ${shape[2]} + ${j}`;
  const lines = [
    ...statements,
    `const from = ${from};`,
    `const wanted = ${at(tables, 1).at(['from', c])};`,
    `const a = Math.floor((wanted + 0.5) / ${window[1]});`,
    `const p = ${i} * ${strides[0]} + a - ${padding.top};`,
    `const q = ${j} * ${strides[1]} + wanted - a * ${window[1]} - ${padding.left};`,
    `const row = Math.min(Math.max(p, 0), ${height - 1});`,
    `const column = Math.min(Math.max(q, 0), ${width - 1});`,
    `const pixel = (${n} * ${height} + row) * ${width} + column;`,
    `const read = ${at(tables, 0).at(['pixel', c])};`,
    'let value = 0;',
    'if (p === row) {',
    '  if (q === column) {',
    '    value = read;',
    '  }',
    '}',
  ];
  return gpuSource('maxPoolTake', outputOf(shape), tables, { statements: lines, value: 'value' });
};

/** Each thread looks through the windows that hold its own pixel for those whose index points at it. */
export const maxPoolGradientGpu: GpuKernel<MaxPoolGradientSpecification> = (call) => {
  const { window, epilogue } = call.specification;
  const { shape } = at(call.outputs, 0);
  const own = [pixelTable('x0', at(call.inputs, 0)), pixelTable('x1', at(call.inputs, 1))];
  const tables = [...own, ...tablesOf(call).slice(2)];
  const { statements, indices } = coordinatesOf(shape);
  const c = at(indices, 3);
  const result = printEpilogue(epilogue, tables, 'sum');
  const lines = [
    ...statements,
    'let sum = 0;',
    ...eachWindowOfPixel(call.specification, at(call.inputs, 0).shape, indices, [
      `const place = a * ${window[1]} + b;`,
      `if (${at(tables, 1).at(['from', c])} === place) {`,
      `  sum += ${at(tables, 0).at(['from', c])};`,
      '}',
    ]),
    ...result.statements,
  ];
  return gpuSource('maxPoolGradient', outputOf(shape), tables, { statements: lines, value: result.value });
};
