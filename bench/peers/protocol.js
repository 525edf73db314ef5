/**
 * The side of a peer in the conversation with run.js, a line of JSON each way:
 *
 *     → (arguments) model, variant, threads           ← {"ready": {version, settings}} or {"unavailable": reason}
 *     → 12                                            ← {"done": 12, "loss": 2.3}     after 12 training steps;
 *                                                     of what trains whole epochs, 468.75 after one of them
 *     → (end of input)                                the peer ends
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const batch = 128;
export const count = 60_000;
export const pixels = 28 * 28;

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/**
 * Images, uint8 `[count, 784]`, and labels: those that run.js has laid into the folder PEER_IMAGES; without it of no
 * meaning, the same for every peer that is written in JavaScript.
 */
export function trainingImages() {
  const folder = process.env.PEER_IMAGES;
  if (folder) {
    const read = (name) => new Uint8Array(readFileSync(join(folder, name)));
    return { images: read('images'), labels: read('labels') };
  }
  const words = new Uint32Array((count * pixels) / 4);
  let x = 2463534242;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  const images = new Uint8Array(words.buffer);
  return { images, labels: Uint8Array.from({ length: count }, (_, i) => images[i] % 10) };
}

/** Gives the indices of one batch after another, in an order that is drawn once. */
export function batches() {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  let at = 0;
  return () => {
    if (at + batch > count) at = 0;
    at += batch;
    return order.subarray(at - batch, at);
  };
}

/**
 * Serves one peer.
 *
 * @param prepare given { model, variant, threads }: makes the training, gives { version, settings, steps }, where
 *   steps(n) trains n batches and gives a loss, or `{ done, loss }`. What it throws is the reason why the peer is not available.
 */
export async function serve(prepare) {
  const [model, variant, threads] = process.argv.slice(2);
  let peer;
  try {
    peer = await prepare({ model, variant, threads: Number(threads) });
    // a kernel that is missing shows at the first step
    await peer.steps(1);
  } catch (error) {
    say({ unavailable: String(error?.message ?? error).split('\n')[0] });
    process.exit(0);
  }
  say({ ready: { version: peer.version, settings: peer.settings } });
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await peer.steps(Number(line));
    const { done, loss } = typeof answer === 'object' ? answer : { done: Number(line), loss: Number(answer) };
    say({ done, loss });
  }
  process.exit(0);
}
