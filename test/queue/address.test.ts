import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import { hideSecrets, isServerAddress, parseServerAddress } from '../../src/queue/address.js';
import { faultText } from '../../src/queue/connection.js';
import { redisOptions } from '../../src/queue/servers.js';
import { suite } from '../support/suite.js';

suite('addresses of servers', (test) => {
  test('say what they are, without their secrets', () => {
    const redis = parseServerAddress('rediss://me:s%40cret@cache.local:6380/2', '--queue');
    assert.is(redis.kind, 'redis');
    assert.is(redis.shown, 'rediss://cache.local:6380/2');
    const postgres = parseServerAddress(
      'postgresql://u:p@db/quern?sslmode=verify-full&password=other',
      '--queue',
    );
    assert.is(postgres.kind, 'postgres');
    assert.is(postgres.shown, 'postgresql://db/quern');
    assert.is(parseServerAddress('redis://:a@b@10.0.0.5', '--queue').shown, 'redis://10.0.0.5');
    assert.is(parseServerAddress('postgres:///db?host=/run/postgresql', '--queue').shown, 'postgres:///db');
    assert.ok(
      isServerAddress('postgres://a') && isServerAddress('rediss://a') && !isServerAddress('./folder'),
    );
  });

  test('what is none is refused without its password', () => {
    for (const text of [
      'mysql://u:secret@h/d',
      'http://u:secret@h',
      'just a text',
      'redis://:sec/secret@127.0.0.1:1',
      'redis://u:12/secret@127.0.0.1:1',
      'redis://u:12?secret@127.0.0.1:1',
      'redis://:secret%@127.0.0.1:1',
      'redis://:secret',
      'rediss+tls://:secret@127.0.0.1',
      ':secret@127.0.0.1:1',
      ' redis://:secret@127.0.0.1',
      'redis:/:secret@127.0.0.1',
      'postgres:quern:secret@127.0.0.1/postgres',
    ]) {
      assert.throws(
        () => parseServerAddress(text, '--queue'),
        (error: Error) =>
          error instanceof UsageError &&
          error.message.startsWith('--queue: not the address of a server: ') &&
          error.message.includes('\n  It begins with redis://, rediss://, postgres:// or postgresql://') &&
          error.message.includes('percent-encoded') &&
          !error.message.includes('secret'),
      );
    }
  });

  test('a database of Redis is a whole number', () => {
    for (const path of ['abc', '1.5', '-1', '1/2', '0x1'])
      assert.throws(
        () => parseServerAddress(`redis://:secret@h/${path}`, '--store'),
        (error: Error) =>
          error instanceof UsageError &&
          error.message.startsWith(
            `--store: the database of Redis is no whole number: redis://h/${path}\n  It `,
          ),
      );
    for (const [text, database] of [
      ['redis://h', 0],
      ['redis://h/', 0],
      ['redis://h/15', 15],
    ] as const)
      assert.is(redisOptions(parseServerAddress(text, '--queue')).db, database);
    assert.is(parseServerAddress('postgres://h/abc', '--queue').shown, 'postgres://h/abc');
  });

  test('a password is hidden in what a driver says, plain or encoded', () => {
    const address = { url: 'redis://me:s%40cret@h:1' };
    assert.is(
      hideSecrets('WRONGPASS s@cret s%40cret redis://me:s%40cret@h:1', address),
      'WRONGPASS *** *** ***',
    );
    assert.is(hideSecrets('nothing', { url: 'redis://h' }), 'nothing');
  });

  test('tells of a lost lock what it may come from, and of other faults without secrets', () => {
    const address = parseServerAddress('redis://me:s%40cret@h:1', '--queue');
    assert.match(faultText('could not renew lock for job 46ddb87b', address), /^a training was not reported/);
    assert.is(faultText('WRONGPASS s@cret', address), 'WRONGPASS ***');
  });

  test('rediss:// is encrypted and checks the certificate, redis:// is not', () => {
    const options = redisOptions(parseServerAddress('rediss://me:s%40cret@cache.local:6380/2', '--queue'));
    assert.equal([options.host, options.port, options.db], ['cache.local', 6380, 2]);
    assert.is(options.password, 's@cret');
    assert.equal(options.tls, { servername: 'cache.local', rejectUnauthorized: true });
    const numbered = redisOptions(parseServerAddress('rediss://10.0.0.5', '--queue'));
    assert.equal(numbered.tls, { rejectUnauthorized: true });
    const plain = redisOptions(parseServerAddress('redis://cache.local', '--queue'));
    assert.is(plain.port, 6379);
    assert.is('tls' in plain, false);
  });
});
