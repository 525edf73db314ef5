import * as assert from 'uvu/assert';
import { f32, f32x4, i8x16, i16x8, i32x4, type V128, v128 } from '../../../src/writers/wasm/assembler.js';
import { suite } from '../../support/suite.js';
import { evaluate, evaluateVector, floats, integers } from './harness.js';

type Vectors = Float32Array | Int32Array;
type Maker<T extends Vectors> = new (buffer: ArrayBuffer) => T;

/** All pairs of values, as lanes of two vectors, through the instruction and through its definition. */
function checkPairs<T extends Vectors, R extends Vectors>(
  name: string,
  values: readonly number[],
  Input: Maker<T>,
  Output: Maker<R>,
  instruction: (a: V128, b: V128) => V128,
  definition: (a: number, b: number) => number,
): void {
  const lanes = 16 / new Input(new ArrayBuffer(16)).BYTES_PER_ELEMENT;
  const pairs = values.flatMap((a) => values.map((b) => [a, b] as const));
  for (let start = 0; start < pairs.length; start += lanes) {
    const part = Array.from({ length: lanes }, (_, lane) => pairs[(start + lane) % pairs.length]!);
    const buffer = new ArrayBuffer(32);
    new Input(buffer).set([...part.map(([a]) => a), ...part.map(([, b]) => b)]);
    const stored = [...new Input(buffer)];
    const result = [...new Output(evaluateVector(new Uint8Array(buffer), instruction).slice().buffer)];
    const expected = new Output(new ArrayBuffer(16));
    expected.set(part.map((_, lane) => definition(stored[lane]!, stored[lanes + lane]!)));
    assert.equal(result.map(signed), [...expected].map(signed), `${name} of ${part.join(' and ')}`);
  }
}

/** Tells -0 from 0, which the assertions take for equal. */
const signed = (value: number) => (Object.is(value, -0) ? '-0' : value);
const mask = (truth: boolean) => (truth ? -1 : 0);
const saturate = (x: number, low: number, high: number) => Math.min(high, Math.max(low, Math.trunc(x)));

