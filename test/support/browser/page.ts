/** The test page: does tasks, itself or in a worker. */
import { type Answer, perform, type Task } from './task.js';

export type Place = 'page' | 'worker';

function performInWorker(task: Task): Promise<Answer> {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  return new Promise<Answer>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data);
    worker.onerror = ({ message }) => resolve({ error: message ?? 'the worker does not load' });
    worker.postMessage(task);
  }).finally(() => worker.terminate());
}

/** Called by the test. */
export const performTask = (task: Task, place: Place): Promise<Answer> =>
  place === 'page' ? perform(task) : performInWorker(task);

Object.assign(globalThis, { performTask });
