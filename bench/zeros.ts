import type { Layout } from '../kernels/contract.js';
import { matmulWasm } from '../kernels/matmul/wasm.js';
import { bytesOf } from '../src/core/dtype.js';
import { rowMajorStrides, type Shape, sizeOf } from '../src/core/shape.js';
import { loadDataset } from '../src/data/catalog/datasets.js';
import type { KernelRun } from '../src/writers/wasm/assembler.js';
import { detectSimdLevel } from '../src/writers/wasm/simdLevel.js';
import type { Bench, Findings } from './support/bench.js';
import { ensure } from './support/ensure.js';
import { summarize } from './support/statistics.js';

const batch = 128;
const pixels = 784;
const units = 128;
const turns = { quick: 9, full: 41 };
const secondsPerTurn = 0.01;

const layoutOf = (shape: Shape, strides = rowMajorStrides(shape)): Layout => ({
  dtype: 'float32',
  shape,
  strides,
});

/** The products of a dense layer of 128 units on a batch of images [128, 784]: `images` is A. */
const products = {
  forward: { a: layoutOf([batch, pixels]), b: layoutOf([pixels, units]) },
  'gradient of the weights': { a: layoutOf([pixels, batch], [1, pixels]), b: layoutOf([batch, units]) },
} as const;

/** A product that can be run, and its output. */
function prepare({ a, b }: { a: Layout; b: Layout }, images: Float32Array) {
  const output = layoutOf([a.shape[0]!, b.shape[1]!]);
  const code = matmulWasm(
    { specification: {}, inputs: [a, b], outputs: [output] },
    { simd: detectSimdLevel(), shared: false },
  );
  const places = [64, ...[a, b, output].map(({ shape }) => sizeOf(shape) * bytesOf.float32)];
  const pointers = places.map((_, i) => places.slice(0, i + 1).reduce((sum, bytes) => sum + bytes, 0));
  const pages = Math.ceil((pointers[3]! + code.scratchBytes) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages });
  const floats = new Float32Array(memory.buffer);
  floats.set(images, pointers[0]! / 4);
  for (let i = 0; i < sizeOf(b.shape); i++) floats[pointers[1]! / 4 + i] = Math.sin(i) / 10;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code.bytes), { env: { memory } });
  const run = exports.run as KernelRun;
  return {
    run: () => run(...pointers, 0, code.units),
    output: () => new Uint32Array(memory.buffer, pointers[2]!, sizeOf(output.shape)).slice(),
  };
}

/** Seconds of a run, over at least so long. */
function secondsOf(run: () => void, least: number): number {
  const began = performance.now();
  for (let count = 1; ; count++) {
    run();
    const seconds = (performance.now() - began) / 1000;
    if (seconds >= least) return seconds / count;
  }
}

/** A batch of images [128, 784], from 0 to 1. */
async function imagesOf(name: string): Promise<Float32Array | undefined> {
  if (name === 'random') {
    return Float32Array.from(
      { length: batch * pixels },
      (_, i) => ((Math.imul(i + 1, 0x9e3779b1) >>> 9) + 1) / 2 ** 23,
    );
  }
  const dataset = await loadDataset(name, { offline: true }).catch(() => undefined);
  return (
    dataset && Float32Array.from(dataset.train.images.subarray(0, batch * pixels), (value) => value / 255)
  );
}

export const bench: Bench = {
  question:
    'What do zeros save: a dense layer on images whose zeros are left out, beside one that sums them?',
  async run({ quick, progress }): Promise<Findings> {
    const rows = [];
    for (const name of ['mnist', 'fashion-mnist', 'random']) {
      const images = await imagesOf(name);
      if (images === undefined) {
        progress(`${name} is not on this machine`);
        continue;
      }
      const left = images.filter((value) => value !== 0).length / images.length;
      // −0 is a number like others: all terms are summed, to the same bits
      const summed = images.map((value) => (value === 0 ? -0 : value));
      for (const [product, layouts] of Object.entries(products)) {
        const skipping = prepare(layouts, images);
        const dense = prepare(layouts, summed);
        for (const { run } of [skipping, dense]) secondsOf(run, 0.2);
        const ratios: number[] = [];
        for (let turn = 0; turn < turns[quick ? 'quick' : 'full']; turn++) {
          ratios.push(secondsOf(dense.run, secondsPerTurn) / secondsOf(skipping.run, secondsPerTurn));
        }
        const [one, other] = [skipping.output(), dense.output()];
        ensure(
          one.every((word, i) => word === other[i]),
          `${product}, ${name}: the bits differ`,
        );
        rows.push({ images: name, left: 100 * left, product, ratio: summarize(ratios) });
        progress(`${name}, ${product}`);
      }
    }
    return {
      columns: [
        { key: 'images', title: 'images' },
        { key: 'left', title: 'pixels that are not 0', unit: '%' },
        { key: 'product', title: 'product' },
        { key: 'ratio', title: 'summed ÷ left out, time' },
      ],
      rows,
      notes: [
        `A dense layer of ${units} units on ${batch} images of ${pixels} pixels, one thread, in turns. Bits are compared.`,
      ],
      backends: [],
      plots: [
        {
          title: 'How many times as fast a product is without its zeros',
          kind: 'bar',
          x: { title: '', values: rows.map(({ images, product }) => `${images}, ${product}`) },
          y: { title: 'ratio' },
          series: [{ name: 'time with zeros ÷ without', values: rows.map(({ ratio }) => ratio.median) }],
        },
      ],
    };
  },
};