suite('assembler: vectors', (test) => {
  const binaryFloats: [
    keyof typeof f32x4 & ('add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'pmin' | 'pmax'),
    (a: number, b: number) => number,
  ][] = [
    ['add', (a, b) => a + b],
    ['sub', (a, b) => a - b],
    ['mul', (a, b) => a * b],
    ['div', (a, b) => a / b],
    ['min', Math.min],
    ['max', Math.max],
    // the instruction's definition; differs from Math.min for 0 and -0
    ['pmin', (a, b) => (b < a ? b : a)],
    // the instruction's definition; differs from Math.max for 0 and -0
    ['pmax', (a, b) => (a < b ? b : a)],
  ];
  for (const [name, definition] of binaryFloats) {
    test(`f32x4.${name}`, () =>
      checkPairs(name, floats, Float32Array, Float32Array, (a, b) => f32x4[name](a, b), definition));
  }
  const unaryFloats: ['abs' | 'neg' | 'sqrt' | 'floor', (a: number) => number][] = [
    ['abs', Math.abs],
    ['neg', (a) => -a],
    ['sqrt', Math.sqrt],
    ['floor', Math.floor],
  ];
  for (const [name, definition] of unaryFloats) {
    test(`f32x4.${name}`, () =>
      checkPairs(
        name,
        floats,
        Float32Array,
        Float32Array,
        (a) => f32x4[name](a),
        (a) => definition(a),
      ));
  }
  test('f32x4 comparisons give masks of whole lanes', () => {
    const check = (
      name: 'eq' | 'ne' | 'lt' | 'gt' | 'le' | 'ge',
      definition: (a: number, b: number) => boolean,
    ) =>
      checkPairs(
        name,
        [...floats, Number.NaN],
        Float32Array,
        Int32Array,
        (a, b) => f32x4[name](a, b),
        (a, b) => mask(definition(a, b)),
      );
    check('eq', (a, b) => a === b);
    check('ne', (a, b) => a !== b);
    check('lt', (a, b) => a < b);
    check('gt', (a, b) => a > b);
    check('le', (a, b) => a <= b);
    check('ge', (a, b) => a >= b);
  });
  test('i32x4 arithmetic', () => {
    const check = (
      name: 'add' | 'sub' | 'mul' | 'minS' | 'maxS',
      definition: (a: number, b: number) => number,
    ) => checkPairs(name, integers, Int32Array, Int32Array, (a, b) => i32x4[name](a, b), definition);
    check('add', (a, b) => (a + b) | 0);
    check('sub', (a, b) => (a - b) | 0);
    check('mul', Math.imul);
    check('minS', Math.min);
    check('maxS', Math.max);
    const one = (name: 'abs' | 'neg', definition: (a: number) => number) =>
      checkPairs(
        name,
        integers,
        Int32Array,
        Int32Array,
        (a) => i32x4[name](a),
        (a) => definition(a),
      );
    one('abs', (a) => Math.abs(a) | 0);
    one('neg', (a) => -a | 0);
  });
  test('i32x4 shifts by one count, modulo 32', () => {
    const check = (name: 'shl' | 'shrS' | 'shrU', definition: (a: number, count: number) => number) => {
      for (const count of [0, 1, 7, 31, 33]) {
        const shift = (a: V128) => i32x4[name](a, count);
        checkPairs(name, integers, Int32Array, Int32Array, shift, (a) => definition(a, count) | 0);
      }
    };
    check('shl', (a, count) => a << count);
    check('shrS', (a, count) => a >> count);
    check('shrU', (a, count) => a >>> count);
  });
  test('i32x4 comparisons', () => {
    const direct = { eq: '===', ne: '!==', ltS: '<', gtS: '>', leS: '<=', geS: '>=' } as const;
    const compare = (sign: string, a: number, b: number): boolean =>
      ({ '===': a === b, '!==': a !== b, '<': a < b, '>': a > b, '<=': a <= b, '>=': a >= b })[sign]!;
    for (const [name, sign] of Object.entries(direct) as [keyof typeof direct, string][]) {
      checkPairs(
        name,
        integers,
        Int32Array,
        Int32Array,
        (a, b) => i32x4[name](a, b),
        (a, b) => mask(compare(sign, a, b)),
      );
    }
  });
  test('bits', () => {
    const check = (name: 'and' | 'or' | 'xor' | 'andnot', definition: (a: number, b: number) => number) =>
      checkPairs(name, integers, Int32Array, Int32Array, (a, b) => v128[name](a, b), definition);
    check('and', (a, b) => a & b);
    check('or', (a, b) => a | b);
    check('xor', (a, b) => a ^ b);
    check('andnot', (a, b) => a & ~b);
    checkPairs(
      'not',
      integers,
      Int32Array,
      Int32Array,
      (a) => v128.not(a),
      (a) => ~a,
    );
    const pattern = 0x00ff0f55;
    checkPairs(
      'bitselect',
      integers,
      Int32Array,
      Int32Array,
      (a, b) => v128.bitselect(a, b, i32x4.const(pattern)),
      (a, b) => (a & pattern) | (b & ~pattern),
    );
  });
  test('conversions between integers and floats', () => {
    checkPairs(
      'convertI32x4S',
      integers,
      Int32Array,
      Float32Array,
      (a) => f32x4.convertI32x4S(a),
      (a) => a,
    );
    const values = [...floats, 1e10, -1e10, 3e9, -7.9];
    checkPairs(
      'truncSatF32x4S',
      values,
      Float32Array,
      Int32Array,
      (a) => i32x4.truncSatF32x4S(a),
      (a) => saturate(a, -(2 ** 31), 2 ** 31 - 1),
    );
  });
  test('bytes widen to int32', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => (index * 37) % 256);
    const widened = evaluateVector(bytes, (a) => i32x4.extendLowI16x8U(i16x8.extendLowI8x16U(a)));
    assert.equal([...new Int32Array(widened.slice().buffer)], [...bytes.slice(0, 4)]);
  });
  test('shuffles pick lanes of two vectors', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => index);
    const lanes = [31, 0, 16, 15, 1, 30, 2, 29, 3, 28, 4, 27, 5, 26, 6, 25];
    assert.equal([...evaluateVector(bytes, (a, b) => i8x16.shuffle(a, b, lanes))], lanes);
    assert.equal(
      [...evaluateVector(bytes, (a, b) => i32x4.shuffle(a, b, [0, 4, 3, 7]))],
      [0, 1, 2, 3, 16, 17, 18, 19, 12, 13, 14, 15, 28, 29, 30, 31],
    );
  });
  test('lanes: splat, extract, constants', () => {
    const none = new Uint8Array(32);
    const asFloats = (expression: V128) => [
      ...new Float32Array(evaluateVector(none, () => expression).slice().buffer),
    ];
    const asIntegers = (expression: V128) => [
      ...new Int32Array(evaluateVector(none, () => expression).slice().buffer),
    ];
    assert.equal(asFloats(f32x4.splat(f32.const(1.25))), [1.25, 1.25, 1.25, 1.25]);
    assert.equal(asFloats(f32x4.const(-0)), [-0, -0, -0, -0]);
    assert.equal(asIntegers(i32x4.splat(-7)), [-7, -7, -7, -7]);
    assert.equal(asIntegers(i32x4.constLanes(0, 1, -2, 3)), [0, 1, -2, 3]);
    assert.equal(asIntegers(i8x16.splat(3)), Array(4).fill(0x03030303));
    const third = evaluate({}, [], () => f32x4.extractLane(f32x4.splat(f32.const(4)), 2));
    assert.is(third, 4);
  });
});
