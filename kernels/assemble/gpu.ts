import { at } from '../../src/core/lists.js';
import { sizeOf } from '../../src/core/shape.js';
import { printConstant } from '../../src/writers/gpuText.js';
import {
  coordinatesOf,
  type GpuKernel,
  type GpuStage,
  type GpuStagedKernel,
  gpuSource,
  outputOf,
  tableOf,
} from '../toolkit/gpu/kernel.js';
import { when } from '../toolkit/gpu/windows.js';
import type { AssembleSpecification } from './contract.js';

/** Each thread looks through the inputs for the one that is placed at its own element. */
export const assembleGpu: GpuKernel<AssembleSpecification> = (call) => {
  const { fill, placements } = call.specification;
  const { shape, dtype } = at(call.outputs, 0);
  const tables = call.inputs.map((operand, i) => tableOf(`x${i}`, operand, operand.size));
  const { statements, indices } = coordinatesOf(shape);
  const filled = dtype === 'float32' ? Math.fround(fill) : Math.trunc(fill);
  const lines = [...statements, `let value = ${printConstant(filled)};`];
  placements.forEach(({ start, step }, i) => {
    const operand = at(call.inputs, i);
    if (sizeOf(operand.shape) === 0) return;
    const own: string[] = [];
    const conditions: string[] = [];
    const places = shape.map((extent, axis) => {
      const [first, stride, count] = [at(start, axis), at(step, axis), at(operand.shape, axis)];
      if (extent === 1) return '0';
      const name = `at${i}_${axis}`;
      const rest = `(${indices[axis]} - ${first})`;
      own.push(`const ${name} = ${stride === 1 ? rest : `Math.floor((${rest} + 0.5) / ${stride})`};`);
      if (stride !== 1) conditions.push(`${name} * ${stride} + ${first} === ${indices[axis]}`);
      if (first > 0) conditions.push(`${name} >= 0`);
      if (first + (count - 1) * stride < extent - 1) conditions.push(`${name} < ${count}`);
      return name;
    });
    lines.push(...own, ...when(conditions, [`value = ${at(tables, i).at(places)};`]));
  });
  return gpuSource('assemble', outputOf(shape), tables, { statements: lines, value: 'value' });
};

/** Most inputs of one kernel: WebGPU promises eight buffers, one of which is the output's. */
const mostInputs = 7;

/** A kernel for every few inputs, each of which starts from the result of the one before. */
export const assembleStages: GpuStagedKernel<AssembleSpecification> = (call) => {
  const { inputs, outputs, specification } = call;
  if (inputs.length <= mostInputs) return undefined;
  const whole = { ...at(outputs, 0), offset: 0, size: sizeOf(at(outputs, 0).shape) };
  const everywhere = { start: whole.shape.map(() => 0), step: whole.shape.map(() => 1) };
  const stages: GpuStage[] = [];
  for (let first = 0; first < inputs.length; ) {
    const before = stages.length === 0 ? [] : [{ stage: stages.length - 1 }];
    const end = Math.min(inputs.length, first + mostInputs - before.length);
    const placements = [...before.map(() => everywhere), ...specification.placements.slice(first, end)];
    const taken = [...before.map(() => whole), ...inputs.slice(first, end)];
    const source = assembleGpu({ ...call, specification: { ...specification, placements }, inputs: taken });
    const own = Array.from({ length: end - first }, (_, i) => first + i);
    stages.push({ source, operands: [...before, ...own] });
    first = end;
  }
  return stages;
};
