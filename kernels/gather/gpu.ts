import { at, leading } from '../../src/core/lists.js';
import {
  coordinatesOf,
  type GpuKernel,
  gpuSource,
  loop,
  outputOf,
  printEpilogue,
  tablesOf,
} from '../toolkit/gpu/kernel.js';
import type { GatherSpecification, ScatterAddSpecification } from './contract.js';

/** Reads a row of the table that exists in any case: code of both branches may run, though one counts. */
export const gatherGpu: GpuKernel<GatherSpecification> = (call) => {
  const { specification, inputs, outputs } = call;
  const { shape } = at(outputs, 0);
  const tables = tablesOf(call);
  const { statements, indices } = coordinatesOf(shape);
  const [o, i, e] = leading(indices, 3);
  const rows = at(at(inputs, 0).shape, 1);
  const lines = [
    ...statements,
    `const wanted = ${at(tables, 1).at([i])};`,
    `const present = Math.min(Math.max(wanted, 0), ${Math.max(rows - 1, 0)});`,
    `const read = ${at(tables, 0).at([o, 'present', e])};`,
    `const value = ${rows === 0 ? '0' : 'wanted === present ? read : 0'};`,
  ];
  const result = printEpilogue(specification.epilogue, tables, 'value');
  return gpuSource('gather', outputOf(shape), tables, {
    statements: [...lines, ...result.statements],
    value: result.value,
  });
};

/** Each thread looks through all indices for those that name its row, in ascending order. */
export const scatterAddGpu: GpuKernel<ScatterAddSpecification> = (call) => {
  const { inputs, outputs } = call;
  const { shape } = at(outputs, 0);
  const tables = tablesOf(call);
  const { statements, indices } = coordinatesOf(shape);
  const [o, r, e] = leading(indices, 3);
  const lines = [
    ...statements,
    'let sum = 0;',
    ...loop('i', at(at(inputs, 1).shape, 0), [
      `if (${at(tables, 1).at(['i'])} === ${r}) {`,
      `  sum += ${at(tables, 0).at([o, 'i', e])};`,
      '}',
    ]),
  ];
  return gpuSource('scatterAdd', outputOf(shape), tables, { statements: lines, value: 'sum' });
};
