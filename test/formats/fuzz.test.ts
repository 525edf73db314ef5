import { QuernError } from '../../src/core/errors.js';
import { randomFrom } from '../fuzz/mutate.js';
import { suite } from '../support/suite.js';
import { changedFile, readChanged, samples } from './fuzzing.js';

/** What `npm run fuzz` has found once: an empty table of 2³¹ rows, a matrix for other numbers than were flattened. */
const found: readonly (readonly [name: string, seed: number])[] = [
  ['same.onnx', 29627],
  ['net.torchscript.onnx', 23000],
];

suite('formats: changed files are read or refused with a sentence', (test) => {
  test('what was found before', async () => {
    const all = await samples();
    for (const [name, seed] of found) {
      const sample = all.find((each) => each.name === name)!;
      try {
        await readChanged(changedFile(sample.bytes, randomFrom(seed)), sample);
      } catch (error) {
        if (!(error instanceof QuernError)) throw error;
      }
    }
  });
});
