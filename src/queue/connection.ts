/** The engine of jobs: BullMQ on Redis or PostgreSQL. What it does is the same on both, and on PGlite. */
import type { Job, Queue, Worker, WorkerOptions } from 'bullmq';
import { BackendError } from '../core/errors.js';
import { hideSecrets, type ServerAddress } from './address.js';
import { loadBullmq, loadIoredis, loadPg } from './packages.js';
import { postgresOptions, redisOptions } from './servers.js';

/** Told of a fault that passes by itself: a server that restarts, a network that is cut. */
export type OnFault = (message: string) => void;

export interface Connection {
  readonly address: ServerAddress;
  openQueue(name: string): Queue;
  openWorker(name: string, work: (job: Job) => Promise<unknown>, options: Partial<WorkerOptions>): Worker;
  close(): Promise<void>;
}

/** Sees that the server is there, before anything waits for it. */
async function checkServer(address: ServerAddress): Promise<void> {
  try {
    if (address.kind === 'redis') {
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
        throw new Error(reason || (error as Error).message);
      } finally {
        client.disconnect();
      }
    } else {
      const { Client } = await loadPg();
      const client = new Client(postgresOptions(address));
      client.on('error', () => {});
      try {
        await client.connect();
      } finally {
        await client.end().catch(() => {});
      }
    }
  } catch (cause) {
    if (cause instanceof BackendError) throw cause;
    const error = cause as Error & { errors?: Error[] };
    const reason = error.message || error.errors?.[0]?.message || 'no answer';
    throw new BackendError(`--queue ${address.shown}: cannot be reached: ${hideSecrets(reason, address)}`, {
      hint: 'Is the server running, and may this machine and user connect to it?',
    });
  }
}

async function openRedis(address: ServerAddress, onFault: OnFault): Promise<Connection> {
  const { Queue, Worker } = await loadBullmq();
  const connection = redisOptions(address);
  const fault = (error: Error) => onFault(hideSecrets(error.message, address));
  return {
    address,
    openQueue: (name) => new Queue(name, { connection, prefix: 'quern' }).on('error', fault),
    openWorker: (name, work, options) =>
      new Worker(name, work, { connection, prefix: 'quern', ...options }).on('error', fault),
    close: async () => {},
  };
}

async function openPostgres(address: ServerAddress, onFault: OnFault): Promise<Connection> {
  const { Queue, Worker, createPostgresBackend } = await loadBullmq();
  const fault = (error: Error) => onFault(hideSecrets(error.message, address));
  // a schema of its own would need a right that not every user has
  const connection = { ...postgresOptions(address), schema: 'public', migrate: true, max: 4 };
  return {
    address,
    openQueue: (name) => {
      const queue = new Queue(name, { connection }, createPostgresBackend);
      queue.on('error', fault);
      return queue as unknown as Queue;
    },
    openWorker: (name, work, options) => {
      const { connection: _, ...others } = options;
      const worker = new Worker(name, work, { connection, ...others }, createPostgresBackend);
      worker.on('error', fault);
      return worker as unknown as Worker;
    },
    close: async () => {},
  };
}

/**
 * Connects to a server. Later faults of it are told, and waited for.
 *
 * @throws BackendError, without the password, when it cannot be reached now
 */
export async function connect(address: ServerAddress, onFault: OnFault): Promise<Connection> {
  await checkServer(address);
  return address.kind === 'redis' ? openRedis(address, onFault) : openPostgres(address, onFault);
}
