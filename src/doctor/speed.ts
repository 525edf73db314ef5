/** Rates of a backend, measured in about a second: enough to tell which is faster, not to compare versions. */
import type { CompiledStep, Engine } from '../engine/engine.js';
import type { Speed } from '../engine/measurements.js';
import { gradients } from '../tensor/gradients.js';
import { state } from '../tensor/leaves.js';
import { conv2d } from '../tensor/ops/conv2d.js';
import { matmul } from '../tensor/ops/matmul.js';
import { multiply } from '../tensor/ops/pointwise.js';
import { sum } from '../tensor/ops/reduce.js';
import type { Leaf, Tensor } from '../tensor/tensor.js';

/** Compiled code is replaced while it first runs. */
const warmUpSeconds = 0.05;
const sampleSeconds = 0.008;
const samples = 10;
/** Nor is more than this spent on samples of one piece of work. */
const mostSeconds = 0.3;

/** Work of this length tells a rate; what is longer is not measured on larger operands. */
const longSeconds = 0.004;

/** Seconds per execution: the best of several short samples, since other work on a machine only ever slows. */
async function timed(step: CompiledStep): Promise<number> {
  const run = async (steps: number) => {
    const started = performance.now();
    await step.run({}, { steps });
    return (performance.now() - started) / 1000;
  };
  let [repeats, total, best] = [1, 0, Number.POSITIVE_INFINITY];
  while (total < warmUpSeconds) {
    const taken = await run(repeats);
    total += taken;
    best = taken / repeats;
    if (taken < sampleSeconds) repeats *= 2;
  }
  repeats = Math.max(1, Math.round(sampleSeconds / best));
  const end = performance.now() + mostSeconds * 1000;
  for (let i = 0; i < samples && performance.now() < end; i++) {
    best = Math.min(best, (await run(repeats)) / repeats);
  }
  return best;
}

/** Computes tensors and keeps them where they are. */
function compile(engine: Engine, results: readonly Tensor[]): CompiledStep {
  const updates = results.map((value, i): [Leaf, Tensor] => [state(`result ${i}`, value.shape, 0), value]);
  return engine.compile(() => ({ updates }), {});
}

const chained = 16;

/** A row of tiny products, each of which waits for the one before it. */
async function secondsPerKernel(engine: Engine): Promise<number> {
  const [first, b] = [state('a', [8, 8], 0.5), state('b', [8, 8], 0.125)];
  let x: Tensor = first;
  for (let i = 0; i < chained; i++) x = matmul(x, b);
  return (await timed(compile(engine, [x]))) / chained;
}

/** Operations per second of work that grows, with `kernels` kernels, until it is long enough to tell. */
async function rate(
  overhead: number,
  kernels: number,
  sizes: readonly number[],
  work: (size: number) => { step: CompiledStep; flops: number },
): Promise<number> {
  let found = 0;
  for (const size of sizes) {
    const { step, flops } = work(size);
    const seconds = await timed(step);
    // where the overhead is most of it, the difference says nothing
    found = flops / Math.max(seconds - kernels * overhead, seconds / 2);
    if (seconds > longSeconds) break;
  }
  return found;
}

/** Measures matrix products, convolutions with both gradients, and what a kernel costs that computes next to nothing. */
export async function measureSpeed(engine: Engine): Promise<Speed> {
  const overhead = await secondsPerKernel(engine);
  const matmulRate = await rate(overhead, 1, [64, 256, 512], (size) => ({
    step: compile(engine, [matmul(state('a', [size, size], 0.5), state('b', [size, size], 0.25))]),
    flops: 2 * size ** 3,
  }));
  const convolutionRate = await rate(overhead, 3, [1, 8, 32], (batch) => {
    const [x, w] = [state('x', [batch, 14, 14, 16], 0.5), state('w', [3, 3, 16, 32], 0.25)];
    const y = conv2d(x, w, { padding: 'same' });
    const weighted = sum(multiply(y, state('gradient', y.shape, 0.125)));
    return {
      step: compile(engine, [y, ...gradients(weighted, [x, w])]),
      flops: 3 * 2 * y.size * 3 * 3 * 16,
    };
  });
  return { secondsPerKernel: overhead, matmulRate, convolutionRate };
}
