import { opCases } from '../support/cases.js';
import {
  compareResults,
  openCandidates,
  type Prepared,
  prepareCases,
  registerCases,
  runCase,
  runStep,
} from '../support/runCase.js';
import { suite } from '../support/suite.js';

const [reference, ...others] = await openCandidates();
const oracle = reference!.engine;
if (typeof oracle === 'string') throw new Error(oracle);

const prepared: Prepared[] = [];
for (const candidate of others) prepared.push(await prepareCases(candidate, opCases, [{}]));

for (const candidate of prepared) {
  suite(`ops on ${candidate.name}, against reference`, (test) => {
    registerCases(test, candidate, async (opCase, [step]) => {
      compareResults(await runStep(step!, opCase), await runCase(oracle, opCase), opCase.tolerance);
    });
  });
}
