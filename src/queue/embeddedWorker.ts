/** The thread of an embedded server: PGlite, which is PostgreSQL as WebAssembly, behind a socket. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { writeWhole } from '../core/files.js';
import { loadBullmq, loadPg, loadPglite, loadPgliteSocket } from './packages.js';

export interface EmbeddedData {
  /** What it listens at: the path of a socket, or a port of this machine, 0 for any that is free. */
  readonly at: { readonly path: string } | { readonly port: number };
  /** A file that keeps a database with the tables of a queue and nothing in them, which takes seconds to make. */
  readonly template: string;
}

/** The thread's news. */
export type EmbeddedNews = { readonly address: string } | { readonly failure: string };

const mostConnections = 64;

/** Opens a database in memory that has the tables of a queue, or nothing yet. */
async function openDatabase(template: string) {
  const { PGlite } = await loadPglite();
  const kept = await readFile(template).catch(() => undefined);
  if (kept !== undefined) {
    const db = await PGlite.create({ loadDataDir: new Blob([kept]) }).catch(() => undefined);
    if (db !== undefined) return { db, kept: true };
  }
  return { db: await PGlite.create(), kept: false };
}

/** Makes the tables of a queue. */
async function makeTables(address: { readonly host: string; readonly port: number }): Promise<void> {
  const [{ Client }, { runMigrations }] = [await loadPg(), await loadBullmq()];
  const client = new Client({ ...address, user: 'postgres', database: 'postgres' });
  await client.connect();
  await runMigrations(client, 'public');
  await client.end();
}

async function serve({ at, template }: EmbeddedData): Promise<EmbeddedNews> {
  try {
    const { PGLiteSocketServer } = await loadPgliteSocket();
    const { db, kept } = await openDatabase(template);
    const place = 'path' in at ? at : { host: '127.0.0.1', port: at.port };
    const server = new PGLiteSocketServer({ db, ...place, maxConnections: mostConnections });
    await server.start();
    const address = server.getServerConn();
    if (!kept) {
      const port = Number(/:(\d+)$/.exec(address)?.[1]);
      await makeTables('path' in at ? { host: dirname(at.path), port: 5432 } : { host: '127.0.0.1', port });
      const dump = await db.dumpDataDir('gzip');
      // where nothing can be kept it is made each time
      await writeWhole(template, new Uint8Array(await dump.arrayBuffer())).catch(() => {});
    }
    return { address };
  } catch (error) {
    return { failure: (error as Error).message };
  }
}

parentPort!.postMessage(await serve(workerData as EmbeddedData));
