import * as assert from 'uvu/assert';
import { BackendError } from '../../src/core/errors.js';
import {
  type ComputeType,
  call,
  constantOf,
  type Expression,
  input,
  type PointwiseFunction,
  pointwiseFunctions,
  random,
} from '../../src/core/expression.js';
import { compileClosure } from '../../src/writers/closure.js';
import { printGpuText } from '../../src/writers/gpuText.js';
import { suite } from '../support/suite.js';

const names = ['a', 'b', 'c'];

/** The text as the function of JavaScript that it also is. */
function evaluate(expression: Expression): (...operands: number[]) => number {
  const { statements, value } = printGpuText(expression, names, 't');
  const made = new Function(...names, `${statements.join('\n')}\nreturn ${value};`);
  return (...operands) => made.call({ thread: { x: 3, y: 0 } }, ...operands);
}

const floats = [0, -0, 1, -1, 0.5, -2.5, 3, 1e-30, 30, -30, 2147483520, -3e9, 1e30, Infinity, -Infinity, NaN];
const integers = [0, 1, -1, 2, -3, 7, 1000, -4000];

function checkAgainstClosure(name: PointwiseFunction, dtype: ComputeType, values: readonly number[]): void {
  const { arity } = pointwiseFunctions[name];
  const operands = [0, 1, 2].map((i) => input(i, name === 'where' && i === 0 ? 'float32' : dtype));
  const expression = call(name, ...operands.slice(0, arity));
  const [actual, expected] = [evaluate(expression), compileClosure(expression)];
  for (const a of values) {
    for (const b of arity > 1 ? values : [0]) {
      const at = `${name}(${a}, ${b}) of ${dtype}`;
      assert.equal(actual(a, b, 3), expected([a, b, 3], 0), at);
    }
  }
}

suite('writers/gpuText', (test) => {
  for (const name of Object.keys(pointwiseFunctions) as PointwiseFunction[]) {
    test(`${name} is what the closure computes`, () => {
      checkAgainstClosure(name, 'float32', floats);
      if (pointwiseFunctions[name].takes === 'both') checkAgainstClosure(name, 'int32', integers);
    });
  }

  test('declares a name per part, equal parts once', () => {
    const sum = call('add', input(0), constantOf(-3));
    const expression = call('multiply', call('relu', sum), call('add', input(0), constantOf(-3)));
    assert.equal(printGpuText(expression, ['x0[0][this.thread.x]'], 't'), {
      statements: [
        'const t0 = x0[0][this.thread.x];',
        'const t1 = -3;',
        'const t2 = t0 + t1;',
        'const t3 = t2 < 0 ? 0 : t2;',
        'const t4 = t3 * t2;',
      ],
      value: 't4',
    });
  });

  test('an operand that is a name stays what it is', () => {
    assert.equal(printGpuText(call('toFloat', input(0, 'int32')), ['sum'], 'e'), {
      statements: [],
      value: 'sum',
    });
  });

  test('constants are those that a float32 holds', () => {
    const text = (value: number, dtype?: ComputeType) =>
      printGpuText(constantOf(value, dtype), [], 't').statements.join();
    assert.is(text(0.1), 'const t0 = 0.10000000149011612;');
    assert.is(text(1e300), 'const t0 = Math.exp(1000 + this.thread.x);');
    assert.is(text(-1e300), 'const t0 = -Math.exp(1000 + this.thread.x);');
    assert.is(text(-0), 'const t0 = -0;');
    assert.is(text(NaN), 'const t0 = Math.sqrt(-1 - this.thread.x);');
    assert.is(text(16777217, 'int32'), 'const t0 = 16777217;');
    for (const value of [0.1, -3, 1e-7, 3e38, -Infinity, NaN, -0]) {
      assert.equal(evaluate(constantOf(value))(), Math.fround(value));
    }
  });

  test('random numbers are refused', () => {
    const noise = call('multiply', input(0), random(1, constantOf(0, 'int32')));
    try {
      printGpuText(noise, names, 't');
      assert.unreachable('should have been refused');
    } catch (error) {
      assert.instance(error, BackendError);
      assert.is(
        (error as Error).message,
        'gpu: a random number cannot be made inside a gpu.js kernel\n' +
          '  The planner keeps it a map of its own where limits.fuseRandom is false; the host makes it.',
      );
    }
  });
});
