import * as assert from 'uvu/assert';
import { mapWasm } from '../../../kernels/map/wasm.js';
import { call, constantOf, type Expression, input, random } from '../../../src/core/expression.js';
import { randomUniform } from '../../../src/core/random.js';
import { i32, ModuleBuilder, v128 } from '../../../src/writers/wasm/assembler.js';
import { SimdPrinter } from '../../../src/writers/wasm/simd.js';
import { suite } from '../../support/suite.js';
import { evaluate, levels } from './simdSupport.js';

const [x0, x1] = [input(0), input(1)];
const numbers = (count: number, from = -2) =>
  Float32Array.from({ length: count }, (_, i) => from + ((i * 0.6180339887) % 4));

/** Size of the module of a map over `inputs` operands: the same work once more makes it larger. */
function sizeOfMap(expressions: readonly Expression[], inputs: number): number {
  const layout = { dtype: 'float32', shape: [64], strides: [1] } as const;
  const call = {
    specification: { expressions },
    inputs: Array.from({ length: inputs }, () => layout),
    outputs: expressions.map(() => layout),
  };
  return mapWasm(call, { simd: 'baseline', shared: false }).bytes.length;
}

suite('simd printer', (test) => {
  for (const simd of levels) {
    test(`random numbers have the bits of core/random (${simd})`, () => {
      for (const [key, step] of [
        [0, 0],
        [77, 3],
        [0x9e3779b9, 123456789],
        [0xffffffff, -1],
      ] as const) {
        const size = 10007;
        const expression = call('add', random(key, input(1, 'int32')), call('multiply', x0, constantOf(0)));
        const [y] = evaluate([expression], [numbers(size), Int32Array.of(step)], simd);
        const expected = Float32Array.from({ length: size }, (_, i) => randomUniform(i, key, step));
        assert.is(
          Buffer.compare(Buffer.from(y!.buffer), Buffer.from(expected.buffer)),
          0,
          `key ${key}, step ${step}`,
        );
      }
    });

    test(`a product and a sum are rounded twice at every level (${simd})`, () => {
      const [a, b, c] = [numbers(1001), numbers(1001, 1), numbers(1001, -3)];
      const [y] = evaluate([call('add', call('multiply', x0, x1), input(2))], [a, b, c], simd);
      const expected = a.map((value, i) => Math.fround(value * b[i]!) + c[i]!);
      assert.equal(y, expected);
    });

    test(`an expression has the same bits alone and inside a larger one (${simd})`, () => {
      const x = numbers(997);
      const inner = call('tanh', call('multiply', x0, constantOf(0.7)));
      const outer = (operand: Expression) => call('exp', call('subtract', operand, call('abs', operand)));
      const [alone] = evaluate([inner], [x], simd);
      const [apart] = evaluate([outer(x0)], [alone!], simd);
      const [together] = evaluate([outer(inner)], [x], simd);
      assert.equal(together, apart);
    });

    test(`conditions choose by anything but 0, NaN included (${simd})`, () => {
      const condition = Float32Array.of(0, -0, 1, -3, Number.NaN, Infinity, 1e-45, 0);
      const [a, b] = [numbers(8), numbers(8, 5)];
      const [y] = evaluate([call('where', x0, x1, input(2))], [condition, a, b], simd);
      const expected = a.map((value, i) => (condition[i] !== 0 ? value : b[i]!));
      assert.equal(y, expected);
    });

    test(`a product of comparisons is a condition (${simd})`, () => {
      const x = numbers(40);
      const inside = call(
        'multiply',
        call('greaterEqual', x0, constantOf(-1)),
        call('lessEqual', x0, constantOf(1)),
      );
      const choices = [
        call('where', inside, x0, constantOf(0)),
        call('where', inside, constantOf(0), x0),
        call('where', inside, x0, constantOf(-0)),
      ];
      const [kept, dropped, negative] = evaluate(choices, [x], simd);
      x.forEach((value, i) => {
        const isInside = value >= -1 && value <= 1;
        assert.is(kept![i], isInside ? value : 0);
        assert.is(dropped![i], isInside ? 0 : value);
        assert.ok(Object.is(negative![i], isInside ? value : -0));
      });
    });

    test(`constant powers are products (${simd})`, () => {
      const x = Float32Array.of(-3, -0, 0, 0.1, 1.7, Infinity, -Infinity, Number.NaN, 1e30);
      const powers = [1, 2, 3, -1].map((exponent) => call('power', x0, constantOf(exponent)));
      const [first, second, third, inverse] = evaluate(powers, [x], simd);
      const expected = [
        x,
        x.map((value) => value * value),
        x.map((value) => Math.fround(value * value) * value),
        x.map((value) => 1 / value),
      ];
      [first, second, third, inverse].forEach((actual, o) => {
        actual!.forEach((value, i) => {
          assert.ok(Object.is(value, expected[o]![i]), `power ${o} of ${x[i]} is ${value}`);
        });
      });
    });

    test(`bytes take an int32 modulo 256, a float32 after truncation (${simd})`, () => {
      const whole = Int32Array.of(0, 255, 256, -1, 70000, -2147483648, 5);
      const [low] = evaluate([input(0, 'int32')], [whole], simd, 'uint8');
      assert.equal(low, Uint8Array.from(whole));
      const [truncated] = evaluate(
        [x0],
        [Float32Array.of(0.9, 254.9, 256.5, -1.5, 3e9, Number.NaN)],
        simd,
        'uint8',
      );
      assert.equal(truncated, Uint8Array.of(0, 254, 0, 255, 255, 0));
    });
  }

  test('what occurs twice is computed once', () => {
    const heavy = call('tanh', call('add', x0, constantOf(1)));
    const again = call('tanh', call('add', input(0), constantOf(1)));
    const other = call('tanh', call('add', x1, constantOf(1)));
    const twice = sizeOfMap([heavy, again], 2);
    assert.ok(twice < sizeOfMap([heavy, other], 2) - 100);
    assert.ok(
      sizeOfMap([call('multiply', heavy, again)], 2) < sizeOfMap([call('multiply', heavy, other)], 2) - 100,
    );
  });

  test('what does not change in a loop is computed ahead of it', () => {
    const module = new ModuleBuilder({ simd: 'baseline', shared: false });
    const rate = call('sqrt', call('subtract', constantOf(1), call('power', x1, input(2))));
    const printer = new SimdPrinter([
      call('multiply', x0, rate),
      call('add', x0, random(5, input(3, 'int32'))),
    ]);
    module.kernel(['x', 'rate', 'time', 'step', 'out'], (f, p) => {
      const scalars = [undefined, p.rate, p.time, p.step];
      const hoisted = printer.hoist(f, (index) => scalars[index] && v128.load32Splat(scalars[index]));
      const types = [...hoisted.keys()].map(({ type }) => type).filter((type) => type !== 'constant');
      assert.is(types.sort().join(' '), 'input input input power randomTerm sqrt subtract');
      const asked: number[] = [];
      const operand = (index: number) => {
        asked.push(index);
        return v128.load(p.x);
      };
      const values = printer.evaluate(f, { operand, counter: () => v128.load(p.x) }, hoisted);
      assert.equal(asked, [0]);
      for (const value of values) f.store(i32.add(p.out, 0), value);
    });
    assert.ok(WebAssembly.validate(module.bytes()));
  });
});
