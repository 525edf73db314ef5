/** The gradients of the op case table, as cases: what is asked of them is what the reference gives. */
import { gradients } from '../../src/tensor/gradients.js';
import { tanh } from '../../src/tensor/ops/pointwise.js';
import { sum } from '../../src/tensor/ops/reduce.js';
import { type OpCase, opCases } from './cases.js';

/** The row with its gradients behind it: more to fuse, and more memory to use again. */
function withGradients(opCase: OpCase): OpCase[] {
  const { build, inputs, gradient } = opCase;
  return inputs.flatMap(({ dtype }, i) => {
    if (dtype !== 'float32' || gradient === 0) return [];
    return {
      ...opCase,
      name: `${opCase.name}, gradient in input ${i}`,
      tolerance: { absolute: Math.max(1e-5, opCase.tolerance.absolute), relative: 1e-5 },
      build: (...x) => gradients(sum(tanh(build(...x)).multiply(2)), [x[i]!])[0]!,
    };
  });
}

/** A case for each float32 input of each row. Their `expected` is that of the row, not of the gradient. */
export const gradientCases: readonly OpCase[] = opCases.flatMap(withGradients);
