// kernels/rowSums/contract.ts; there the two imports of kernels begin with '../'
import { type Contract, type Epilogue, epilogueFlops } from '../../kernels/contract.js';
import type { MakerRule } from '../../kernels/fusion.js';
import { sizeOf } from '../../src/core/shape.js';

/**
 * y[o, r] = epilogue(Σ_c x[o, r, c]), x `[outer, rows, columns]`, float32. With `gathered`, a table `[outer, all, columns]`
 * and indices `[rows]` stand in the place of x: x[o, r, c] = table[o, indices[r], c].
 */
export interface RowSumsSpecification {
  readonly gathered?: true;
  readonly epilogue?: Epilogue | undefined;
}

// a gather of rows before it: they are read where they lie, and never copied
const gatheredRows: MakerRule<RowSumsSpecification> = {
  kind: 'gather',
  rewrite({ specification }, _at, { specification: { epilogue }, inputs }) {
    const [table] = inputs;
    if (specification.gathered || epilogue !== undefined || table?.value.dtype !== 'float32')
      return undefined;
    return { specification: { ...specification, gathered: true }, inputs };
  },
};

export const rowSums: Contract<RowSumsSpecification> = {
  layout: 'contiguous',
  epilogue: true, // the planner puts a bias, a relu, a residual sum there
  absorbs: { makers: [gatheredRows] },
  flops: ({ specification, inputs, outputs }) =>
    sizeOf(outputs[0]!.shape) * inputs[0]!.shape[2]! +
    epilogueFlops(specification.epilogue, outputs[0]!.shape),
  print: ({ gathered }) => (gathered ? 'of gathered rows' : ''),
};
