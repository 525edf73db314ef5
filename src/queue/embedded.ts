/** PostgreSQL in this process, for a machine that works alone: a thread with PGlite, which is PostgreSQL as WebAssembly. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BackendError, reasonOf } from '../core/errors.js';
import { makeFolder } from '../core/files.js';
import type { EmbeddedData, EmbeddedNews } from './embeddedWorker.js';

/** What an empty database is kept by, of these versions of the packages. */
export const templateName = 'pglite-0.5.14-bullmq-6.7.0.tar.gz';
/** As drivers of PostgreSQL expect of the folder of a socket. */
const socketName = '.s.PGSQL.5432';
/** Bytes of a socket's path that every system has room for. */
const longestSocket = 103;

const failure = (reason: string) =>
  new BackendError(`queue: the database in this process does not start: ${reason}`, {
    hint: 'TMPDIR names another folder for its socket; --queue names a server instead, of Redis or PostgreSQL.',
  });

/**
 * An empty server in memory: a queue holds nothing that the store does not know, so there is nothing to keep. Its socket
 * lies in a folder that only this user can enter; on Windows it is a free port of this machine.
 */
export class Embedded {
  /** Whether it has started: before, nobody has asked anything of it. */
  started = false;
  private closed = false;
  private starting: Promise<string> | undefined;
  private end: (reason: BackendError) => void = () => {};
  private thread: Worker | undefined;
  private folder: string | undefined;
  private readonly forget = () => {
    if (this.folder !== undefined) rmSync(this.folder, { recursive: true, force: true });
  };

  /** @param cache a folder for what is kept between runs: an empty database, which takes seconds to make */
  constructor(private readonly cache: string) {}

  /**
   * Starts it, if that was not done already; it takes a second or more, on a thread of its own.
   *
   * @returns its address for drivers; rejects with a BackendError where it does not start, or is closed before it has
   */
  start(): Promise<string> {
    if (this.starting !== undefined) return this.starting;
    process.once('exit', this.forget);
    const ended = new Promise<never>((_, reject) => {
      this.end = reject;
    });
    this.starting = Promise.race([this.begin(), ended]);
    // whoever asks again is told
    this.starting.catch(() => {});
    return this.starting;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.end(failure('it is ended'));
    await this.thread?.terminate();
    process.off('exit', this.forget);
    this.forget();
  }

  private async begin(): Promise<string> {
    const template = join(this.cache, templateName);
    await makeFolder(this.cache).catch(() => {});
    if (process.platform === 'win32') {
      const address = await this.startThread({ at: { port: 0 }, template });
      return `postgres://postgres@${address}/postgres`;
    }
    this.folder = await mkdtemp(join(tmpdir(), 'quern-queue-')).catch((cause) => {
      throw failure(`${tmpdir()}: no folder can be made there: ${reasonOf(cause)}`);
    });
    if (this.closed) this.forget();
    const path = join(this.folder, socketName);
    if (Buffer.byteLength(path) > longestSocket)
      throw failure(`the path of its socket is longer than ${longestSocket} bytes: ${path}`);
    await this.startThread({ at: { path }, template });
    // Both drivers and servers take the folder of a socket for a host.
    return `postgres://postgres@localhost/postgres?host=${encodeURIComponent(this.folder)}&port=5432`;
  }

  /** Waits for the thread's news: the address that it listens at. */
  private async startThread(data: EmbeddedData): Promise<string> {
    // a thread that nobody ends would keep the process
    if (this.closed) throw failure('it is ended');
    const thread = new Worker(new URL('./embeddedWorker.js', import.meta.url), { workerData: data });
    this.thread = thread;
    const news = await new Promise<EmbeddedNews>((resolve) => {
      thread.once('message', resolve);
      thread.once('error', (error: Error) => resolve({ failure: error.message }));
      thread.once('exit', (code) => resolve({ failure: `its thread has ended with ${code}` }));
    });
    if (!('address' in news)) throw failure(news.failure);
    this.started = true;
    return news.address;
  }
}
