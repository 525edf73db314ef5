/**
 * Trains both models on the wasm backend, on both SIMD levels, on 1 and 2 threads, and prints what came of it as one line
 * of JSON. Runs as a process of its own, in the version of Node that is under test.
 *
 *     node dist/test/engines/train.js [revectorize]
 */
import * as quern from '../../src/browser.js';
import { type ParityCase, type ParityResult, trainForParity } from '../support/parity.js';

export interface EngineFindings {
  /** Such as v22.1.0. */
  readonly node: string;
  readonly trained: readonly { readonly what: ParityCase; readonly result: ParityResult }[];
}

const revectorize = process.argv.includes('revectorize');
const trained: { what: ParityCase; result: ParityResult }[] = [];
for (const model of ['mlp', 'cnn'] as const) {
  for (const simd of ['baseline', 'relaxed'] as const) {
    for (const threads of [1, 2]) {
      const what = { model, engine: { simd, threads } };
      const result = await trainForParity(quern, { model, engine: { simd, threads, revectorize } });
      trained.push({ what, result });
    }
  }
}
console.log(JSON.stringify({ node: process.version, trained } satisfies EngineFindings));
