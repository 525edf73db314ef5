import * as assert from 'uvu/assert';
import {
  type ComputeType,
  call,
  constantOf,
  input,
  type PointwiseFunction,
  random,
} from '../../src/core/expression.js';
import { randomUniform } from '../../src/core/random.js';
import { compileClosure } from '../../src/writers/closure.js';
import { suite } from '../support/suite.js';

function apply(name: PointwiseFunction, dtype: ComputeType, ...values: number[]): number {
  const operands = values.map((_, i) => input(i, name === 'where' && i === 0 ? 'float32' : dtype));
  return compileClosure(call(name, ...operands))(values, 0);
}

const nan = Number.NaN;

type Row = readonly [name: PointwiseFunction, expected: number, ...values: number[]];

const floats: readonly Row[] = [
  ['add', 3.75, 1.5, 2.25],
  ['subtract', -0.75, 1.5, 2.25],
  ['multiply', 3.375, 1.5, 2.25],
  ['divide', 0.75, 1.5, 2],
  ['divide', -Infinity, 1, -0],
  ['power', 8, 2, 3],
  ['power', -0.125, -2, -3],
  ['power', nan, -2, 0.5],
  ['maximum', 2, 1, 2],
  ['maximum', nan, nan, 2],
  ['maximum', nan, 2, nan],
  ['minimum', 1, 1, 2],
  ['minimum', nan, 2, nan],
  ['equal', 1, 0.5, 0.5],
  ['equal', 0, nan, nan],
  ['notEqual', 0, 0.5, 0.5],
  ['notEqual', 1, nan, nan],
  ['less', 1, 1, 2],
  ['less', 0, 2, 2],
  ['lessEqual', 1, 2, 2],
  ['lessEqual', 0, nan, 2],
  ['greater', 1, 2, 1],
  ['greater', 0, 2, 2],
  ['greaterEqual', 1, 2, 2],
  ['greaterEqual', 0, 1, 2],
  ['negate', -1.5, 1.5],
  ['abs', 1.5, -1.5],
  ['relu', 1.5, 1.5],
  ['relu', 0, -1.5],
  ['relu', nan, nan],
  ['exp', Math.E, 1],
  ['log', 1, Math.E],
  ['log', -Infinity, 0],
  ['log', nan, -1],
  ['sqrt', 1.5, 2.25],
  ['tanh', 1, 40],
  ['floor', -3, -2.5],
  ['where', 7, 0.25, 7, 8],
  ['where', 8, 0, 7, 8],
  ['where', 7, nan, 7, 8],
  ['toFloat', 2.5, 2.5],
  ['toInt', 2, 2.9],
  ['toInt', -2, -2.9],
  ['toInt', 2147483647, 3e9],
  ['toInt', -2147483648, -Infinity],
  ['toInt', 0, nan],
];

const largest = 2147483647;
const smallest = -2147483648;

const integers: readonly Row[] = [
  ['add', smallest, largest, 1],
  ['subtract', largest, smallest, 1],
  // (2³¹ − 1) · (2¹⁷ − 1) = 2⁴⁸ − 2³¹ − 2¹⁷ + 1
  ['multiply', largest - 131070, largest, 131071],
  ['multiply', 65536 * 32767, 65536, 32767],
  ['multiply', 0, 65536, 65536],
  ['maximum', 3, -4, 3],
  ['minimum', -4, -4, 3],
  ['equal', 1, 7, 7],
  ['notEqual', 1, 7, 8],
  ['less', 1, smallest, largest],
  ['lessEqual', 1, 7, 7],
  ['greater', 0, 7, 7],
  ['greaterEqual', 1, 7, 7],
  ['negate', smallest, smallest],
  ['negate', -5, 5],
  ['abs', 5, -5],
  ['abs', smallest, smallest],
  ['relu', 0, -5],
  ['where', 7, 1, 7, 8],
  ['where', 8, 0, 7, 8],
  ['toFloat', largest, largest],
  ['toInt', smallest, smallest],
];

suite('closures', (test) => {
  for (const [dtype, rows] of [
    ['float32', floats],
    ['int32', integers],
  ] as const) {
    for (const [name, expected, ...values] of rows) {
      test(`${name}(${values.join(', ')}) in ${dtype}`, () => {
        assert.ok(Object.is(apply(name, dtype, ...values), expected), `${apply(name, dtype, ...values)}`);
      });
    }
  }

  test('float work is done in double precision', () => {
    const third = call('divide', constantOf(1), constantOf(3));
    assert.is(compileClosure(call('multiply', third, input(0)))([0.1], 0), (1 / 3) * 0.1);
  });

  test('float32 constants are float32 numbers, so that every backend compares with the same', () => {
    assert.is(compileClosure(call('equal', input(0), constantOf(0.1)))([Math.fround(0.1)], 0), 1);
  });

  test('an int32 constant is one that int32 holds', () => {
    assert.is(compileClosure(constantOf(-(2 ** 31), 'int32'))([], 0), smallest);
    assert.throws(() => constantOf(2 ** 31, 'int32'), /^constantOf: .*2147483648/);
  });

  test('a tree reads its operands by index and may use one twice', () => {
    // (x₁ − x₀) · x₁
    const tree = call('multiply', call('subtract', input(1), input(0)), input(1));
    assert.is(compileClosure(tree)(Float64Array.of(2, 5), 0), 15);
  });

  test('a random leaf counts by the position and takes its step from an operand', () => {
    const closure = compileClosure(random(17, call('add', input(0, 'int32'), constantOf(1, 'int32'))));
    assert.is(closure([4], 9), randomUniform(9, 17, 5));
    assert.is(closure([4], 10), randomUniform(10, 17, 5));
  });
});
