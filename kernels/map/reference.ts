import { compileClosure } from '../../src/writers/closure.js';
import { forEachElement, type ReferenceKernel } from '../toolkit/reference/strided.js';
import type { MapSpecification } from './contract.js';

export const map: ReferenceKernel<MapSpecification> = (
  { specification, outputs: layouts },
  inputs,
  outputs,
) => {
  const closures = specification.expressions.map(compileClosure);
  const operands = inputs.map(() => 0);
  const results = closures.map(() => 0);
  forEachElement(layouts[0]!.shape, inputs, (index, at) => {
    for (let i = 0; i < operands.length; i++) operands[i] = inputs[i]!.data[at[i]!]!;
    // All results before the first is stored: an output may lie in the memory of an input.
    for (let o = 0; o < closures.length; o++) results[o] = closures[o]!(operands, index);
    for (let o = 0; o < closures.length; o++) outputs[o]!.data[outputs[o]!.offset + index] = results[o]!;
  });
};
