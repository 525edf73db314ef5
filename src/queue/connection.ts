/** The engine of jobs: BullMQ on Redis or PostgreSQL, PGlite too; the part of it that Quern uses. */
import { hideSecrets, parseServerAddress, type ServerAddress } from './address.js';
import type { Embedded } from './embedded.js';
import { loadBullmq } from './packages.js';
import { checkServer, postgresOptions, redisOptions } from './servers.js';

/** Told of a fault that passes by itself: a server that restarts, a network that is cut. */
export type OnFault = (message: string) => void;

export interface GivenJob {
  readonly data: unknown;
  /** How often workers have failed at it. */
  readonly attemptsMade: number;
}

export interface JobOptions {
  /** A job of the same name that is there already stays as it is. */
  readonly jobId: string;
  /** 1 is the most urgent. */
  readonly priority: number;
  /** How often it may fail before it is given up. */
  readonly attempts: number;
  readonly backoff: { readonly type: 'fixed'; readonly delay: number };
  readonly removeOnComplete: true;
}

export interface QueuedJob {
  readonly failedReason: string;
  isFailed(): Promise<boolean>;
  remove(): Promise<void>;
}

export interface JobQueue {
  add(name: string, data: unknown, options: JobOptions): Promise<unknown>;
  getJob(id: string): Promise<QueuedJob | undefined>;
  /** Gives 1 where it was removed, 0 where it is not there or a worker is at it. */
  remove(id: string): Promise<number>;
  close(): Promise<void>;
}

export interface JobWorker {
  /** Takes no more jobs; what it is at goes on. */
  pause(doNotWaitActive: true): Promise<void>;
  resume(): void | Promise<void>;
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly concurrency: number;
  readonly lockDuration: number;
  readonly stalledInterval: number;
  readonly maxStalledCount: number;
  readonly removeOnComplete: { readonly count: number };
  readonly drainDelay: number;
}

export interface Connection {
  /** Where the queue is, for people: without secrets. */
  readonly shown: string;
  openQueue(name: string): Promise<JobQueue>;
  openWorker(
    name: string,
    work: (job: GivenJob) => Promise<unknown>,
    options: WorkerOptions,
  ): Promise<JobWorker>;
}

/** What users are told of a fault: in our words where the library's tell nothing, and without secrets. */
export function faultText(message: string, address: Pick<ServerAddress, 'url'>): string {
  if (/^could not renew lock for job/.test(message))
    return 'a training was not reported within the time of its lock (was this machine asleep, or very busy?): it goes on, here or on another worker, to the same bytes';
  return hideSecrets(message, address);
}

async function openRedis(address: ServerAddress, onFault: OnFault): Promise<Connection> {
  const { Queue, Worker } = await loadBullmq();
  const connection = redisOptions(address);
  const fault = (error: Error) => onFault(faultText(error.message, address));
  return {
    shown: address.shown,
    openQueue: async (name) => new Queue(name, { connection, prefix: 'quern' }).on('error', fault),
    openWorker: async (name, work, options) =>
      new Worker(name, work, { connection, prefix: 'quern', ...options }).on('error', fault),
  };
}

async function openPostgres(address: ServerAddress, onFault: OnFault): Promise<Connection> {
  const { Queue, Worker, createPostgresBackend } = await loadBullmq();
  const fault = (error: Error) => onFault(faultText(error.message, address));
  // a schema of its own would need a right that not every user has
  const connection = { ...postgresOptions(address), schema: 'public', migrate: true, max: 4 };
  return {
    shown: address.shown,
    openQueue: async (name) => {
      const queue = new Queue(name, { connection }, createPostgresBackend);
      queue.on('error', fault);
      return queue;
    },
    openWorker: async (name, work, options) => {
      const worker = new Worker(name, work, { connection, ...options }, createPostgresBackend);
      worker.on('error', fault);
      return worker;
    },
  };
}

/** The queue of a server in this process, which starts when it is asked for. */
export function connectEmbedded(server: Pick<Embedded, 'start'>, onFault: OnFault): Connection {
  let connection: Promise<Connection> | undefined;
  const connected = () => {
    connection ??= server.start().then((url) => connect(parseServerAddress(url, '--queue'), onFault));
    return connection;
  };
  return {
    shown: 'this process',
    openQueue: async (name) => (await connected()).openQueue(name),
    openWorker: async (...given) => (await connected()).openWorker(...given),
  };
}

/**
 * Connects to a server. Later faults of it are told, and waited for.
 *
 * @throws BackendError, without the password, when it cannot be reached now
 */
export async function connect(address: ServerAddress, onFault: OnFault): Promise<Connection> {
  await checkServer(address, '--queue');
  return address.kind === 'redis' ? openRedis(address, onFault) : openPostgres(address, onFault);
}
