import { sizeOf } from '../../src/core/shape.js';
import { type Contract, type Epilogue, epilogueFlops } from '../contract.js';

/**
 * output[…, m, n] = epilogue(Σ_k a[…, m, k] · b[…, k, n]), float32. Inputs a `[…batch, m, k]` and b `[…batch, k, n]`
 * with any strides (a transposed operand is a view; a broadcast batch has stride 0); k = 0 gives zeros.
 */
export interface MatmulSpecification {
  readonly epilogue?: Epilogue | undefined;
}

export const matmul: Contract<MatmulSpecification> = {
  layout: 'strided',
  epilogue: true,
  flops: ({ specification, inputs, outputs }) =>
    2 * sizeOf(outputs[0]!.shape) * inputs[0]!.shape.at(-1)! +
    epilogueFlops(specification.epilogue, outputs[0]!.shape),
  print: () => '',
};
