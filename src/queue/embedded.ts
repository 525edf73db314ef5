/** PostgreSQL in this process, for a single machine: PGlite, which is PostgreSQL as WebAssembly, behind a socket. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPglite, loadPgliteSocket } from './packages.js';

export interface Embedded {
  readonly url: string;
  close(): Promise<void>;
}

const mostConnections = 64;

/**
 * Starts an empty server in memory: a queue holds nothing that the store does not know, so there is nothing to keep. Its
 * socket lies in a folder that only this user can enter; on Windows it is a port of this machine.
 */
export async function startEmbedded(): Promise<Embedded> {
  const [PGlite, Server] = [await loadPglite(), await loadPgliteSocket()];
  const db = await PGlite.create();
  const folder = await mkdtemp(join(tmpdir(), 'quern-queue-'));
  const windows = process.platform === 'win32';
  const port = windows ? 20_000 + (process.pid % 20_000) : 5432;
  // The name of the file is what drivers of PostgreSQL expect of a port.
  const at = windows ? { host: '127.0.0.1', port } : { path: join(folder, `.s.PGSQL.${port}`) };
  const server = new Server({ db, ...at, maxConnections: mostConnections });
  await server.start();
  // Both drivers and servers take the folder of a socket for a host.
  const socket = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(folder)}&port=${port}`;
  return {
    url: windows ? `postgres://postgres@127.0.0.1:${port}/postgres` : socket,
    async close() {
      await server.stop();
      await db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
