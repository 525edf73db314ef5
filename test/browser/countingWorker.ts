/** The worker of the wasm backend, telling after each run how many chunks of work it has claimed so far. */
import '../../src/backends/wasm/worker.js';

let claims = 0;
const { compareExchange } = Atomics;
Object.assign(Atomics, {
  compareExchange(words: Int32Array, index: number, expected: number, replacement: number): number {
    const found = compareExchange(words, index, expected, replacement);
    if (found === expected) claims++;
    return found;
  },
});

const channel = new BroadcastChannel('claims');
const handle = globalThis.onmessage as (event: MessageEvent) => void;
globalThis.onmessage = (event: MessageEvent) => {
  handle(event);
  channel.postMessage(claims);
};
