import * as assert from 'uvu/assert';
import { preparedFlag } from '../../../kernels/toolkit/wasm/kernel.js';
import { readStrided } from '../../../src/backends/wasm/read.js';
import { bindTable, type Call, type ChunkPlan, runChunk } from '../../../src/backends/wasm/table.js';
import { suite } from '../../support/suite.js';

const call = (kernel: number, begin: number, end: number): Call => ({
  kernel,
  pointers: [100 * kernel, 100 * kernel + 1],
  ...(kernel === 0 ? {} : { scratch: kernel }),
  prepares: kernel === 2,
  begin,
  end,
});

const chunk = (home: number, ...calls: Call[]): ChunkPlan => ({ home, calls });
const scratch = { scratchAddress: 5000, scratchBytes: 64 };

suite('wasm table', (test) => {
  test('chunks: the feeds, then those of each phase, with the functions and scratch area of a worker', () => {
    const calls: string[] = [];
    const functions = [0, 1, 2].map(
      (kernel) =>
        (...args: number[]) =>
          void calls.push(`${kernel}: ${args}`),
    );
    const phases = [
      [chunk(0, call(0, 0, 10), call(1, 0, 10))],
      [chunk(0, call(2, 0, 3)), chunk(0.5, call(2, 3, 10)), chunk(0.7, call(0, 2, 4))],
      [chunk(0, call(0, 0, 0))],
    ];
    const chunks = bindTable({ phases, ...scratch, workers: 3 }, functions, 2);
    assert.equal(
      chunks.map(({ phaseStart, phaseEnd }) => [phaseStart, phaseEnd]),
      [
        [0, 1],
        [1, 2],
        [2, 5],
        [2, 5],
        [2, 5],
        [5, 6],
      ],
    );
    const state = { holder: undefined, turn: 0 };
    for (const chunk of chunks) runChunk(chunk, state, 7);
    assert.equal(calls, [
      '0: 0,1,0,10',
      // worker 2 has the third scratch area
      '1: 100,101,5128,0,10',
      '2: 200,201,5128,0,3',
      `2: 200,201,5128,${3 + preparedFlag},10`,
      '0: 0,1,2,4',
      '0: 0,1,0,0',
    ]);
  });
});

suite('wasm homes', (test) => {
  const phase = [0, 0.25, 0.5, 0.75, 0, 0.618].map((home) => chunk(home));
  const orderOf = (worker: number, workers: number) =>
    bindTable({ phases: [phase], ...scratch, workers }, [], worker)[1]!.order;

  test('a worker wants its own chunks first, then those of others from their end', () => {
    assert.equal(orderOf(0, 1), [0, 1, 2, 3, 4, 5]);
    assert.equal(orderOf(0, 2), [0, 1, 4, 5, 3, 2]);
    assert.equal(orderOf(1, 2), [2, 3, 5, 4, 1, 0]);
    assert.equal(orderOf(1, 4), [1, 5, 4, 3, 2, 0]);
    assert.equal(orderOf(3, 4), [3, 5, 4, 2, 1, 0]);
  });
});

suite('wasm scratch area', (test) => {
  const begins: number[] = [];
  const functions = [0, 1, 2].map(
    () =>
      (...args: number[]) =>
        void begins.push(args.at(-2)!),
  );
  const calls = [
    [call(2, 0, 1)],
    [call(2, 1, 2)],
    [call(1, 2, 3)],
    [call(2, 3, 4)],
    [call(0, 4, 5), call(2, 5, 6)],
  ];
  const phases = [calls.map((each) => chunk(0, ...each))];
  const [, ...chunks] = bindTable({ phases, ...scratch, workers: 1 }, functions, 0);

  test('a range is told that the area is prepared, unless another step or turn came between', () => {
    const state = { holder: undefined, turn: 0 };
    for (const chunk of chunks) runChunk(chunk, state, 1);
    // the second of step 2 is prepared; the third is not, step 1 came between; the last is, step 0 takes no scratch
    assert.equal(begins.splice(0), [0, 1 + preparedFlag, 2, 3, 4, 5 + preparedFlag]);
    runChunk(chunks[1]!, state, 2);
    runChunk(chunks[1]!, state, 2);
    assert.equal(begins.splice(0), [1, 1 + preparedFlag]);
  });
});

suite('wasm outputs', (test) => {
  test('strided views are copied row-major', () => {
    const source = Float32Array.from({ length: 12 }, (_, i) => i);
    const read = (shape: number[], strides: number[], offset: number) =>
      Array.from(
        readStrided(
          source,
          { shape, strides, offset },
          'float32',
          shape.reduce((a, b) => a * b, 1),
        ),
      );
    assert.equal(read([3, 4], [4, 1], 0), Array.from(source));
    assert.equal(read([4], [1], 3), [3, 4, 5, 6]);
    assert.equal(read([4, 3], [1, 4], 0), [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    assert.equal(read([2, 2], [-4, -2], 11), [11, 9, 7, 5]);
    assert.equal(read([2, 3], [0, 1], 5), [5, 6, 7, 5, 6, 7]);
    assert.equal(read([], [], 7), [7]);
    assert.equal(read([0, 3], [3, 1], 0), []);
    const copy = readStrided(source, { shape: [12], strides: [1], offset: 0 }, 'float32', 12);
    copy.fill(-1);
    assert.is(source[5], 5);
  });
});
