import { at } from '../../src/core/lists.js';
import { rowMajorStrides } from '../../src/core/shape.js';
import { collapseAxes } from '../../src/core/view.js';
import { printGpuText } from '../../src/writers/gpuText.js';
import { coordinatesOf, type GpuKernel, gpuSource, outputOf, tableOf } from '../toolkit/gpu/kernel.js';
import type { MapSpecification } from './contract.js';

/** One expression; a backend with one output per kernel is never asked for more. Rows are as long as can be. */
export const mapGpu: GpuKernel<MapSpecification> = ({ specification, inputs, outputs }) => {
  const { shape, strides } = collapseAxes(at(outputs, 0).shape, [
    rowMajorStrides(at(outputs, 0).shape),
    ...inputs.map((operand) => operand.strides),
  ]);
  const tables = inputs.map(({ offset, size }, i) =>
    tableOf(`x${i}`, { shape, strides: at(strides, i + 1), offset }, size),
  );
  const { statements, indices } = coordinatesOf(shape);
  const reads = tables.map((table) => table.at(indices));
  const text = printGpuText(at(specification.expressions, 0), reads, 't');
  const lines = [...statements, ...text.statements];
  if (at(outputs, 0).dtype !== 'uint8')
    return gpuSource('map', outputOf(shape), tables, { statements: lines, value: text.value });
  // Stored modulo 256, as in memory of bytes.
  const stored = `const stored = ${text.value} - Math.floor(${text.value} / 256) * 256;`;
  return gpuSource('map', outputOf(shape), tables, { statements: [...lines, stored], value: 'stored' });
};
