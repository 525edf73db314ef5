/** What machine code makes of the processor. */
import type { BackendReport } from '../engine/backend.js';
import { openEngine } from '../engine/engine.js';
import { state } from '../tensor/leaves.js';
import { matmul } from '../tensor/ops/matmul.js';

type Width = 'avx2' | 'avx512';

/** The level of machine code that an engine runs, if it does. */
export function nativeWidth({ native }: Pick<BackendReport, 'native'>): Width | undefined {
  return native === 'avx2' || native === 'avx512' ? native : undefined;
}

/** Square matrices of this size are multiplied. */
const size = 512;
const samples = 9;
const productSeconds = 0.03;
const peakMilliseconds = 10;

/** The processor time of this process: a busy machine takes none of it. */
function clock(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Measures a product of 512 x 512 matrices on one thread: the share, from 0 to 1, that it reaches of multiply-adds in registers of the
 * same width, which are measured around each sample. The median of nine, about half a second.
 */
export async function measureShare(native: Width): Promise<number> {
  const { multiplyAddPeak } = await import('../backends/wasm/multiplyAddPeak.js');
  const peak = multiplyAddPeak('relaxed', clock, native);
  await using engine = await openEngine({ backend: 'wasm', threads: 1, native });
  const out = state('product', [size, size], 0);
  const step = engine.compile(
    () => ({ updates: [[out, matmul(state('a', [size, size], 0.5), state('b', [size, size], 0.25))]] }),
    {},
  );
  const run = async (steps: number) => {
    const started = clock();
    await step.run({}, { steps });
    return (clock() - started) / steps;
  };
  await run(4);
  const steps = Math.max(1, Math.round(productSeconds / (await run(8))));
  const shares: number[] = [];
  let before = peak(peakMilliseconds);
  for (let sample = 0; sample < samples; sample++) {
    const rate = (2 * size ** 3) / 1e9 / (await run(steps));
    const after = peak(peakMilliseconds);
    shares.push((2 * rate) / (before + after));
    before = after;
  }
  return shares.sort((a, b) => a - b)[samples >> 1]!;
}
