/** Work for two threads, done in the browser until the second is known to take part. */
import type { BrowserFunction } from '../support/browser/task.js';

const patience = 20_000;

/**
 * @param workerUrl of countingWorker.js
 * @returns how many chunks the second thread has claimed when it was first heard of: 0 if it never was
 * @throws what the engine throws
 */
export const shareWork: BrowserFunction<string, number> = async (quern, workerUrl) => {
  const engine = await quern.openEngine({ backend: 'wasm', threads: 2, workerUrl });
  const channel = new BroadcastChannel('claims');
  let claims = 0;
  channel.onmessage = ({ data }: MessageEvent<number>) => {
    claims = data;
  };
  try {
    const step = engine.compile(({ x }) => ({ outputs: { y: quern.matmul(x, x) } }), {
      x: { shape: [384, 384] },
    });
    const x = new Float32Array(384 * 384).fill(1);
    const until = performance.now() + patience;
    while (claims === 0 && performance.now() < until) {
      await step.run({ x });
      await new Promise((resolve) => setTimeout(resolve));
    }
    return claims;
  } finally {
    channel.close();
    await engine.close();
  }
};
