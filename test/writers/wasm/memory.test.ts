import * as assert from 'uvu/assert';
import {
  f32,
  type I32,
  i32,
  i32x4,
  type KernelRun,
  ModuleBuilder,
  type V128,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import { suite } from '../../support/suite.js';
import { evaluateVector, instantiate } from './harness.js';

suite('assembler: memory', (test) => {
  const bytes = Uint8Array.from({ length: 32 }, (_, index) => 200 + index);
  const word = (start: number, count: number) => [...bytes.slice(start, start + count)];
  const zeros = (count: number): number[] => Array(count).fill(0);
  const repeat = (values: number[], times: number): number[] => Array(times).fill(values).flat();

  test('loads of whole vectors, of parts, of one repeated', () => {
    const loaded = (expression: V128) => [...evaluateVector(bytes, () => expression)];
    assert.equal(loaded(v128.load(0, 3)), word(3, 16));
    assert.equal(loaded(v128.load(7, -4)), word(3, 16), 'a negative offset moves the address');
    assert.equal(loaded(v128.load32Zero(4, 1)), [...word(5, 4), ...zeros(12)]);
    assert.equal(loaded(v128.load64Zero(4, 1)), [...word(5, 8), ...zeros(8)]);
    assert.equal(loaded(v128.load8Splat(2)), repeat(word(2, 1), 16));
    assert.equal(loaded(v128.load32Splat(2)), repeat(word(2, 4), 4));
    const into = v128.load(16);
    assert.equal(loaded(v128.load32Lane(0, into, 2, 1)), [...word(16, 8), ...word(1, 4), ...word(28, 4)]);
    assert.equal(loaded(v128.load8Lane(0, into, 15, 9)), [...word(16, 15), ...word(9, 1)]);
    for (const lanes of [1, 2, 3, 4]) {
      assert.equal(loaded(v128.loadLanes(0, lanes, 5)), [...word(5, 4 * lanes), ...zeros(16 - 4 * lanes)]);
    }
  });
  test('scalar loads', () => {
    const load = (expression: I32) => {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const module = new ModuleBuilder({ simd: 'baseline', shared: false });
      module.exportedFunction('value', {}, () => expression);
      new Uint8Array(memory.buffer).set([0x80, 0xff, 0x01, 0x02, 0x03, 0x84]);
      return (instantiate(module, memory).value as () => number)();
    };
    assert.is(load(i32.load(2)), 0x84030201 | 0);
    assert.is(load(i32.load8U(1, 1)), 1);
    assert.is(load(i32.load8U(0)), 128);
  });
  test('stores write what they say and nothing else', () => {
    const stored = (write: (module: ModuleBuilder) => void) => {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const module = new ModuleBuilder({ simd: 'baseline', shared: false });
      write(module);
      new Uint8Array(memory.buffer).fill(9);
      (instantiate(module, memory).run as KernelRun)(0, 0);
      return [...new Uint8Array(memory.buffer).slice(0, 24)];
    };
    const nine = (count: number): number[] => Array(count).fill(9);
    const lanes = i32x4.constLanes(0x01010101, 0x02020202, 0x03030303, 0x04040404);
    const all = [1, 2, 3, 4].flatMap((value) => Array(4).fill(value));
    assert.equal(
      stored((m) => m.kernel([], (f) => f.store(4, lanes, 1))),
      [...nine(5), ...all, ...nine(3)],
    );
    assert.equal(
      stored((m) => m.kernel([], (f) => f.store(4, lanes, -3))),
      [9, ...all, ...nine(7)],
    );
    assert.equal(
      stored((m) => m.kernel([], (f) => f.store(4, i32.const(0x01020304)))),
      [...nine(4), 4, 3, 2, 1, ...nine(16)],
    );
    assert.equal(
      stored((m) => m.kernel([], (f) => f.store(0, f32.const(1)))),
      [0, 0, 0x80, 0x3f, ...nine(20)],
    );
    assert.equal(
      stored((m) => m.kernel([], (f) => f.store8(3, 0x1ff, 1))),
      [...nine(4), 255, ...nine(19)],
    );
    for (const [bits, lane, value] of [
      [8, 4, 2],
      [32, 3, 4],
    ] as const) {
      const expected = [...nine(3), ...Array(bits / 8).fill(value)];
      assert.equal(
        stored((m) => m.kernel([], (f) => f.storeLane(1, lanes, { lane, bits, offset: 2 }))),
        [...expected, ...nine(24 - expected.length)],
      );
    }
    assert.equal(
      stored((m) => m.kernel([], (f) => f.storeLane(0, lanes, { lane: 1, bits: 64 }))),
      [...all.slice(8), ...nine(16)],
    );
    for (const count of [1, 2, 3, 4]) {
      const expected = [...nine(2), ...all.slice(0, 4 * count)];
      assert.equal(
        stored((m) => m.kernel([], (f) => f.storeLanes(2, lanes, count))),
        [...expected, ...nine(24 - expected.length)],
      );
    }
    assert.equal(
      stored((m) =>
        m.kernel([], (f) => {
          f.store(0, lanes);
          f.copy(6, 4, 4);
          f.fill(20, 7, 2);
        }),
      ),
      [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 4, 4, 4, 4, 9, 9, 9, 9, 7, 7, 9, 9],
    );
  });
});
