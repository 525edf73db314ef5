/**
 * What every backend promises, a row each. `contract.test.ts` runs the rows on all of them in Node,
 * `test/browser/gpuContract.test.ts` in a browser: they need nothing of Node.
 */
import { errorRows } from './contractErrors.js';
import { runRows } from './contractRuns.js';
import type { ContractRow } from './contractSupport.js';
import { valueRows } from './contractValues.js';

export const contract: readonly ContractRow[] = [...valueRows, ...runRows, ...errorRows];
