import * as assert from 'uvu/assert';
import {
  checkArgument,
  checkInteger,
  checkNumber,
  checkPositive,
  checkRange,
  checkShare,
} from '../../src/core/check.js';
import { UsageError } from '../../src/core/errors.js';
import { assertThrows } from '../nn/support.js';
import { suite } from '../support/suite.js';

const refuses = (check: () => void, message: string) => assertThrows(check, UsageError, message);

suite('checks of arguments', (test) => {
  test('what is in range passes, ends as they are said', () => {
    for (const value of [1, 2, Number.MAX_SAFE_INTEGER]) checkInteger('f: n', value);
    for (const value of [0, 5]) checkInteger('f: n', value, 0, 5);
    for (const value of [-1e300, 0]) checkNumber('f: x', value);
    checkPositive('f: x', 5e-324);
    for (const value of [0, 0.999]) checkRange('f: x', value, 0, 1);
    checkRange('f: x', 1e300, 0);
    for (const value of [0, 1]) checkShare('f: x', value);
    checkArgument('f: x', 'even', 2, true);
    assert.ok(true);
  });

  test('what is not is said with its value', () => {
    const text: unknown = '2';
    refuses(() => checkInteger('f: n', 0), 'f: n must be a whole number of at least 1: 0');
    refuses(
      () => checkInteger('f: n', 2 ** 53),
      'f: n must be a whole number of at least 1: 9007199254740992',
    );
    refuses(() => checkInteger('f: n', text as number), 'f: n must be a whole number of at least 1: 2');
    refuses(() => checkInteger('f: n', 6, 0, 5), 'f: n must be a whole number from 0 to 5: 6');
    refuses(() => checkNumber('f: x', Infinity), 'f: x must be a number: Infinity');
    refuses(() => checkPositive('f: x', Number.NaN), 'f: x must be a number above 0: NaN');
    refuses(() => checkRange('f: x', 1, 0, 1), 'f: x must be at least 0 and below 1: 1');
    refuses(() => checkRange('f: x', text as number, 0), 'f: x must be a number of at least 0: 2');
    refuses(() => checkShare('f: x', 1.5), 'f: x must be a number from 0 to 1: 1.5');
    refuses(() => checkArgument('f: x', 'even', undefined, false), 'f: x must be even: undefined');
  });
});
