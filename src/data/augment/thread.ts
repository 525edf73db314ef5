/** The common part of Node's and the browser's workers, as far as augmenting uses it. */
import { checkOwnAddress } from '../../core/workerScript.js';
import type { WorkerMessage } from './dataWorker.js';

export interface Thread {
  send(message: WorkerMessage): void;
  /** While it is awaited a thread keeps the process alive, and at no other time. */
  await(awaited: boolean): void;
  terminate(): Promise<void>;
}

interface ThreadEvents {
  /** A job is done. */
  done(job: number): void;
  /** It has ended by itself, by an error, or was terminated. */
  died(reason: string): void;
}

/** Tells whether threads can share memory here. Browsers allow it to pages that are cross-origin isolated alone. */
export function canShare(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  return typeof process !== 'undefined' || globalThis.crossOriginIsolated === true;
}

/** @param script where dataWorker.js is, if not beside this file */
export function startThread(
  name: string,
  script: string | URL | undefined,
  { done, died }: ThreadEvents,
): Thread {
  if (script === undefined) {
    const cure = 'fit(…, { dataWorkers: { workerUrl } }); { dataWorkers: { workers: 0 } } needs none';
    checkOwnAddress(import.meta.url, 'quern/data-worker', cure);
  }
  // getBuiltinModule, not an import: bundlers for browsers need not know node:worker_threads
  const node = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
  if (node !== undefined) {
    // the options of this process are not the worker's: with --input-type it would not even start
    const worker = new node.Worker(script ?? new URL('./dataWorker.js', import.meta.url), {
      name,
      execArgv: [],
    });
    worker.unref();
    worker.on('message', done);
    worker.on('error', (error) => died(String(error)));
    worker.on('exit', (code) => died(`it ended with code ${code}`));
    return {
      send: (message) => worker.postMessage(message),
      await: (awaited) => (awaited ? worker.ref() : worker.unref()),
      terminate: async () => void (await worker.terminate()),
    };
  }
  const worker = startWebWorker(script);
  worker.onmessage = ({ data }: MessageEvent<number>) => done(data);
  // an event without a message: the script did not load
  worker.onerror = ({ message }) => died(message ?? 'its script does not load');
  return {
    send: (message) => worker.postMessage(message),
    await: () => {},
    terminate: async () => worker.terminate(),
  };
}

function startWebWorker(script: string | URL | undefined): Worker {
  if (script !== undefined) return new Worker(script, { type: 'module' });
  // bundlers know a worker by exactly this expression, and make a file of what it needs
  return new Worker(new URL('./dataWorker.js', import.meta.url), { type: 'module' });
}
