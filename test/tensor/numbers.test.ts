/** Numbers beside integer tensors: exact, or refused with what to write. */
import * as assert from 'uvu/assert';
import { DtypeError } from '../../src/core/errors.js';
import { constantOf } from '../../src/core/expression.js';
import { openEngine } from '../../src/engine/engine.js';
import { constant, state } from '../../src/tensor/leaves.js';
import { pad } from '../../src/tensor/ops/assemble.js';
import * as ops from '../../src/tensor/ops/pointwise.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { suite } from '../support/suite.js';

const n = constant(Int32Array.of(0, 1, 2));
const yes = constant(Float32Array.of(1, 0, 1));

const refused = (build: () => unknown, what: string, value: string, dtype = 'int32') => {
  const range = dtype === 'int32' ? '-2147483648 to 2147483647' : '0 to 255';
  const message =
    `${what}: ${value} is no ${dtype}\n` +
    `  ${dtype} holds whole numbers from ${range}; cast(x, 'float32') computes with others, and dtype 'float32' stores them.`;
  assert.throws(build, (error: unknown) => error instanceof DtypeError && error.message === message);
};

suite('a number that an integer dtype does not hold', (test) => {
  test('is refused by every pointwise op, on both sides', () => {
    const binary = { ...ops } as unknown as Record<
      string,
      (a: Tensor | number, b: Tensor | number) => Tensor
    >;
    for (const name of [
      'add',
      'subtract',
      'multiply',
      'maximum',
      'minimum',
      'equal',
      'notEqual',
      'less',
      'lessEqual',
      'greater',
      'greaterEqual',
    ]) {
      for (const value of [1.5, 3e9, Number.NaN]) {
        refused(() => binary[name]!(n, value), name, String(value));
        refused(() => binary[name]!(value, n), name, String(value));
      }
    }
    refused(() => n.add(Infinity), 'add', 'Infinity');
    refused(() => ops.clip(n, 0.5, 2), 'clip', '0.5');
    refused(() => ops.where(yes, n, 0.5), 'where', '0.5');
    refused(() => pad(n, [[1, 1]], 0.5), 'pad', '0.5');
  });

  test('is refused as a constant, a state, a feed, in an expression', async () => {
    refused(() => constant(0.5, [], 'int32'), 'constant', '0.5');
    refused(() => constant(300, [2], 'uint8'), 'constant', '300', 'uint8');
    refused(() => constant(-1, [], 'uint8'), 'constant', '-1', 'uint8');
    refused(() => state('count', [2], 0.5, 'int32'), 'count', '0.5');
    refused(() => constantOf(0.5, 'int32'), 'constantOf', '0.5');
    await using engine = await openEngine({ backend: 'reference' });
    const step = engine.compile(({ x }) => ({ outputs: { y: x.add(1) } }), {
      x: { shape: [], dtype: 'int32' },
    });
    const error = await step.run({ x: 1.5 }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(error, DtypeError);
    assert.match(String(error), /^DtypeError: run: input 'x': 1.5 is no int32\n/);
  });

  test('infinities count where only order does', async () => {
    for (const backend of ['reference', 'wasm'] as const) {
      await using engine = await openEngine({ backend });
      const last = constant(Int32Array.of(-2147483648, 5, 2147483647));
      const value = async (tensor: Tensor) => Array.from((await engine.read(tensor)).data as Float32Array);
      assert.equal(await value(last.less(Infinity)), [1, 1, 1]);
      assert.equal(await value(ops.greaterEqual(last, Infinity)), [0, 0, 0]);
      assert.equal(await value(ops.greater(last, -Infinity)), [1, 1, 1]);
      assert.equal(await value(ops.equal(Infinity, last)), [0, 0, 0]);
      assert.equal(await value(ops.clip(n, 1, Infinity)), [1, 1, 2]);
      assert.equal(await value(ops.minimum(last, Infinity)), [-2147483648, 5, 2147483647]);
      assert.equal(await value(ops.maximum(-Infinity, last)), [-2147483648, 5, 2147483647]);
    }
  });
});
