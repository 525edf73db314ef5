import { checkGradients, type GradientInput } from '../../src/engine/checkGradients.js';
import { gradients } from '../../src/tensor/gradients.js';
import { constant } from '../../src/tensor/leaves.js';
import { add, multiply } from '../../src/tensor/ops/pointwise.js';
import { sum } from '../../src/tensor/ops/reduce.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { uniform } from '../support/cases/define.js';
import { dataOf, type OpCase, opCases } from '../support/cases.js';
import { suite } from '../support/suite.js';

/** A scalar on which every element has an influence of its own. */
function weighted(y: Tensor, key: number): Tensor {
  const weights = Float32Array.from({ length: y.size }, (_, i) => uniform(-1, 1)(i, key));
  return sum(multiply(y, constant(weights, y.shape)));
}

/** The float32 inputs as points; the op as a function of them alone, the integers being constants. */
function problemOf(opCase: OpCase): { f: (...x: Tensor[]) => Tensor; points: GradientInput[] } {
  const data = dataOf(opCase);
  const free = opCase.inputs.map(({ dtype }) => dtype === 'float32');
  const points = opCase.inputs.flatMap(({ shape }, i) => (free[i] ? [{ data: data[i]!, shape }] : []));
  const f = (...x: Tensor[]) => {
    const open = [...x];
    return opCase.build(
      ...opCase.inputs.map(({ shape }, i) => (free[i] ? open.shift()! : constant(data[i]!, shape))),
    );
  };
  return { f, points };
}

suite('gradients, against differences', (test) => {
  for (const opCase of opCases.filter(({ gradient }) => gradient > 0)) {
    const { f, points } = problemOf(opCase);
    const tolerance = opCase.gradientTolerance;
    test(opCase.name, async () => {
      await checkGradients(f, points, { tolerance });
    });
    if (opCase.gradient < 2) continue;
    test(`${opCase.name}, the second`, async () => {
      const slope = (...x: Tensor[]) =>
        gradients(weighted(f(...x), 1), x)
          .map((gradient, i) => weighted(gradient, 2 + i))
          .reduce((total, part) => add(total, part));
      await checkGradients(slope, points, { tolerance });
    });
  }
});
