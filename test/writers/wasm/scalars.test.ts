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
        | 'shl'
        | 'shrS'
        | 'shrU'
        | 'eq'
        | 'ne'
        | 'ltS'
        | 'ltU'
        | 'gtS'
        | 'gtU'
        | 'geS',
      definition: (a: number, b: number) => number | boolean,
    ) => {
      const module = new ModuleBuilder({ simd: 'baseline', shared: false });
      module.exportedFunction('value', { a: 'i32', b: 'i32' }, (_, { a, b }) => i32[name](a, b));
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
    check('shl', (a, b) => a << b);
    check('shrS', (a, b) => a >> b);
    check('shrU', (a, b) => a >>> b);
    check('eq', (a, b) => a === b);
    check('ne', (a, b) => a !== b);
    check('ltS', (a, b) => a < b);
    check('ltU', (a, b) => a >>> 0 < b >>> 0);
    check('gtS', (a, b) => a > b);
    check('gtU', (a, b) => a >>> 0 > b >>> 0);
    check('geS', (a, b) => a >= b);
  });
  test('i32 division, comparison with 0', () => {
    const quotient = evaluate({ a: 'i32', b: 'i32' }, [-7, 2], (p) => i32.divU(p.a, p.b));
    assert.is(quotient, 2 ** 31 - 4);
    const isZero = (a: number) => evaluate({ a: 'i32' }, [a], (p) => i32.eqz(p.a));
    assert.equal([isZero(0), isZero(3)], [1, 0]);
  });
  test('select takes one of two values of any type', () => {
    const choose = (condition: number) =>
      evaluate({ c: 'i32' }, [condition], (p) =>
        f32x4.extractLane(select(p.c, f32x4.const(1), f32x4.const(2)), 0),
      );
    assert.equal([choose(1), choose(0)], [1, 2]);
    assert.is(
      evaluate({ c: 'i32' }, [7], (p) => select(p.c, i32.const(3), i32.const(4))),
      3,
    );
    assert.is(
      evaluate({ c: 'i32' }, [0], (p) => select(p.c, f32.const(3), f32.const(4))),
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
        evaluate({}, [], () => i32.const(value)),
        value | 0,
      );
    }
  });
});
