import * as assert from 'uvu/assert';
import { readStrided } from '../../src/backends/wasm/read.js';
import { bindTable, makePhases, runChunk, type TableEntry } from '../../src/backends/wasm/table.js';
import { suite } from '../support/suite.js';

const entry = (kernel: number, pieces: number, units = 10): TableEntry => ({
  kernel,
  pieces,
  units,
  pointers: [100 * kernel, 100 * kernel + 1],
  scratch: kernel === 1,
});

suite('wasm table', (test) => {
  test('neighbours that are not worth sharing are one phase', () => {
    const entries = [1, 1, 4, 1, 2, 3, 1, 1, 1].map((pieces, kernel) => entry(kernel, pieces));
    const kernels = makePhases(entries).map((phase) => phase.map(({ kernel }) => kernel));
    assert.equal(kernels, [[0, 1], [2], [3], [4], [5], [6, 7, 8]]);
    assert.equal(makePhases([]), []);
  });

  test('chunks: the feeds, then every unit of every kernel once, in phases that follow each other', () => {
    const calls: string[] = [];
    const functions = [0, 1, 2].map(
      (kernel) =>
        (...args: number[]) =>
          void calls.push(`${kernel}: ${args}`),
    );
    const phases = [[entry(0, 1), entry(1, 1)], [entry(2, 3)], [entry(0, 1, 0)]];
    const chunks = bindTable({ phases, scratchAddress: 5000, scratchBytes: 64 }, functions, 2);
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
    chunks.forEach(runChunk);
    assert.equal(calls, [
      '0: 0,1,0,10',
      // worker 2 has the third scratch area
      '1: 100,101,5128,0,10',
      '2: 200,201,0,3',
      '2: 200,201,3,6',
      '2: 200,201,6,10',
      '0: 0,1,0,0',
    ]);
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
