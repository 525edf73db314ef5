import * as assert from 'uvu/assert';
import { exactJson } from '../../src/core/json.js';
import { suite } from '../support/suite.js';

suite('exact JSON', (test) => {
  test('numbers that JSON confuses stay apart, however deep', () => {
    const numbers = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324];
    const texts = [...numbers, null].map((number) => exactJson({ attributes: [{ number }] }));
    assert.is(new Set(texts).size, texts.length, texts.join(' '));
  });

  test('what equals has one text', () => {
    assert.is(exactJson([{ value: Number.NaN }, -0]), exactJson([{ value: 0 / 0 }, 0 * -1]));
    assert.is(exactJson({ a: [1, 0.5], b: 'x', c: undefined }), '{"a":[1,0.5],"b":"x"}');
  });
});
