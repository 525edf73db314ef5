import * as assert from 'uvu/assert';
import { openWasm, type WasmBackendOptions } from '../../../src/backends/wasm/wasm.js';
import { randomUniform } from '../../../src/core/random.js';
import { openEngine } from '../../../src/engine/engine.js';
import type { BackendOptions } from '../../../src/engine/options.js';
import { gradients } from '../../../src/tensor/gradients.js';
import { input } from '../../../src/tensor/leaves.js';
import { conv2d } from '../../../src/tensor/ops/conv2d.js';
import type { Tensor } from '../../../src/tensor/tensor.js';
import { levels } from '../../kernels/wasmSupport.js';
import { suite } from '../../support/suite.js';
import { Bench, noise } from '../contract/support.js';

const shapes = { images: [18, 7, 6, 9], first: [3, 3, 9, 35], second: [3, 3, 35, 18] } as const;
type Feed = Readonly<Record<keyof typeof shapes, Tensor>>;

/** Two convolutions with nothing but pointwise work behind: the gradient of neither is routed. */
function lossOf({ images, first, second }: Feed): Tensor {
  return conv2d(conv2d(images, first, { padding: 'same' }).tanh(), second)
    .square()
    .mean();
}

function outputsOf(feed: Feed): Record<string, Tensor> {
  const loss = lossOf(feed);
  const [first, second] = gradients(loss, [feed.first, feed.second]);
  return { loss, first: first!, second: second! };
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
const feeds = {
  images: noise(sizeOf(shapes.images), 1),
  first: noise(sizeOf(shapes.first), 2).map((value) => value * 0.2),
  second: noise(sizeOf(shapes.second), 3).map((value) => value * 0.1),
};
const signature = {
  images: { shape: shapes.images },
  first: { shape: shapes.first },
  second: { shape: shapes.second },
};

async function bytesOf(options: WasmBackendOptions): Promise<string> {
  const backend = await openWasm(options);
  const leaves = {
    images: input('images', shapes.images),
    first: input('first', shapes.first),
    second: input('second', shapes.second),
  };
  const program = await new Bench(backend).prepare({ outputs: outputsOf(leaves) });
  const lines = program.explain().split('\n');
  assert.is(lines.filter((line) => line.includes('filter gradient winograd')).length, 2, program.explain());
  const fetched = await program.run(feeds);
  await backend.close();
  return Object.values(fetched)
    .map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength).toString('hex'))
    .join('\n');
}

async function run(options: BackendOptions, optimize: boolean, data: typeof feeds = feeds) {
  const engine = await openEngine(options);
  const step = engine.compile((feed) => ({ outputs: outputsOf(feed as Feed) }), signature, { optimize });
  const { loss, first, second } = await step.run(data);
  await engine.close();
  return {
    loss: loss!.get(),
    first: Array.from(first!.data as ArrayLike<number>),
    second: Array.from(second!.data as ArrayLike<number>),
  };
}

/** Σ aᵢ bᵢ */
function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
}

suite('filter gradients by Winograd, on the backend', (test) => {
  for (const simd of levels) {
    test(`the same bytes on 1 to 4 threads, all shared or not (${simd})`, async () => {
      const expected = await bytesOf({ threads: 1, simd });
      for (const threads of [2, 3, 4]) {
        assert.is(await bytesOf({ threads, simd }), expected, `${threads} threads`);
        assert.is(await bytesOf({ threads, simd, pieceBytes: 1 }), expected, `${threads} threads, shared`);
      }
    });

    test(`optimized or not, as the reference has it (${simd})`, async () => {
      const expected = await run({ backend: 'reference' }, false);
      for (const optimize of [true, false]) {
        const actual = await run({ backend: 'wasm', threads: 1, simd }, optimize);
        for (const filter of ['first', 'second'] as const) {
          const scale = Math.sqrt(dot(expected[filter], expected[filter]) / expected[filter].length);
          const worst = Math.max(
            ...expected[filter].map((value, i) => Math.abs(value - actual[filter][i]!) / scale),
          );
          assert.ok(worst < 5e-5, `${filter}: ${worst}`);
        }
      }
    });

    test(`the slope of the loss in float64 along a direction (${simd})`, async () => {
      const actual = await run({ backend: 'wasm', threads: 1, simd }, true);
      for (const filter of ['first', 'second'] as const) {
        const direction = feeds[filter].map((_, i) => 2 * randomUniform(i, 4, 0) - 1);
        const step = 2 ** -14;
        const at = async (sign: number) => {
          const moved = feeds[filter].map((value, i) => value + sign * step * direction[i]!);
          return (
            await run({ backend: 'reference', precision: 'float64' }, false, { ...feeds, [filter]: moved })
          ).loss;
        };
        // moved weights are float32: the step that was made is not quite the one that was meant
        const difference = (await at(1)) - (await at(-1));
        const moves = feeds[filter].map((value, i) => {
          const move = step * direction[i]!;
          return Math.fround(value + move) - Math.fround(value - move);
        });
        const slope = dot(moves, actual[filter]);
        assert.ok(
          Math.abs(difference - slope) < 2e-4 * Math.abs(slope),
          `${filter}: ${difference}, ${slope}`,
        );
      }
    });
  }
});
