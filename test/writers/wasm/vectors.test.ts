import * as assert from 'uvu/assert';
import {
  f32,
  f32x4,
  type I32,
  i8x16,
  i16x8,
  i32x4,
  type V128,
  v128,
} from '../../../src/writers/wasm/assembler.js';
import { suite } from '../../support/suite.js';
import { evaluate, evaluateVector, floats, integers } from './harness.js';

type Vectors = Float32Array | Int32Array | Int16Array | Uint8Array;
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
const roundEven = (x: number) => {
  if (!Number.isFinite(x) || Math.abs(x) > 2 ** 23) return x;
  const [floor, rest] = [Math.floor(x), x - Math.floor(x)];
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return rounded === 0 ? 0 * x : rounded; // keeps the sign of zero
};
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
  const unaryFloats: [
    'abs' | 'neg' | 'sqrt' | 'ceil' | 'floor' | 'trunc' | 'nearest',
    (a: number) => number,
  ][] = [
    ['abs', Math.abs],
    ['neg', (a) => -a],
    ['sqrt', Math.sqrt],
    ['ceil', Math.ceil],
    ['floor', Math.floor],
    ['trunc', Math.trunc],
    ['nearest', roundEven],
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
      name: 'add' | 'sub' | 'mul' | 'minS' | 'maxS' | 'minU' | 'maxU',
      definition: (a: number, b: number) => number,
    ) => checkPairs(name, integers, Int32Array, Int32Array, (a, b) => i32x4[name](a, b), definition);
    check('add', (a, b) => (a + b) | 0);
    check('sub', (a, b) => (a - b) | 0);
    check('mul', Math.imul);
    check('minS', Math.min);
    check('maxS', Math.max);
    check('minU', (a, b) => Math.min(a >>> 0, b >>> 0) | 0);
    check('maxU', (a, b) => Math.max(a >>> 0, b >>> 0) | 0);
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
  test('i32x4 comparisons, signed and unsigned', () => {
    const direct = { eq: '===', ne: '!==', ltS: '<', gtS: '>', leS: '<=', geS: '>=' } as const;
    const unsigned = { ltU: 'ltS', gtU: 'gtS', leU: 'leS', geU: 'geS' } as const;
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
    for (const [name, twin] of Object.entries(unsigned) as [keyof typeof unsigned, keyof typeof direct][]) {
      checkPairs(
        name,
        integers,
        Int32Array,
        Int32Array,
        (a, b) => i32x4[name](a, b),
        (a, b) => mask(compare(direct[twin], a >>> 0, b >>> 0)),
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
    checkPairs(
      'convertI32x4U',
      integers,
      Int32Array,
      Float32Array,
      (a) => f32x4.convertI32x4U(a),
      (a) => a >>> 0,
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
    checkPairs(
      'truncSatF32x4U',
      values,
      Float32Array,
      Int32Array,
      (a) => i32x4.truncSatF32x4U(a),
      (a) => saturate(a, 0, 2 ** 32 - 1) | 0,
    );
  });
  test('bytes widen to int32 and int32 narrow to bytes, saturated', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => (index * 37) % 256);
    const widened = (wide: V128) => [...new Int32Array(evaluateVector(bytes, () => wide).slice().buffer)];
    const a = v128.load(0);
    const signedBytes = [...new Int8Array(bytes.buffer)];
    assert.equal(widened(i32x4.extendLowI16x8U(i16x8.extendLowI8x16U(a))), [...bytes.slice(0, 4)]);
    assert.equal(widened(i32x4.extendHighI16x8U(i16x8.extendHighI8x16U(a))), [...bytes.slice(12, 16)]);
    assert.equal(widened(i32x4.extendLowI16x8S(i16x8.extendLowI8x16S(a))), signedBytes.slice(0, 4));
    assert.equal(widened(i32x4.extendHighI16x8S(i16x8.extendHighI8x16S(a))), signedBytes.slice(12, 16));

    const wide = new Int32Array([-5, 0, 255, 256, 70000, 17, -70000, 128]);
    const narrowed = evaluateVector(new Uint8Array(wide.buffer), (x, y) => {
      const words = i16x8.narrowI32x4S(x, y);
      return i8x16.narrowI16x8U(words, words);
    });
    assert.equal([...narrowed.slice(0, 8)], [0, 0, 255, 255, 255, 17, 0, 128]);
    const unsignedWords = evaluateVector(new Uint8Array(wide.buffer), (x, y) => i16x8.narrowI32x4U(x, y));
    assert.equal([...new Uint16Array(unsignedWords.slice().buffer)], [0, 0, 255, 256, 65535, 17, 0, 128]);
    const narrow = evaluateVector(
      new Uint8Array(new Int16Array([-200, 200, 5, -5, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).buffer),
      (x, y) => i8x16.narrowI16x8S(x, y),
    );
    assert.equal(
      [...new Int8Array(narrow.slice().buffer)],
      [-128, 127, 5, -5, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
  });
  test('bytes and words', () => {
    const values = [0, 1, 2, 127, 128, 200, 255];
    checkPairs(
      'i8x16.add',
      values,
      Uint8Array,
      Uint8Array,
      (a, b) => i8x16.add(a, b),
      (a, b) => a + b,
    );
    checkPairs(
      'i8x16.sub',
      values,
      Uint8Array,
      Uint8Array,
      (a, b) => i8x16.sub(a, b),
      (a, b) => a - b,
    );
    checkPairs('i8x16.minU', values, Uint8Array, Uint8Array, (a, b) => i8x16.minU(a, b), Math.min);
    checkPairs('i8x16.maxU', values, Uint8Array, Uint8Array, (a, b) => i8x16.maxU(a, b), Math.max);
    checkPairs(
      'i8x16.eq',
      values,
      Uint8Array,
      Uint8Array,
      (a, b) => i8x16.eq(a, b),
      (a, b) => (a === b ? 255 : 0),
    );
    const words = [0, 1, -1, 300, -300, 32767, -32768];
    checkPairs(
      'i16x8.add',
      words,
      Int16Array,
      Int16Array,
      (a, b) => i16x8.add(a, b),
      (a, b) => a + b,
    );
    checkPairs(
      'i16x8.sub',
      words,
      Int16Array,
      Int16Array,
      (a, b) => i16x8.sub(a, b),
      (a, b) => a - b,
    );
    checkPairs('i16x8.mul', words, Int16Array, Int16Array, (a, b) => i16x8.mul(a, b), Math.imul);
    checkPairs(
      'i16x8.shl',
      words,
      Int16Array,
      Int16Array,
      (a) => i16x8.shl(a, 3),
      (a) => a << 3,
    );
    checkPairs(
      'i16x8.shrS',
      words,
      Int16Array,
      Int16Array,
      (a) => i16x8.shrS(a, 3),
      (a) => a >> 3,
    );
    checkPairs(
      'i16x8.shrU',
      words,
      Int16Array,
      Int16Array,
      (a) => i16x8.shrU(a, 3),
      (a) => (a & 0xffff) >> 3,
    );
  });
  test('shuffles pick lanes of two vectors, swizzle picks by indices in a vector', () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => index);
    const lanes = [31, 0, 16, 15, 1, 30, 2, 29, 3, 28, 4, 27, 5, 26, 6, 25];
    assert.equal([...evaluateVector(bytes, (a, b) => i8x16.shuffle(a, b, lanes))], lanes);
    assert.equal(
      [...evaluateVector(bytes, (a, b) => i32x4.shuffle(a, b, [0, 4, 3, 7]))],
      [0, 1, 2, 3, 16, 17, 18, 19, 12, 13, 14, 15, 28, 29, 30, 31],
    );
    const reversed = [...evaluateVector(bytes, (a) => i8x16.swizzle(a, i8x16.sub(15, a)))];
    assert.equal(reversed, [...bytes.slice(0, 16)].reverse());
  });
  test('lanes: splat, extract, replace, constants', () => {
    const none = new Uint8Array(32);
    const asFloats = (expression: V128) => [
      ...new Float32Array(evaluateVector(none, () => expression).slice().buffer),
    ];
    const asIntegers = (expression: V128) => [
      ...new Int32Array(evaluateVector(none, () => expression).slice().buffer),
    ];
    assert.equal(asFloats(f32x4.splat(f32.const(1.25))), [1.25, 1.25, 1.25, 1.25]);
    assert.equal(asFloats(f32x4.const(-0)), [-0, -0, -0, -0]);
    assert.equal(asFloats(f32x4.replaceLane(f32x4.const(2), 3, 0.5)), [2, 2, 2, 0.5]);
    assert.equal(asIntegers(i32x4.splat(-7)), [-7, -7, -7, -7]);
    assert.equal(asIntegers(i32x4.constLanes(0, 1, -2, 3)), [0, 1, -2, 3]);
    assert.equal(asIntegers(i32x4.replaceLane(i32x4.const(2), 1, 9)), [2, 9, 2, 2]);
    assert.equal(asIntegers(i16x8.splat(0x0102)), Array(4).fill(0x01020102));
    assert.equal(asIntegers(i8x16.splat(3)), Array(4).fill(0x03030303));
    assert.equal(
      asIntegers(i8x16.replaceLane(i8x16.splat(3), 4, 1)),
      [0x03030303, 0x03030301, 0x03030303, 0x03030303],
    );
    const scalar = (expression: I32) => evaluate({}, 'i32', [], () => expression);
    assert.is(scalar(i32x4.extractLane(i32x4.constLanes(5, 6, 7, 8), 2)), 7);
    assert.is(scalar(i8x16.extractLaneU(i8x16.splat(-1), 2)), 255);
    assert.is(
      evaluate({}, 'f32', [], () => f32x4.extractLane(f32x4.replaceLane(f32x4.const(1), 1, 4), 1)),
      4,
    );
    assert.is(scalar(i32x4.bitmask(i32x4.constLanes(-1, 0, -1, 5))), 0b0101);
    assert.is(scalar(i32x4.allTrue(i32x4.constLanes(-1, 0, -1, 5))), 0);
    assert.is(scalar(i32x4.allTrue(i32x4.constLanes(-1, 2, -1, 5))), 1);
    assert.is(scalar(v128.anyTrue(i32x4.const(0))), 0);
    assert.is(scalar(v128.anyTrue(i32x4.constLanes(0, 0, 4, 0))), 1);
  });
});
