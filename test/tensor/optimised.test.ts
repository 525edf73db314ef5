import { gradients } from '../../src/tensor/gradients.js';
import { tanh } from '../../src/tensor/ops/pointwise.js';
import { sum } from '../../src/tensor/ops/reduce.js';
import { type OpCase, opCases } from '../support/cases.js';
import {
  compareResults,
  openCandidates,
  type Prepared,
  prepareCases,
  registerCases,
  runStep,
} from '../support/runCase.js';
import { suite } from '../support/suite.js';

/** The row with its gradients behind it: more to fuse, and more memory to use again. */
function withGradients(opCase: OpCase): OpCase[] {
  const { build, inputs, gradient } = opCase;
  return inputs.flatMap(({ dtype }, i) => {
    if (dtype !== 'float32' || gradient === 0) return [];
    return {
      ...opCase,
      name: `${opCase.name}, gradient in input ${i}`,
      tolerance: { absolute: 1e-5, relative: 1e-5 },
      build: (...x) => gradients(sum(tanh(build(...x)).multiply(2)), [x[i]!])[0]!,
    };
  });
}

/** Their plans stand for those of the others, whose limits are the same. */
const tryingGradients = ['reference', 'wasm relaxed', 'gpu cpu'];

const prepared: Prepared[] = [];
for (const candidate of await openCandidates({ poison: true })) {
  const more = tryingGradients.includes(candidate.name) ? opCases.flatMap(withGradients) : [];
  prepared.push(await prepareCases(candidate, [...opCases, ...more], [{}, { optimise: false }]));
}

for (const candidate of prepared) {
  suite(`plans on ${candidate.name}, optimised against unoptimised`, (test) => {
    registerCases(test, candidate, async (opCase, steps) => {
      const [optimised, plain] = await Promise.all(steps.map((step) => runStep(step, opCase)));
      compareResults(optimised!, plain!, opCase.tolerance);
    });
  });
}
