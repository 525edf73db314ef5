import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { samples, tryOne } from './fuzzing.js';

/** `node dist/test/formats/fuzzCommand.js 100000` tries more. */
const inputs = 25;

/** What a longer search has found once: an empty table of 2³¹ rows, a matrix for other numbers than were flattened. */
const found: readonly (readonly [name: string, seed: number])[] = [
  ['same.onnx', 29627],
  ['net.torchscript.onnx', 23000],
];

suite('formats: changed files are read or refused with a sentence', (test) => {
  test('every reader', async () => {
    const findings: string[] = [];
    for (const sample of await samples()) {
      for (let seed = 1; seed <= inputs; seed++) {
        const finding = await tryOne(sample, seed);
        if (finding !== undefined) findings.push(finding);
      }
    }
    assert.equal(findings, []);
  });

  test('what was found before', async () => {
    const all = await samples();
    for (const [name, seed] of found) {
      assert.is(await tryOne(all.find((sample) => sample.name === name)!, seed), undefined);
    }
  });
});
