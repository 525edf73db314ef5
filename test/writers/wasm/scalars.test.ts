import * as assert from 'uvu/assert';
import { f32, f32x4, i32, ModuleBuilder, select } from '../../../src/writers/wasm/assembler.js';
import { suite } from '../../support/suite.js';
import { evaluate, instantiate, integers } from './harness.js';

suite('assembler: scalars', (test) => {
  test('i32', () => {
    const check = (
      name:
        | 'add'
        | 'sub'
        | 'mul'
        | 'and'
        | 'or'
        | 'xor'
        | 'shl'
        | 'shrS'
        | 'shrU'
        | 'rotl'
        | 'rotr'
        | 'eq'
        | 'ne'
        | 'ltS'
        | 'ltU'
        | 'gtS'
        | 'gtU'
        | 'leS'
        | 'leU'
        | 'geS'
        | 'geU',
      definition: (a: number, b: number) => number | boolean,
    ) => {
      const module = new ModuleBuilder({ simd: 'baseline', shared: false });
      module.exportedFunction('value', { a: 'i32', b: 'i32' }, 'i32', (_, { a, b }) => i32[name](a, b));
      const value = instantiate(module, new WebAssembly.Memory({ initial: 0 })).value as (
        a: number,
        b: number,
      ) => number;
      for (const a of integers)
        for (const b of integers) assert.is(value(a, b), Number(definition(a, b)) | 0, `${name} ${a} ${b}`);
    };
    check('add', (a, b) => a + b);
    check('sub', (a, b) => a - b);
    check('mul', Math.imul);
    check('and', (a, b) => a & b);
    check('or', (a, b) => a | b);
    check('xor', (a, b) => a ^ b);
    check('shl', (a, b) => a << b);
    check('shrS', (a, b) => a >> b);
    check('shrU', (a, b) => a >>> b);
    check('rotl', (a, b) => (a << (b & 31)) | (a >>> (-b & 31)));
    check('rotr', (a, b) => (a >>> (b & 31)) | (a << (-b & 31)));
    check('eq', (a, b) => a === b);
    check('ne', (a, b) => a !== b);
    check('ltS', (a, b) => a < b);
    check('ltU', (a, b) => a >>> 0 < b >>> 0);
    check('gtS', (a, b) => a > b);
    check('gtU', (a, b) => a >>> 0 > b >>> 0);
    check('leS', (a, b) => a <= b);
    check('leU', (a, b) => a >>> 0 <= b >>> 0);
    check('geS', (a, b) => a >= b);
    check('geU', (a, b) => a >>> 0 >= b >>> 0);
  });
  test('i32 division, bit counts, conversions', () => {
    const divide = (name: 'divS' | 'divU' | 'remS' | 'remU', a: number, b: number) =>
      evaluate({ a: 'i32', b: 'i32' }, 'i32', [a, b], (p) => i32[name](p.a, p.b));
    assert.equal([divide('divS', -7, 2), divide('remS', -7, 2)], [-3, -1]);
    assert.equal([divide('divU', -7, 2), divide('remU', -7, 2)], [2 ** 31 - 4, 1]);
    const one = (name: 'eqz' | 'clz' | 'ctz' | 'popcnt', a: number) =>
      evaluate({ a: 'i32' }, 'i32', [a], (p) => i32[name](p.a));
    assert.equal(
      [one('eqz', 0), one('eqz', 3), one('clz', 1), one('ctz', 8), one('popcnt', -1)],
      [1, 0, 31, 3, 32],
    );
    const truncate = (name: 'truncSatF32S' | 'truncSatF32U', a: number) =>
      evaluate({ a: 'f32' }, 'i32', [a], (p) => i32[name](p.a));
    assert.equal(
      [truncate('truncSatF32S', -2.9), truncate('truncSatF32S', 1e12), truncate('truncSatF32U', -1)],
      [-2, 2 ** 31 - 1, 0],
    );
    assert.is(
      evaluate({ a: 'i32' }, 'f32', [-1], (p) => f32.convertI32S(p.a)),
      -1,
    );
    assert.is(
      evaluate({ a: 'i32' }, 'f32', [-1], (p) => f32.convertI32U(p.a)),
      2 ** 32,
    );
    assert.is(
      evaluate({ a: 'i32' }, 'f32', [0x3fc00000], (p) => f32.reinterpretI32(p.a)),
      1.5,
    );
  });
  test('f32', () => {
    const pair = (name: 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'copysign', a: number, b: number) =>
      evaluate({ a: 'f32', b: 'f32' }, 'f32', [a, b], (p) => f32[name](p.a, p.b));
    assert.equal(
      [
        pair('add', 1.5, 2),
        pair('sub', 1.5, 2),
        pair('mul', 1.5, 2),
        pair('div', 3, 2),
        pair('min', 3, 2),
        pair('max', 3, 2),
        pair('copysign', 3, -0),
      ],
      [3.5, -0.5, 3, 1.5, 2, 3, -3],
    );
    const one = (name: 'abs' | 'neg' | 'ceil' | 'floor' | 'trunc' | 'nearest' | 'sqrt', a: number) =>
      evaluate({ a: 'f32' }, 'f32', [a], (p) => f32[name](p.a));
    assert.equal(
      [
        one('abs', -2),
        one('neg', 2),
        one('ceil', 1.2),
        one('floor', -1.2),
        one('trunc', -1.2),
        one('nearest', 2.5),
        one('sqrt', 9),
      ],
      [2, -2, 2, -2, -1, 2, 3],
    );
    const compare = (name: 'eq' | 'ne' | 'lt' | 'gt' | 'le' | 'ge') =>
      evaluate({}, 'i32', [], () => f32[name](1, 2));
    assert.equal((['eq', 'ne', 'lt', 'gt', 'le', 'ge'] as const).map(compare), [0, 1, 1, 0, 1, 0]);
  });
  test('select takes one of two values of any type', () => {
    const choose = (condition: number) =>
      evaluate({ c: 'i32' }, 'f32', [condition], (p) =>
        f32x4.extractLane(select(p.c, f32x4.const(1), f32x4.const(2)), 0),
      );
    assert.equal([choose(1), choose(0)], [1, 2]);
    assert.is(
      evaluate({ c: 'i32' }, 'i32', [7], (p) => select(p.c, i32.const(3), i32.const(4))),
      3,
    );
    assert.is(
      evaluate({ c: 'i32' }, 'f32', [0], (p) => select(p.c, f32.const(3), f32.const(4))),
      4,
    );
  });
  test('constant integer arithmetic is folded, neutral elements vanish', () => {
    const x = i32.load(0);
    assert.is(i32.sum(1, 2, i32.mul(3, 4)).constant, 15);
    assert.is(i32.sub(2, 5).constant, -3);
    assert.is(i32.add(2 ** 31 - 1, 1).constant, -(2 ** 31));
    assert.is(i32.mul(x, 0).constant, 0);
    for (const same of [i32.add(x, 0), i32.add(0, x), i32.sub(x, 0), i32.mul(x, 1), i32.mul(1, x)])
      assert.is(same, x);
    assert.is.not(i32.sub(0, x), x);
  });
  test('large and negative constants survive their encoding', () => {
    for (const value of [...integers, 63, 64, -64, -65, 8191, 8192, -8193]) {
      assert.is(
        evaluate({}, 'i32', [], () => i32.const(value)),
        value | 0,
      );
    }
  });
});
