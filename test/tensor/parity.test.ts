import { openCandidates, type Prepared, prepareCases, registerCases } from '../support/candidates.js';
import { opCases } from '../support/cases.js';
import { gradientCases } from '../support/gradientCases.js';
import { compareWithOracle } from '../support/runCase.js';
import { suite } from '../support/suite.js';

const [reference, ...others] = await openCandidates();
const oracle = reference!.engine;
if (typeof oracle === 'string') throw new Error(oracle);

const prepared: Prepared[] = [];
for (const candidate of others)
  prepared.push(await prepareCases(candidate, [...opCases, ...gradientCases], [{}]));

for (const candidate of prepared) {
  suite(`ops and their gradients on ${candidate.name}, against reference`, (test) => {
    registerCases(test, candidate, (opCase, [step]) => compareWithOracle(step!, oracle, opCase));
  });
}
