/**
 * What every backend promises, a row each. `contract.test.ts` runs the rows on all of them in Node,
 * `test/browser/gpuContract.test.ts` in a browser: they need nothing of Node.
 */
import { errorRows } from './errors.js';
import { runRows } from './runs.js';
import type { ContractRow } from './support.js';
import { valueRows } from './values.js';

export const contract: readonly ContractRow[] = [...valueRows, ...runRows, ...errorRows];
