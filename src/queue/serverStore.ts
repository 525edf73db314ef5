/** Stores within the servers that hold the queue. */
import { BackendError, QuernError } from '../core/errors.js';
import { hideSecrets, type ServerAddress } from './address.js';
import { loadIoredis, loadPg } from './packages.js';
import { checkServer, postgresOptions, redisOptions } from './servers.js';
import { checkStoreName, type Store } from './store.js';

/** Redis keeps a value of up to 512 MB, PostgreSQL one of 1 GB. */
const mostBytes = 500e6;

function checkSize(name: string, bytes: Uint8Array): void {
  if (bytes.length > mostBytes)
    throw new BackendError(
      `store: ${name} is too large for a database: ${bytes.length} bytes, at most ${mostBytes}`,
      {
        hint: 'Give --store a folder or a bucket that all workers reach.',
      },
    );
}

/** The failures of a driver, without the secrets of the address. */
function failing<T>(address: ServerAddress, work: () => Promise<T>): Promise<T> {
  return work().catch((cause: Error) => {
    if (cause instanceof QuernError) throw cause;
    throw new BackendError(`${address.shown}: ${hideSecrets(cause.message || String(cause), address)}`);
  });
}

async function openRedisStore(address: ServerAddress): Promise<Store> {
  const Redis = await loadIoredis();
  const client = new Redis({ ...redisOptions(address), lazyConnect: true });
  // reported where a call fails
  client.on('error', () => {});
  await failing(address, () => client.connect());
  const key = (name: string) => `quern:store:${checkStoreName(name)}`;
  return {
    name: address.shown,
    read: (name) => failing(address, async () => (await client.getBuffer(key(name))) ?? undefined),
    write: async (name, bytes) => {
      checkSize(name, bytes);
      await failing(address, () => client.set(key(name), Buffer.from(bytes)));
    },
    create: (name, bytes) =>
      failing(address, async () => (await client.set(key(name), Buffer.from(bytes), 'NX')) === 'OK'),
    remove: async (name) => {
      await failing(address, () => client.del(key(name)));
    },
    list: (start) =>
      failing(address, async () => {
        const found = new Set<string>();
        let cursor = '0';
        do {
          const [next, keys] = await client.scan(cursor, 'MATCH', `quern:store:${start}*`, 'COUNT', 500);
          for (const each of keys) found.add(each.slice('quern:store:'.length));
          cursor = next;
        } while (cursor !== '0');
        return [...found].sort();
      }),
    close: async () => client.disconnect(),
  };
}

/** Whether a server of PostgreSQL is away, not at odds with what it is asked: class 08 and 57P of its codes, those of sockets. */
export function isAway(error: Error & { readonly code?: unknown }): boolean {
  const code = String(error.code ?? '');
  return (
    /^(08|57P)/.test(code) ||
    /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)/.test(code) ||
    /^(Connection terminated|timeout exceeded when trying to connect)/.test(error.message)
  );
}

/** Seconds that a server may be away; the driver of Redis waits by itself. */
const longestAway = 600;

async function waiting<T>(work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error as Error) || performance.now() - began > longestAway * 1000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

async function openPostgresStore(address: ServerAddress): Promise<Store> {
  const { Pool } = await loadPg();
  const pool = new Pool({ ...postgresOptions(address), max: 3 });
  pool.on('error', () => {});
  const query = (text: string, values: unknown[] = []) =>
    failing(address, () => waiting(() => pool.query(text, values)));
  await query(
    'CREATE TABLE IF NOT EXISTS quern_store (name text PRIMARY KEY, content bytea NOT NULL, written timestamptz NOT NULL DEFAULT now())',
  ).catch(async (error: Error) => {
    // Two that begin in the same moment: one of them makes the table.
    if (!/duplicate key|already exists|concurrently/.test(error.message)) throw error;
  });
  return {
    name: address.shown,
    read: async (name) => {
      const { rows } = await query('SELECT content FROM quern_store WHERE name = $1', [checkStoreName(name)]);
      const [row] = rows as { content: Buffer }[];
      return row?.content;
    },
    write: async (name, bytes) => {
      checkSize(name, bytes);
      await query(
        'INSERT INTO quern_store (name, content) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET content = $2, written = now()',
        [checkStoreName(name), Buffer.from(bytes)],
      );
    },
    create: async (name, bytes) => {
      const { rowCount } = await query(
        'INSERT INTO quern_store (name, content) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING',
        [checkStoreName(name), Buffer.from(bytes)],
      );
      return rowCount === 1;
    },
    remove: async (name) => {
      await query('DELETE FROM quern_store WHERE name = $1', [checkStoreName(name)]);
    },
    list: async (start) => {
      const { rows } = await query('SELECT name FROM quern_store WHERE starts_with(name, $1) ORDER BY name', [
        start,
      ]);
      return (rows as { name: string }[]).map(({ name }) => name);
    },
    close: () => pool.end(),
  };
}

/** A store in a server of Redis or PostgreSQL. Throws BackendError when it cannot be reached. */
export async function openServerStore(address: ServerAddress): Promise<Store> {
  // the drivers would try again for as long as they live
  await checkServer(address, '--store');
  return address.kind === 'redis' ? openRedisStore(address) : openPostgresStore(address);
}
