import * as assert from 'uvu/assert';
import { DtypeError } from '../../src/core/errors.js';
import {
  call,
  computeType,
  constantOf,
  countOperations,
  type Expression,
  formatExpression,
  hasRandom,
  input,
  type PointwiseFunction,
  pointwiseFunctions,
  random,
  simplify,
  substitute,
  walk,
} from '../../src/core/expression.js';
import { suite } from '../support/suite.js';

const [x0, x1] = [input(0), input(1)];
const [i0, i1] = [input(0, 'int32'), input(1, 'int32')];
const names = Object.keys(pointwiseFunctions) as PointwiseFunction[];

function refuses(action: () => unknown, message: string): void {
  assert.throws(action, (error: unknown) => {
    assert.instance(error, DtypeError);
    assert.is((error as DtypeError).message, message);
    return true;
  });
}

suite('calls of pointwise functions', (test) => {
  const argumentsOf = (name: PointwiseFunction, operand: Expression): Expression[] =>
    Array.from({ length: pointwiseFunctions[name].arity }, (_, i) =>
      name === 'where' && i === 0 ? x0 : operand,
    );

  test('every function takes float32 and gives what its row says', () => {
    for (const name of names) {
      const { gives } = pointwiseFunctions[name];
      assert.is(call(name, ...argumentsOf(name, x0)).dtype, gives === 'same' ? 'float32' : gives, name);
    }
  });

  test('those that take both types take int32 as well, the others refuse it', () => {
    for (const name of names) {
      const { takes, gives } = pointwiseFunctions[name];
      const args = argumentsOf(name, i0);
      if (takes === 'both') assert.is(call(name, ...args).dtype, gives === 'same' ? 'int32' : gives, name);
      else
        refuses(
          () => call(name, ...args),
          `${name}: does not take (${args.map(({ dtype }) => dtype).join(', ')})`,
        );
    }
  });

  test('two types do not mix', () => {
    refuses(() => call('add', x0, i1), 'add: does not take (float32, int32)');
    refuses(() => call('equal', i0, x1), 'equal: does not take (int32, float32)');
    refuses(() => call('where', x0, x1, i0), 'where: does not take (float32, float32, int32)');
  });

  test('the condition of where is float32', () => {
    assert.is(call('where', x0, i0, i1).dtype, 'int32');
    refuses(() => call('where', i0, x0, x1), 'where: does not take (int32, float32, float32)');
  });

  test('a wrong number of arguments', () => {
    refuses(() => call('add', x0), 'add: does not take (float32)');
    refuses(() => call('exp', x0, x1), 'exp: does not take (float32, float32)');
    refuses(() => call('where', x0, x1), 'where: does not take (float32, float32)');
  });
});

const tree = call('relu', call('add', call('multiply', x0, constantOf(2)), x1));
const noise = call('less', random(7, call('add', i0, constantOf(1, 'int32'))), constantOf(0.5));

suite('walking expressions', (test) => {
  test('as text', () => {
    assert.is(formatExpression(tree), 'relu(add(multiply(x0, 2), x1))');
    assert.is(formatExpression(noise), 'less(random(add(x0, 1)), 0.5)');
  });

  test('operations: one for every call and random number', () => {
    assert.is(countOperations(x0), 0);
    assert.is(countOperations(tree), 3);
    assert.is(countOperations(noise), 3);
  });

  test('random leaves are found wherever they are', () => {
    assert.not(hasRandom(tree));
    assert.ok(hasRandom(noise));
    assert.ok(hasRandom(call('add', x0, noise)));
  });

  test('visits the whole before its parts, the step of a random leaf too', () => {
    const seen: string[] = [];
    walk(noise, (part) => seen.push(part.type === 'call' ? part.function : part.type));
    assert.equal(seen, ['less', 'random', 'add', 'input', 'constant', 'constant']);
  });

  test('operands are replaced everywhere, and the original stays', () => {
    const shifted = substitute(call('add', tree, noise), ({ index, dtype }) => input(index + 3, dtype));
    assert.is(
      formatExpression(shifted),
      'add(relu(add(multiply(x3, 2), x4)), less(random(add(x3, 1)), 0.5))',
    );
    assert.is(formatExpression(tree), 'relu(add(multiply(x0, 2), x1))');
    assert.is(
      substitute(x0, () => tree),
      tree,
    );
  });

  test('uint8 is computed as int32', () => {
    assert.equal((['float32', 'int32', 'uint8'] as const).map(computeType), ['float32', 'int32', 'int32']);
  });
});

suite('simplifying expressions', (test) => {
  const simple = (expression: Expression) => formatExpression(simplify(expression));
  const c = (value: number) => constantOf(value);

  test('folds float32 arithmetic on constants, rounded as float32', () => {
    assert.is(simple(call('add', c(1), call('multiply', c(2), c(3)))), '7');
    assert.is(simple(call('subtract', x0, call('divide', c(1), c(4)))), 'subtract(x0, 0.25)');
    const third = simplify(call('divide', c(1), c(3)));
    assert.equal(third, constantOf(Math.fround(1 / 3)));
  });

  test('drops what changes nothing', () => {
    assert.is(simple(call('multiply', c(1), x0)), 'x0');
    assert.is(simple(call('multiply', x0, c(1))), 'x0');
    assert.is(simple(call('divide', x0, c(1))), 'x0');
    assert.is(simple(call('add', x0, c(0))), 'x0');
    assert.is(simple(call('exp', call('subtract', x0, c(0)))), 'exp(x0)');
  });

  test('leaves the rest alone', () => {
    assert.is(simple(tree), 'relu(add(multiply(x0, 2), x1))');
    assert.is(simple(call('divide', c(1), x0)), 'divide(1, x0)');
    assert.is(simple(call('multiply', x0, c(0))), 'multiply(x0, 0)');
    assert.is(simple(call('subtract', c(0), x0)), 'subtract(0, x0)');
    assert.is(simple(call('add', constantOf(1, 'int32'), constantOf(2, 'int32'))), 'add(1, 2)');
  });
});
