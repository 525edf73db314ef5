import * as assert from 'uvu/assert';
import {
  messageOf,
  properAddress,
  QuernError,
  reasonOf,
  sentenceOf,
  sentencesOf,
  withoutSecrets,
} from '../../src/core/errors.js';
import { suite } from '../support/suite.js';

suite('what errors say', (test) => {
  const error = new QuernError('f: it is wrong', { hint: 'Do it right.' });

  test('the message, whatever was thrown', () => {
    assert.is(messageOf(error), 'f: it is wrong\n  Do it right.');
    assert.is(messageOf('text'), 'text');
    assert.is(messageOf(undefined), 'undefined');
  });

  test('a list below the sentence, above the hint', () => {
    const listed = new QuernError('f: two are wrong:', { list: ['a', 'b'], hint: 'Do it right.' });
    assert.is(listed.message, 'f: two are wrong:\n  a\n  b\n  Do it right.');
    assert.equal([listed.list, error.list], [['a', 'b'], []]);
  });

  test('the first line', () => {
    assert.is(sentenceOf(error), 'f: it is wrong');
    assert.is(sentenceOf(''), '');
  });

  test('with the cause, where the message does not have it', () => {
    assert.is(
      sentencesOf(new Error('it fails', { cause: new Error('no room\nat all') })),
      'it fails (no room)',
    );
    assert.is(
      sentencesOf(new Error('it fails: no room', { cause: new Error('no room') })),
      'it fails: no room',
    );
    assert.is(sentencesOf(error), 'f: it is wrong');
  });

  test('the reason of the system, without the path', () => {
    const system = new Error("ENOENT: no such file or directory, open '/a/b'");
    assert.is(reasonOf(system), 'ENOENT: no such file or directory');
  });
});

suite('addresses without secrets', (test) => {
  test('of a proper one scheme, server and path stay', () => {
    for (const [address, shown] of [
      ['redis://:x@10.0.0.5:1/2', 'redis://10.0.0.5:1/2'],
      ['redis://u:p@ss@[::1]:1', 'redis://[::1]:1'],
      ['postgres://u:p@db/quern?password=x', 'postgres://db/quern'],
      ['ftp://x', 'ftp://x'],
    ] as const)
      assert.is(withoutSecrets(address), shown);
  });

  test('of what is none, nothing before the last @ but a scheme', () => {
    for (const [text, shown] of [
      ['redis://:pa/ss@h:1/2', 'redis://***@h:1/2'],
      ['redis://u:12/ss@h', 'redis://***@h'],
      ['redis://u:12?ss@h', 'redis://***'],
      ['redis://h?password=a@b', 'redis://***'],
      ['redis://:x', 'redis://:***'],
      ['redis://h:99999', 'redis://h:99999'],
      ['u:x', 'u:***'],
      ['u:x@h', '***@h'],
      ['just a text', 'just a text'],
    ] as const) {
      assert.is(properAddress(text), undefined, text);
      assert.is(withoutSecrets(text), shown);
    }
  });
});
