/**
 * The table of ops. A row holds what an op means on some inputs; tests hold it against every backend four ways (forward,
 * gradients, parity, plans: test/tensor), benches measure the same rows.
 *
 *     const inputs = opCase.inputs.map(({ shape, dtype }, i) => input(`x${i}`, shape, dtype));
 *     const result = opCase.build(...inputs);       // fed with dataOf(opCase), gives expectedOf(opCase)
 */
import type { OpCase } from './cases/define.js';
import { edgeCases } from './cases/edges.js';
import { imageCases } from './cases/images.js';
import { matrixCases } from './cases/matrix.js';
import { normalizeCases } from './cases/normalize.js';
import { pointwiseCases } from './cases/pointwise.js';
import { randomCases } from './cases/random.js';
import { reduceCases } from './cases/reduce.js';
import { viewCases } from './cases/views.js';

export { type CaseInput, dataOf, expectedOf, type OpCase, type Values } from './cases/define.js';

export const opCases: readonly OpCase[] = [
  ...pointwiseCases,
  ...edgeCases,
  ...reduceCases,
  ...viewCases,
  ...matrixCases,
  ...imageCases,
  ...normalizeCases,
  ...randomCases,
];
