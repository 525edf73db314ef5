/**
 * The Worker of browsers, made of Node's, as far as jax-js needs it: without one it runs on a single thread in Node.
 * Set `globalThis.Worker` to it before jax-js is loaded.
 */
import { resolveObjectURL } from 'node:buffer';
import { Worker } from 'node:worker_threads';

const prelude = `
const { parentPort } = require('node:worker_threads');
globalThis.self = globalThis;
globalThis.postMessage = (value) => parentPort.postMessage(value);
parentPort.on('message', (data) => globalThis.onmessage({ data }));
`;

export class WebWorker {
  onmessage = () => {};
  onerror = () => {};
  #waiting = [];
  #worker;

  constructor(url) {
    const blob = resolveObjectURL(String(url));
    blob.text().then((source) => {
      this.#worker = new Worker(prelude + source, { eval: true });
      this.#worker.on('message', (data) => this.onmessage({ data }));
      this.#worker.on('error', (error) => this.onerror(error));
      for (const message of this.#waiting) this.#worker.postMessage(message);
    });
  }

  postMessage(message) {
    if (this.#worker === undefined) this.#waiting.push(message);
    else this.#worker.postMessage(message);
  }

  terminate() {
    this.#worker?.terminate();
  }
}
