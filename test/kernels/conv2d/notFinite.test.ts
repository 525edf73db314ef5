/**
 * Where a NaN of a convolution's operands arrives. Counts for `direct` were made with PyTorch 2.13 (oneDNN off):
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

/** How many of y's first filter, dx's first channel and dw's taps from the first channel to the first filter are NaN. */
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
  const { y, dx } = await step.run({ ...sound, w: spoilt(taps) });
  const { dw } = await step.run({ ...sound, dy: spoilt(pixels * filters) });
  return [
    isNaNs(y.data as Float32Array, (i) => i % filters === 0),
    isNaNs(dx.data as Float32Array, (i) => i % channels === 0),
    isNaNs(dw.data as Float32Array, (i) => i % (channels * filters) === 0),
  ];
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
        const small = { side: 6, window: 3, channels: 1, filters: 2 };
        // wasm: dy stands in a frame of zeros, of which whole lines are left out; the last one goes by Winograd
        assert.equal(await nansOf(engine, small), [36, onWasm ? 30 : 25, 9]);
        const wide = { side: 6, window: 5, channels: 3, filters: 2 };
        assert.equal(await nansOf(engine, wide), [36, onWasm ? 24 : 16, 25]);
        const many = { side: 12, window: 3, channels: 8, filters: 8 };
        assert.equal(await nansOf(engine, many), [144, onWasm ? 144 : 121, 9]);
      } finally {
        await engine.close();
      }
    });
  }
});
