/** The common part of Node's and the browser's workers, as far as it is used. */
import { checkOwnAddress } from '../../core/workerScript.js';
import type { WorkerMessage } from './worker.js';

export interface Thread {
  send(message: WorkerMessage): void;
  terminate(): void;
}

/**
 * Starts a worker that never keeps the process alive.
 *
 * @param script where worker.js is, if not beside this file
 * @param died is called when the worker has ended by itself, by an error, or was terminated
 */
export function startThread(
  name: string,
  script: string | URL | undefined,
  died: (reason: string) => void,
): Thread {
  if (script === undefined) {
    checkOwnAddress(import.meta.url, 'quern/worker', 'openEngine({ workerUrl }); { threads: 1 } needs none');
  }
  // getBuiltinModule, not an import: bundlers for browsers need not know node:worker_threads
  const node = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
  if (node !== undefined) {
    // the options of this process are not the worker's: with --input-type it would not even start
    const worker = new node.Worker(script ?? new URL('./worker.js', import.meta.url), { name, execArgv: [] });
    worker.unref();
    worker.on('error', (error) => died(String(error)));
    worker.on('exit', (code) => died(`it ended with code ${code}`));
    return { send: (message) => worker.postMessage(message), terminate: () => void worker.terminate() };
  }
  const worker = startWebWorker(script);
  // an event without a message: the script did not load
  worker.onerror = ({ message }) => died(message ?? 'its script does not load');
  return { send: (message) => worker.postMessage(message), terminate: () => worker.terminate() };
}

function startWebWorker(script: string | URL | undefined): Worker {
  if (script !== undefined) return new Worker(script, { type: 'module' });
  // bundlers know a worker by exactly this expression, and make a file of what it needs
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
}
