/** A Redis that speaks TLS, with a certificate of its own making. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { BackendError } from '../../src/core/errors.js';
import { openQueue } from '../../src/queue/open.js';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';

const wanted = ['redis-server', 'openssl'];
const missing = wanted.filter((name) => spawnSync(name, ['--help']).error !== undefined);
const port = 20_000 + (process.pid % 20_000);

/** Starts a server that takes connections with TLS alone. */
async function withServer(run: (folder: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
    const files = ['-keyout', key, '-out', certificate, '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync('openssl', [...request, ...files], { stdio: 'ignore' });
    const server = spawn('redis-server', [
      ...['--port', '0', '--tls-port', String(port), '--bind', '127.0.0.1', '--requirepass', 'secret'],
      ...['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', certificate],
      ...['--tls-auth-clients', 'no', '--save', '', '--dir', folder],
    ]);
    try {
      await new Promise<void>((ready, fail) => {
        server.stdout.on('data', (text) => /Ready to accept/.test(String(text)) && ready());
        server.on('close', () => fail(new Error('redis-server ended: has it TLS?')));
      });
      await run(folder);
    } finally {
      server.kill('SIGKILL');
      await setTimeout(100);
    }
  });
}

suite('rediss://', (test) => {
  if (missing.length > 0) {
    test.unavailable('a certificate of its own making', `there is no ${missing.join(' and no ')}`);
    return;
  }
  test('a certificate of its own making is refused, with the cure, unless it need not be checked', () =>
    withServer(async (folder) => {
      const address = `rediss://:secret@localhost:${port}`;
      const error = (await openQueue({ queue: address, folder }, () => {}).catch(
        (thrown: unknown) => thrown,
      )) as BackendError;
      assert.is(
        error.message,
        `--queue rediss://localhost:${port}: cannot be reached: self-signed certificate\n` +
          '  For a server with a certificate of your own: NODE_EXTRA_CA_CERTS=FILE names that of its authority, before quern starts.',
      );
      const opened = await openQueue({ queue: `${address}?insecure=1`, folder }, () => {});
      try {
        await opened.store.write('a', Uint8Array.of(7));
        assert.equal([...((await opened.store.read('a')) ?? [])], [7]);
      } finally {
        await opened.close();
      }
    }));
});
