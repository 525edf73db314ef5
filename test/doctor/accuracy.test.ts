import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Accuracy, largestError } from '../../src/doctor/accuracy.js';
import { subjects } from '../../src/doctor/subjects.js';
import { findChromium, noChromium } from '../support/browser/browser.js';
import { suite } from '../support/suite.js';
import { type browserModes, measureHere, measureInBrowser, nodeModes } from './accuracyModes.js';
import { boundText, pagePath } from './accuracyTable.js';

/** Those beyond their bounds; integer and index results have a bound of 0. */
function beyond(found: readonly Accuracy[]): string[] {
  assert.is(found.length, subjects.length);
  return found
    .filter(({ error, bound }) => !(error <= bound))
    .map(({ name, on, error, bound }) => `${name} of ${on}: ${error} > ${bound}`);
}

suite('errors', (test) => {
  test('are told relative to the largest number, or to each', () => {
    assert.is(largestError([1, 9], [2, 10], 'largest'), 0.1);
    assert.is(largestError([1, 9], [2, 10], 'each'), 0.5);
    assert.is(largestError([0, -2], [0, -2], 'each'), 0);
    assert.is(largestError([1], [0], 'each'), Number.POSITIVE_INFINITY);
    assert.is(largestError([1, 2], [1, 3], 'exact'), 1 / 3);
  });

  test('are infinite where a number is none, or missing', () => {
    for (const measure of ['largest', 'each', 'exact'] as const) {
      assert.is(largestError([1, Number.NaN, 1], [1, 1, 1], measure), Number.POSITIVE_INFINITY);
      assert.is(largestError([1], [1, 1], measure), Number.POSITIVE_INFINITY);
    }
  });

  test('every subject is its own, and only integers and indices have a bound of 0', () => {
    assert.is(new Set(subjects.map(({ name, on }) => `${name} ${on}`)).size, subjects.length);
    for (const { measure, bound } of subjects) assert.is(bound === 0, measure === 'exact');
  });

  test('the page has a row with its bound for every subject', () => {
    const page = readFileSync(join(import.meta.dirname, '../../..', pagePath), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| '));
    for (const { name, on, bound } of subjects) {
      const start = `| ${name} | ${on} | ${boundText(bound)} |`;
      assert.ok(
        rows.some((row) => row.startsWith(start)),
        start,
      );
    }
  });
});

suite('accuracy in Node', (test) => {
  for (const [name, options] of Object.entries(nodeModes)) {
    test(name, async () => {
      const { mode, found } = await measureHere(options);
      assert.is(mode, options.backend === 'gpu' ? options.gpuMode : undefined);
      assert.equal(beyond(found), []);
    });
  }
});

suite('accuracy in Chromium', (test) => {
  const chromium = findChromium();
  for (const mode of ['webgpu', 'webgl2'] as const satisfies (keyof typeof browserModes)[]) {
    if (chromium === undefined) {
      test.unavailable(mode, noChromium);
      continue;
    }
    test(mode, async () => {
      const result = await measureInBrowser(chromium, mode);
      assert.is(result.mode, mode);
      assert.match(result.adapter!, /./);
      assert.equal(beyond(result.found), []);
    });
  }
});
