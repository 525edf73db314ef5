/** How drivers are told of a server. */
import { isIP } from 'node:net';
import type { ServerAddress } from './address.js';

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
