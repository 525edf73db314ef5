/**
 * Where a NaN of a convolution's operands arrives. Counts were made with PyTorch 2.13 (oneDNN off):
 * torch.nn.functional.conv2d, torch.nn.grad.conv2d_input and conv2d_weight of ones, one number NaN.
 */
import * as assert from 'uvu/assert';
import type { Engine } from '../../../src/engine/engine.js';
import { openEngine } from '../../../src/index.js';
import { gradients } from '../../../src/tensor/gradients.js';
import { conv2d } from '../../../src/tensor/ops/conv2d.js';
import { suite } from '../../support/suite.js';

interface Size {
  readonly side: number;
  readonly window: number;
  readonly channels: number;
  readonly filters: number;
}

const isNaNs = (values: ArrayLike<number>, of: (i: number) => boolean) =>
  Array.from(values).filter((value, i) => of(i) && Number.isNaN(value)).length;

/**
 * How many of y's first filter, dx's first channel and dw's taps from the first channel to the first filter are NaN, where
 * the first number of w, x or dy is.
 */
async function nansOf(engine: Engine, { side, window, channels, filters }: Size) {
  const step = engine.compile(
    ({ x, w, dy }) => {
      const y = conv2d(x, w, { padding: 'same' });
      const [dx, dw] = gradients(y.multiply(dy).sum(), [x, w]);
      return { outputs: { y, dx, dw } };
    },
    {
      x: { shape: [1, side, side, channels] },
      w: { shape: [window, window, channels, filters] },
      dy: { shape: [1, side, side, filters] },
    },
  );
  const ones = (count: number) => new Float32Array(count).fill(1);
  const spoilt = (count: number) => ones(count).fill(Number.NaN, 0, 1);
  const [pixels, taps] = [side * side, window * window * channels * filters];
  const sound = { x: ones(pixels * channels), w: ones(taps), dy: ones(pixels * filters) };
  const counts = async (feeds: typeof sound) => {
    const { y, dx, dw } = await step.run(feeds);
    return {
      y: isNaNs(y.data as Float32Array, (i) => i % filters === 0),
      dx: isNaNs(dx.data as Float32Array, (i) => i % channels === 0),
      dw: isNaNs(dw.data as Float32Array, (i) => i % (channels * filters) === 0),
    };
  };
  return {
    w: await counts({ ...sound, w: spoilt(taps) }),
    x: await counts({ ...sound, x: spoilt(pixels * channels) }),
    dy: await counts({ ...sound, dy: spoilt(pixels * filters) }),
  };
}

const engines = {
  reference: () => openEngine({ backend: 'reference' }),
  wasm: () => openEngine({ backend: 'wasm', threads: 1 }),
  'gpu.js on the processor': () => openEngine({ backend: 'gpu', gpuMode: 'cpu' }),
} as const;

suite('NaN in convolutions', (test) => {
  for (const [name, open] of Object.entries(engines)) {
    test(name, async () => {
      const engine = await open();
      const onWasm = name === 'wasm';
      try {
        const zero = { y: 0, dx: 0, dw: 0 };
        const small = await nansOf(engine, { side: 6, window: 3, channels: 1, filters: 2 });
        // in the frame of zeros in which wasm has dy, whole lines are left out
        assert.equal(small.w, { ...zero, y: 36, dx: onWasm ? 30 : 25 });
        assert.equal(small.x, { ...zero, y: 4, dw: 4 });
        assert.equal(small.dy, { ...zero, dx: 4, dw: 9 });
        const wide = await nansOf(engine, { side: 6, window: 5, channels: 3, filters: 2 });
        assert.equal(wide.w, { ...zero, y: 36, dx: onWasm ? 24 : 16 });
        assert.equal(wide.x, { ...zero, y: 9, dw: 9 });
        assert.equal(wide.dy, { ...zero, dx: 9, dw: 25 });
        // by Winograd on wasm
        const many = await nansOf(engine, { side: 24, window: 3, channels: 8, filters: 8 });
        assert.equal(many.w, { ...zero, y: 576, dx: onWasm ? 576 : 529 });
        assert.equal(many.x, { ...zero, y: onWasm ? 16 : 4, dw: onWasm ? 9 : 4 });
        assert.equal(many.dy, { ...zero, dx: onWasm ? 16 : 4, dw: 9 });
      } finally {
        await engine.close();
      }
    });
  }
});
