import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import { authorization, openBucket } from '../../src/queue/bucket.js';
import { checkStoreAddress, openStore, type Store } from '../../src/queue/store.js';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';
import { absent, servers } from './servers.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (content: Uint8Array | undefined) => content && new TextDecoder().decode(content);

/** What every store does. */
async function contract(store: Store): Promise<void> {
  const folder = `test-${randomUUID()}`;
  const name = (end: string) => `${folder}/${end}`;
  assert.is(await store.read(name('none')), undefined);
  await store.write(name('a.bin'), bytes('first'));
  await store.write(name('a.bin'), bytes('second'));
  assert.is(textOf(await store.read(name('a.bin'))), 'second');
  assert.is(await store.create(name('b.json'), bytes('one')), true);
  assert.is(await store.create(name('b.json'), bytes('two')), false);
  assert.is(textOf(await store.read(name('b.json'))), 'one');
  const both = await Promise.all(['x', 'y', 'z'].map((text) => store.create(name('race'), bytes(text))));
  assert.is(both.filter((made) => made).length, 1, 'one of those that come together makes it');
  await store.write(name('empty'), new Uint8Array());
  assert.is((await store.read(name('empty')))?.length, 0);
  const large = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256);
  await store.write(name('large'), large);
  assert.equal(new Uint8Array((await store.read(name('large')))!), large);
  assert.equal(
    (await store.list(`${folder}/`)).sort(),
    ['a.bin', 'b.json', 'empty', 'large', 'race'].map(name),
  );
  for (const each of await store.list(`${folder}/`)) await store.remove(each);
  await store.remove(name('never'));
  assert.equal(await store.list(`${folder}/`), []);
  for (const bad of ['../x', '/x', 'a/../../b', '', 'a//b', '.hidden', 'a b'])
    await store.read(bad).then(
      () => assert.unreachable(bad),
      (error: Error) => assert.match(error.message, /^store: not a name: /),
    );
}

