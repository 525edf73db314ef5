/** A data worker: it augments what it is told to, into memory that it shares, and answers with the number of the job. */
import type { Augmentation } from './augmentation.js';
import { Filler } from './filler.js';

/** Messages from the augmenter. Arrays of bytes are shared memory. */
export type WorkerMessage =
  | {
      readonly type: 'start';
      readonly images: Uint8Array;
      readonly shape: readonly [number, number, number];
      readonly augmentation: Augmentation;
      readonly seed: number;
    }
  | {
      readonly type: 'fill';
      readonly job: number;
      readonly indices: Int32Array;
      readonly epoch: number;
      readonly target: Uint8Array;
    };

let filler: Filler;

function handle(message: WorkerMessage, answer: (job: number) => void): void {
  if (message.type === 'start') {
    filler = new Filler(message.images, message.shape, message.augmentation, message.seed);
    return;
  }
  filler.fill(message.indices, message.epoch, message.target, [0, message.indices.length]);
  answer(message.job);
}

// Node gives a worker a port, browsers a global scope.
const node = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads');
const port = node?.parentPort;
if (port) {
  port.on('message', (message: WorkerMessage) => handle(message, (job) => port.postMessage(job)));
} else {
  globalThis.onmessage = ({ data }: MessageEvent<WorkerMessage>) =>
    handle(data, (job) => globalThis.postMessage(job));
}
