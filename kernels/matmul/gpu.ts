import {
  coordinatesOf,
  type GpuKernel,
  gpuSource,
  loop,
  outputOf,
  printEpilogue,
  tablesOf,
} from '../toolkit/gpu/kernel.js';
import type { MatmulSpecification } from './contract.js';

/** Each thread sums over k for its own element. */
export const matmulGpu: GpuKernel<MatmulSpecification> = (call) => {
  const { specification, inputs, outputs } = call;
  const { shape } = outputs[0]!;
  const tables = tablesOf(call);
  const { statements, indices } = coordinatesOf(shape);
  const batch = indices.slice(0, -2);
  const a = tables[0]!.at([...batch, indices.at(-2)!, 'k']);
  const b = tables[1]!.at([...batch, 'k', indices.at(-1)!]);
  const k = inputs[0]!.shape.at(-1)!;
  const result = printEpilogue(specification.epilogue, tables, 'sum');
  const lines = [
    ...statements,
    'let sum = 0;',
    ...loop('k', k, [`sum += ${a} * ${b};`]),
    ...result.statements,
  ];
  return gpuSource('matmul', outputOf(shape), tables, { statements: lines, value: result.value });
};
