import { at } from '../../src/core/lists.js';
import { sizeOf } from '../../src/core/shape.js';
import { type Contract, type Epilogue, epilogueFlops } from '../contract.js';

/**
 * gather(table, indices)       y[o,i,e] = epilogue(table[o, indices[i], e])
 * scatterAdd(values, indices)  table[o,r,e] = Σ_i values[o,i,e] where indices[i] = r; added in ascending i
 *
 * table `[outer, rows, inner]`, indices int32 `[count]`, y and values `[outer, count, inner]`. gather takes every dtype;
 * without an epilogue its output has the table's. An index outside 0 … rows − 1 reads zeros and adds nothing.
 */
export interface GatherSpecification {
  readonly epilogue?: Epilogue | undefined;
}

export type ScatterAddSpecification = Readonly<Record<string, never>>;

export const gather: Contract<GatherSpecification> = {
  layout: 'contiguous',
  epilogue: true,
  flops: ({ specification, outputs }) => epilogueFlops(specification.epilogue, at(outputs, 0).shape),
  print: () => '',
};

export const scatterAdd: Contract<ScatterAddSpecification> = {
  layout: 'contiguous',
  epilogue: false,
  flops: ({ inputs }) => sizeOf(at(inputs, 0).shape),
  print: () => '',
};
