import { matmul } from '../../src/tensor/ops/matmul.js';
import { everywhere } from './shared.js';

const sizes = { full: [16, 32, 64, 128, 256, 512, 1024], quick: [16, 64] };

export const bench = everywhere(
  'How fast is a square matrix product on every backend and mode, and from what size does each beat wasm?',
  'Square matrix products on every backend',
  'size of square matrices',
  (quick) =>
    sizes[quick ? 'quick' : 'full'].map((size) => ({
      size,
      shapes: `${size}³`,
      flops: 2 * size ** 3,
      inputs: [
        [size, size],
        [size, size],
      ],
      build: ([a, b]) => [matmul(a!, b!)],
    })),
);
