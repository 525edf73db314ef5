import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { samples, tryOne } from './fuzzing.js';

/** `node dist/test/formats/fuzzCommand.js 100000` tries more. */
const inputs = 25;

suite('formats: changed files are read or refused with a sentence', (test) => {
  test('every reader', async () => {
    const found: string[] = [];
    for (const sample of await samples()) {
      for (let seed = 1; seed <= inputs; seed++) {
        const finding = await tryOne(sample, seed);
        if (finding !== undefined) found.push(finding);
      }
    }
    assert.equal(found, []);
  });
});
