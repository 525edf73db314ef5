import { openCandidates, type Prepared, prepareCases, registerCases } from '../support/candidates.js';
import { opCases } from '../support/cases.js';
import { gradientCases } from '../support/gradientCases.js';
import { compareResults, runStep } from '../support/runCase.js';
import { suite } from '../support/suite.js';

/** Their plans stand for those of the others, whose limits are the same. */
const tryingGradients = ['reference', 'wasm relaxed', 'gpu cpu'];

const prepared: Prepared[] = [];
for (const candidate of await openCandidates({ poison: true })) {
  const more = tryingGradients.includes(candidate.name) ? gradientCases : [];
  prepared.push(await prepareCases(candidate, [...opCases, ...more], [{}, { optimize: false }]));
}

for (const candidate of prepared) {
  suite(`plans on ${candidate.name}, optimized against unoptimized`, (test) => {
    registerCases(test, candidate, async (opCase, steps) => {
      const [optimized, plain] = await Promise.all(steps.map((step) => runStep(step, opCase)));
      compareResults(optimized!, plain!, opCase.tolerance);
    });
  });
}
