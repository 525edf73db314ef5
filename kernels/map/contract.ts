import { countOperations, type Expression, formatExpression } from '../../src/core/expression.js';
import { at } from '../../src/core/lists.js';
import { sizeOf } from '../../src/core/shape.js';
import type { Contract } from '../contract.js';

/**
 * Pointwise work: output `o` at position p is `expressions[o]` over the inputs at p. All inputs and outputs have the
 * same shape (broadcast inputs by strides of 0). An output may be the same memory as an input with the same layout. A
 * uint8 output keeps the value modulo 256.
 */
export interface MapSpecification {
  readonly expressions: readonly Expression[];
}

export const map: Contract<MapSpecification> = {
  layout: 'strided',
  epilogue: false,
  flops: ({ specification, outputs }) =>
    specification.expressions.reduce((sum, expression) => sum + countOperations(expression), 0) *
    sizeOf(at(outputs, 0).shape),
  print: ({ expressions }) => expressions.map(formatExpression).join('; '),
};
