import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import { sha256, sha256OfTwo } from '../../src/core/sha256.js';
import { rejects } from '../support/messages.js';
import { suite } from '../support/suite.js';

const bytes = (text: string) => new TextEncoder().encode(text);

/** FIPS 180-4, examples of one and of two blocks. */
const examples = [
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
] as const;

/** Calls as on a web page, which has no modules of Node.js. */
async function asOnPage<T>(call: () => Promise<T>, crypto: object = globalThis.crypto): Promise<T> {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto')!;
  const { getBuiltinModule } = process;
  Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
  Object.assign(process, { getBuiltinModule: undefined });
  try {
    return await call();
  } finally {
    Object.assign(process, { getBuiltinModule });
    Object.defineProperty(globalThis, 'crypto', own);
  }
}

suite('SHA-256', (test) => {
  test('as published, in Node.js and on a page, in one part or several', async () => {
    for (const [text, hash] of examples) {
      assert.is(await sha256('f', bytes(text)), hash);
      assert.is(await sha256('f', bytes(text.slice(0, 2)), new Uint8Array(0), bytes(text.slice(2))), hash);
      assert.is(await asOnPage(() => sha256('f', bytes(text))), hash);
      assert.is(await asOnPage(() => sha256('f', bytes(text.slice(0, 2)), bytes(text.slice(2)))), hash);
    }
  });

  test('of two parts, and of both as one', async () => {
    const [first, second] = [bytes('ab'), bytes('c')];
    const expected = {
      first: await sha256('f', first),
      second: await sha256('f', second),
      both: examples[0][1],
    };
    assert.equal(await sha256OfTwo('f', first, second), expected);
    assert.equal(await asOnPage(() => sha256OfTwo('f', first, second)), expected);
  });

  test('of memory that is shared', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(8)).subarray(4, 7);
    shared.set(bytes('abc'));
    assert.is(await sha256('f', shared), examples[0][1]);
    assert.is(await asOnPage(() => sha256('f', shared)), examples[0][1]);
  });

  test('a page without a secure context has none', async () => {
    await rejects(
      () => asOnPage(() => sha256('weightsSha256', bytes('abc')), {}),
      UsageError,
      'weightsSha256: this page has no crypto.subtle\n' +
        '  Browsers have it on pages that come by https or from localhost.',
    );
  });
});
