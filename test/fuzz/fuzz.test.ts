import { suite } from '../support/suite.js';
import { fuzz } from './fuzz.js';
import { targets } from './targets.js';

/** `npm run fuzz` goes on for hours, with other seeds. */
const inputs = 150;

suite('every parser reads a changed input or refuses it with a sentence', (test) => {
  for (const target of targets) {
    test(target.name, async () => {
      const [found] = await fuzz(target, 1, inputs);
      if (found !== undefined) throw new Error(`seed ${found.seed}`, { cause: found.error });
    });
  }
});
