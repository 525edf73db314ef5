/** A thread that measures when `Yardsticks` asks, together with the others. */
import { workerData } from 'node:worker_threads';
import { wallClock } from './clock.js';
import {
  numbers,
  rateOfThread,
  ThreadYardsticks,
  wordBytes,
  words,
  type YardstickWorkerData,
} from './yardsticks.js';

const { shared, worker, simd, native } = workerData as YardstickWorkerData;
const control = new Int32Array(shared, 0, wordBytes / 4);
const values = new Float64Array(shared, wordBytes);
const own = new ThreadYardsticks(simd, wallClock, native);

for (let known = 0; ; ) {
  Atomics.wait(control, words.request, known);
  const request = Atomics.load(control, words.request);
  if (request === known) continue;
  known = request;
  values[numbers.results + worker] = rateOfThread(own, values[numbers.bytes]!, values[numbers.milliseconds]!);
  Atomics.sub(control, words.pending, 1);
  Atomics.notify(control, words.pending);
}