/** A server that speaks enough of S3, and checks every signature. */
async function withBucket(
  run: (endpoint: string, stored: Map<string, Buffer>) => Promise<void>,
): Promise<void> {
  const stored = new Map<string, Buffer>();
  const credentials = { key: 'KEY', secret: 'SECRET', region: 'eu-test-1' };
  let refusals = 2;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const url = new URL(request.url!, `http://${request.headers.host}`);
    const once = request.headers['if-none-match'];
    const expected = authorization(
      {
        method: request.method!,
        url,
        body,
        time: String(request.headers['x-amz-date']),
        headers: once === undefined ? {} : { 'if-none-match': once },
      },
      credentials,
    );
    const end = (status: number, content: Buffer | string = '') => response.writeHead(status).end(content);
    if (request.headers.authorization !== expected)
      return end(403, '<Error><Code>SignatureDoesNotMatch</Code></Error>');
    // a busy server is asked again
    if (refusals-- > 0) return end(503, '<Error><Code>SlowDown</Code></Error>');
    const key = decodeURIComponent(url.pathname.replace(/^\/bucket\//, ''));
    if (url.searchParams.has('list-type')) {
      const prefix = url.searchParams.get('prefix')!;
      const names = [...stored.keys()].filter((each) => each.startsWith(prefix)).sort();
      const from = Number(url.searchParams.get('continuation-token') ?? 0);
      const more =
        names.length > from + 2 ? `<NextContinuationToken>${from + 2}</NextContinuationToken>` : '';
      return end(
        200,
        `<R>${names
          .slice(from, from + 2)
          .map((each) => `<Key>${each}</Key>`)
          .join('')}${more}</R>`,
      );
    }
    if (request.method === 'PUT') {
      if (once === '*' && stored.has(key)) return end(412);
      stored.set(key, body);
      return end(200);
    }
    if (request.method === 'DELETE') {
      stored.delete(key);
      return end(204);
    }
    const found = stored.get(key);
    return found === undefined ? end(404) : end(200, found);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, stored);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const environment = (endpoint: string, secret = 'SECRET') => ({
  AWS_ACCESS_KEY_ID: 'KEY',
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_REGION: 'eu-test-1',
  AWS_ENDPOINT_URL_S3: endpoint,
});

suite('stores', (test) => {
  test('a folder', () => inFolder(async (folder) => contract(await openStore(`${folder}/store`))));

  for (const { name, url, variable } of servers) {
    if (url === undefined) test.unavailable(name, absent(variable));
    else
      test(name, async () => {
        const store = await openStore(url);
        await contract(store).finally(() => store.close());
      });
  }

  test('a bucket, its requests signed, tried again where the server is busy', () =>
    withBucket(async (endpoint, stored) => {
      await contract(openBucket('s3://bucket/some/folder', environment(endpoint)));
      assert.is(stored.size, 0);
      await openBucket('s3://bucket/some', environment(endpoint)).write('a', bytes('x'));
      assert.equal([...stored.keys()], ['some/a']);
      const wrong = openBucket('s3://bucket', environment(endpoint, 'OTHER'));
      await wrong.read('a').then(
        () => assert.unreachable(),
        (error: Error) => assert.is(error.message, 's3://bucket: GET failed: 403 SignatureDoesNotMatch'),
      );
    }));

  test('a signature is that of the example in the documentation of S3', () => {
    // "GET Object" of Authenticating Requests (AWS Signature Version 4), Amazon S3 API Reference
    const signed = authorization(
      {
        method: 'GET',
        url: new URL('https://examplebucket.s3.amazonaws.com/test.txt'),
        headers: { range: 'bytes=0-9' },
        body: new Uint8Array(),
        time: '20130524T000000Z',
      },
      {
        key: 'AKIAIOSFODNN7EXAMPLE',
        secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
        region: 'us-east-1',
      },
    );
    assert.match(signed, /Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41$/);
  });

  test('a mistyped address is no folder, and its password is not shown', async () => {
    for (const address of [
      'redos://:secret@127.0.0.1:1',
      'http://u:secret@h/x',
      'redis://:sec/secret@h',
      'rediss+tls://:secret@h',
      's3://KEY:sec/secret@bucket',
      'S3://KEY:secret@bucket',
      'pg:quern:secret@h',
      'redis:/:secret@h',
      ':secret@h:1',
      ' redis://:secret@h',
      '"redis://:secret@h"',
      'redis:/h',
    ])
      await openStore(address).then(
        () => assert.unreachable(address),
        (error: Error) => {
          assert.instance(error, UsageError);
          assert.match(error.message, /^--store: not (a folder|the address|a bucket)/);
          assert.not.match(error.message, /secret/);
        },
      );
    for (const folder of ['C:\\runs', 'C:/runs/a@b', './redis:x@h', 'runs/a:b@h', 'me@host:runs', 'a@b'])
      checkStoreAddress(folder);
  });

  test('keys in the address of a server of buckets are not shown', () => {
    for (const endpoint of ['http://KEY:secret@h', 'http://KEY:sec/secret@h', 'h:9000'])
      assert.throws(
        () => openBucket('s3://bucket', environment(endpoint)),
        (error: Error) =>
          error.message.startsWith('AWS_ENDPOINT_URL_S3: not the address of a server: ') &&
          !error.message.includes('secret'),
      );
  });

  test('what is no store is said', async () => {
    await openStore('ftp://x').then(
      () => assert.unreachable(),
      (error: Error) =>
        assert.match(
          error.message,
          /^--store: not a folder, a server or a bucket: ftp:\/\/x\n {2}A folder, /,
        ),
    );
    assert.throws(
      () => openBucket('s3://bucket', {}),
      /^--store s3: the keys of the bucket are missing\n {2}Set AWS_ACCESS_KEY_ID/,
    );
    assert.throws(
      () => openBucket('s3://B', environment('http://x')),
      /^--store: not a bucket: s3:\/\/B: it is s3:\/\/bucket\/folder$/,
    );
  });
});
