import { countOperations, type Expression, formatExpression } from '../../src/core/expression.js';
import { at } from '../../src/core/lists.js';
import { sizeOf } from '../../src/core/shape.js';
import { type Contract, type Epilogue, epilogueFlops } from '../contract.js';
import { sumOfEntries } from './fusion.js';

export type ReduceOperation = 'sum' | 'max' | 'min' | 'argMax';

/**
 * output = epilogue(reduce over `axes` of prologue(inputs)). The inputs without those of the epilogue have one shape;
 * the output has that shape without `axes` (ascending). argMax gives the row-major int32 position within the reduced
 * axes, ties to the first; a NaN is never the largest (a set of nothing but NaN gives 0). An empty sum is 0; an empty
 * max, min or argMax is refused by the op. max and min of a set with a NaN are NaN, argMax
 * is then the position of the first NaN.
 */
export interface ReduceSpecification {
  readonly operation: ReduceOperation;
  readonly axes: readonly number[];
  readonly prologue: Expression;
  readonly epilogue?: Epilogue | undefined;
}

export const reduce: Contract<ReduceSpecification> = {
  layout: 'strided',
  epilogue: true,
  prologue: true,
  absorbs: { makers: [sumOfEntries] },
  flops: ({ specification, inputs, outputs }) =>
    (countOperations(specification.prologue) + 1) * sizeOf(at(inputs, 0).shape) +
    epilogueFlops(specification.epilogue, at(outputs, 0).shape),
  print: ({ operation, axes, prologue }) =>
    `${operation} over ${axes.join(',')} of ${formatExpression(prologue)}`,
};
