import { rowMajorStrides, type Shape, sizeOf } from '../../src/core/shape.js';
import { compileClosure } from '../../src/writers/closure.js';
import { forEachElement, type ReferenceKernel, storeResults } from '../toolkit/reference/strided.js';
import type { ReduceOperation, ReduceSpecification } from './contract.js';

/** Where a result starts, before the first element. */
const initial: Readonly<Record<ReduceOperation, number>> = {
  sum: 0,
  max: -Infinity,
  min: Infinity,
  argMax: 0,
};

export const reduce: ReferenceKernel<ReduceSpecification> = (call, inputs, outputs) => {
  const { operation, axes, prologue, epilogue } = call.specification;
  const sources = inputs.slice(0, inputs.length - (epilogue?.operands ?? 0));
  const { shape } = call.inputs[0]!;
  const closure = compileClosure(prologue);
  const operands = sources.map(() => 0);
  const results = new Array<number>(sizeOf(call.outputs[0]!.shape)).fill(initial[operation]);
  const largest = results.map(() => -Infinity);
  const integers = prologue.dtype === 'int32';

  const reduced = shape.map((_, axis) => axes.includes(axis));
  const kept = reduced.map((isReduced) => !isReduced);
  const walkers = [...sources, stridesOver(shape, kept), stridesOver(shape, reduced)];
  forEachElement(shape, walkers, (index, at) => {
    for (let i = 0; i < sources.length; i++) operands[i] = sources[i]!.data[at[i]!]!;
    const value = closure(operands, index);
    const target = at[sources.length]!;
    const result = results[target]!;
    switch (operation) {
      case 'sum':
        results[target] = integers ? (result + value) | 0 : result + value;
        break;
      case 'max':
        results[target] = Math.max(result, value);
        break;
      case 'min':
        results[target] = Math.min(result, value);
        break;
      case 'argMax':
        // the first NaN is larger than all numbers
        if (value > largest[target]! || (Number.isNaN(value) && !Number.isNaN(largest[target]))) {
          largest[target] = value;
          results[target] = at[sources.length + 1]!;
        }
    }
  });
  storeResults(results, call, inputs, outputs[0]!);
};

/** Steps that number the positions of the chosen axes row-major and stand still along the others. */
function stridesOver(shape: Shape, chosen: readonly boolean[]): { stride: number[]; offset: number } {
  const numbered = rowMajorStrides(shape.map((extent, axis) => (chosen[axis] ? extent : 1)));
  return { stride: numbered.map((stride, axis) => (chosen[axis] ? stride : 0)), offset: 0 };
}
