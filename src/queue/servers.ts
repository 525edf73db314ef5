/** How drivers are told of a server. */
import { isIP } from 'node:net';
import { BackendError } from '../core/errors.js';
import { hideSecrets, type ServerAddress } from './address.js';
import { loadIoredis, loadPg } from './packages.js';

/** Milliseconds of silence after which a connection is asked whether it is still there: systems wait for two hours. */
const noticeAfter = 10_000;

/** `rediss://` is encrypted, and the server's certificate is checked. */
export function redisOptions({ url }: ServerAddress) {
  const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(url);
  const host = hostname === '' ? '127.0.0.1' : hostname.replace(/^\[|\]$/g, '');
  // a name of a server is none that is a number
  const tls =
    protocol === 'rediss:'
      ? {
          tls: {
            ...(isIP(host) === 0 && { servername: host }),
            rejectUnauthorized: searchParams.get('insecure') !== '1',
          },
        }
      : {};
  return {
    host,
    port: port === '' ? 6379 : Number(port),
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    db: Number(pathname.slice(1) || 0),
    ...tls,
    // BullMQ demands it: a call waits until the server is back
    maxRetriesPerRequest: null,
    connectTimeout: 10_000,
    keepAlive: noticeAfter,
    retryStrategy: (attempt: number) => Math.min(200 * attempt, 3000),
  };
}

/** The driver reads `?sslmode=verify-full` and the like of the address itself. */
export function postgresOptions({ url }: ServerAddress) {
  return {
    connectionString: url,
    keepAlive: true,
    keepAliveInitialDelayMillis: noticeAfter,
    connectionTimeoutMillis: 10_000,
  };
}

/** A database that there is not is an event of the driver: its connection succeeds, to another one. */
async function checkRedis(address: ServerAddress): Promise<void> {
  const Redis = await loadIoredis();
  const client = new Redis({
    ...redisOptions(address),
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 1,
  });
  let reason = '';
  client.on('error', (error) => {
    reason = error.message;
  });
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    reason ||= (error as Error).message;
  } finally {
    client.disconnect();
  }
  if (reason !== '') throw new Error(reason);
}

async function checkPostgres(address: ServerAddress): Promise<void> {
  const { Client } = await loadPg();
  const client = new Client(postgresOptions(address));
  client.on('error', () => {});
  try {
    await client.connect();
  } finally {
    await client.end().catch(() => {});
  }
}

function cureOf(reason: string): string {
  if (/certificate/.test(reason))
    return 'For a server with a certificate of your own: NODE_EXTRA_CA_CERTS=FILE names that of its authority, before quern starts.';
  if (/DB index/.test(reason))
    return 'The number behind the server names one of its databases: 0 to 15, unless it is told otherwise.';
  return 'Is the server running, and may this machine and user connect to it?';
}

/**
 * Sees that the server is there, before anything waits for it.
 *
 * @param option that it was given with
 * @throws BackendError, without the password, when it cannot be reached, or has not that database
 */
export async function checkServer(address: ServerAddress, option: string): Promise<void> {
  try {
    await (address.kind === 'redis' ? checkRedis(address) : checkPostgres(address));
  } catch (cause) {
    if (cause instanceof BackendError) throw cause;
    const error = cause as Error & { errors?: Error[] };
    const reason = error.message || error.errors?.[0]?.message || 'no answer';
    throw new BackendError(`${option} ${address.shown}: cannot be reached: ${hideSecrets(reason, address)}`, {
      hint: cureOf(reason),
    });
  }
}
