/** What Node's and the browser's workers have in common, as far as it is used. */
import type { WorkerMessage } from './worker.js';

export interface Thread {
  send(message: WorkerMessage): void;
  terminate(): void;
}

/** How many threads the machine runs at once. */
export function processors(): number {
  const node = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:os');
  return node?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}

/**
 * Starts a worker that never keeps the process alive.
 *
 * @param died is called when the worker has ended by itself, by an error, or was terminated
 */
export function startThread(name: string, died: (reason: string) => void): Thread {
  const url = new URL('./worker.js', import.meta.url);
  // getBuiltinModule, not an import: bundlers for browsers need not know node:worker_threads
  const node = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
  if (node !== undefined) {
    // the options of this process are not the worker's: with --input-type it would not even start
    const worker = new node.Worker(url, { name, execArgv: [] });
    worker.unref();
    worker.on('error', (error) => died(String(error)));
    worker.on('exit', (code) => died(`it ended with code ${code}`));
    return { send: (message) => worker.postMessage(message), terminate: () => void worker.terminate() };
  }
  const worker = new Worker(url, { type: 'module', name });
  worker.onerror = ({ message }) => died(message);
  return { send: (message) => worker.postMessage(message), terminate: () => worker.terminate() };
}
