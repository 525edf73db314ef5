import * as assert from 'uvu/assert';
import { openEngine } from '../../src/engine/engine.js';
import { gradients } from '../../src/tensor/gradients.js';
import { constant, input, parameter, state } from '../../src/tensor/leaves.js';
import { oneHot } from '../../src/tensor/ops/gather.js';
import * as pointwise from '../../src/tensor/ops/pointwise.js';
import { maxPool2d } from '../../src/tensor/ops/pool.js';
import { logSoftmax, softmaxCrossEntropy } from '../../src/tensor/ops/softmax.js';
import { stopGradient } from '../../src/tensor/ops/views.js';
import { randomKey, randomUniform, subKey } from '../../src/tensor/random.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { suite } from '../support/suite.js';

const engine = await openEngine({ backend: 'reference' });

async function valuesOf(tensor: Tensor): Promise<number[]> {
  const { data } = await engine.read(tensor);
  return Array.from(data as ArrayLike<number>);
}

const x = constant(Float32Array.of(1, -2, 3, 4, -5, 6), [2, 3]);

suite('tensors', (test) => {
  test('what they tell of themselves', () => {
    const sum = x.add(1);
    assert.is(sum.toString(), 'add float32[2, 3]');
    assert.is(sum.rank, 2);
    assert.is(sum.size, 6);
    assert.is(parameter('w', [3], 0).toString(), 'parameter w float32[3]');
    assert.ok(sum.id > x.id);
  });

  test('methods are the functions', () => {
    const other = constant(Float32Array.of(2, 2, 2, 0.5, 1, 1), [2, 3]);
    const calls: readonly (readonly [string, Tensor])[] = [
      ...(['add', 'subtract', 'multiply', 'divide', 'power', 'maximum', 'minimum'] as const).map(
        (name) => [name, x[name](other)] as const,
      ),
      ...(['equal', 'less', 'greater'] as const).map((name) => [name, x[name](other)] as const),
      ...(['negate', 'abs', 'exp', 'log', 'sqrt', 'square', 'relu', 'sigmoid', 'tanh'] as const).map(
        (name) => [name, x[name]()] as const,
      ),
      ['cast', x.cast('int32')],
      ['matmul', x.matmul(other.transpose())],
      ['sum', x.sum(0)],
      ['mean', x.mean(1, true)],
      ['max', x.max()],
      ['argMax', x.argMax(1)],
      ['reshape', x.reshape([6])],
      ['transpose', x.transpose()],
      ['slice', x.slice([1])],
      ['broadcastTo', x.broadcastTo([2, 2, 3])],
      ['reshape', x.expandDims(0)],
      ['reshape', x.expandDims(0).squeeze()],
    ];
    for (const [name, tensor] of calls) {
      const top = name === 'mean' ? undefined : tensor.op.name;
      if (top !== undefined) assert.is(top, name);
      assert.instance(tensor, Tensor);
    }
    assert.equal(x.mean(1, true).shape, [2, 1]);
  });

  test('what changes nothing makes no node', () => {
    assert.is(x.reshape([2, 3]), x);
    assert.is(x.broadcastTo([2, 3]), x);
    assert.is(x.slice([0, 0]), x);
    assert.is(x.cast('float32'), x);
  });

  test('numbers take the dtype of the tensor beside them', async () => {
    const counts = constant(Int32Array.of(1, 2));
    assert.is(pointwise.add(counts, 1).dtype, 'int32');
    assert.is(pointwise.subtract(1, counts).dtype, 'int32');
    assert.is(pointwise.add(1, 2).dtype, 'float32');
    assert.equal(await valuesOf(pointwise.subtract(5, counts)), [4, 3]);
    assert.equal(await valuesOf(pointwise.where(constant(Float32Array.of(0, 1)), 2, 3)), [3, 2]);
  });

  test('constants and initial values', async () => {
    assert.equal(await valuesOf(constant(3, [2, 2])), [3, 3, 3, 3]);
    assert.equal(await valuesOf(constant(7, [], 'int32')), [7]);
    const data = Float32Array.of(1, 2);
    const copied = parameter('copied', [2], data);
    data[0] = 9;
    assert.equal(Array.from(copied.initial()), [9, 2]);
    assert.equal(await valuesOf(copied), [9, 2]);
    // the engine has its own copy by now
    data[0] = 5;
    assert.equal(await valuesOf(copied), [9, 2]);
    assert.equal(await valuesOf(state('flags', [2], Uint8Array.of(3, 4), 'uint8')), [3, 4]);
  });

  test('an initializer gets the shape and a key of seed and name', () => {
    const keys: number[] = [];
    const initializer = (shape: readonly number[], key: number) => {
      keys.push(key);
      return new Float32Array(shape[0]! * shape[1]!);
    };
    const make = (name: string, seed = 0) => parameter(name, [2, 1], initializer, { seed }).initial();
    make('a');
    make('a');
    make('b');
    make('a', 1);
    assert.is(keys[0], keys[1]);
    assert.is(new Set(keys).size, 3);
  });

  test('random keys: the same path gives the same numbers, another path others', async () => {
    const key = randomKey(1, ['layers', 2]);
    const numbers = await valuesOf(randomUniform([4], key));
    assert.equal(await valuesOf(randomUniform([4], randomKey(1, ['layers', 2]))), numbers);
    const others = [
      randomKey(2, ['layers', 2]),
      randomKey(1, ['layers', 2], constant(1, [], 'int32')),
      subKey(key, 'mask'),
      subKey(key, 'noise'),
    ];
    for (const other of others) assert.not.equal(await valuesOf(randomUniform([4], other)), numbers);
  });
});

suite('gradients', (test) => {
  test.after(() => engine.close());

  test('of a sum of two uses, of what the loss does not depend on, of an inner node', async () => {
    const [a, b] = [constant(Float32Array.of(1, 2)), constant(Float32Array.of(5))];
    const inner = a.square();
    const loss = inner.multiply(a).sum();
    const [da, db, dInner] = gradients(loss, [a, b, inner]) as [Tensor, Tensor, Tensor];
    assert.equal(await valuesOf(da), [3, 12]);
    assert.equal(await valuesOf(db), [0]);
    assert.equal(await valuesOf(dInner), [1, 2]);
  });

  test('of the loss itself', async () => {
    const loss = constant(Float32Array.of(4), [1, 1]);
    assert.equal(await valuesOf(gradients(loss, [loss])[0]!), [1]);
  });

  test('none flows through stopGradient, comparisons, rounding or integers', async () => {
    const a = constant(Float32Array.of(1.5, -2));
    const parts = [stopGradient(a), a.greater(0), pointwise.floor(a), a.cast('int32').cast('float32')];
    for (const part of parts) {
      assert.equal(await valuesOf(gradients(a.multiply(part).sum(), [a])[0]!), await valuesOf(part));
    }
  });

  test('at the kinks: relu and abs 0, ties of maximum to the left, ties of max shared, of a pool to the first', async () => {
    const zeros = constant(Float32Array.of(0, -0));
    assert.equal(await valuesOf(gradients(zeros.relu().sum(), [zeros])[0]!), [0, 0]);
    assert.equal(await valuesOf(gradients(zeros.abs().sum(), [zeros])[0]!), [0, 0]);
    const [left, right] = [constant(2), constant(2)];
    assert.equal(await valuesOf(gradients(left.maximum(right), [left])[0]!), [1]);
    assert.equal(await valuesOf(gradients(left.maximum(right), [right])[0]!), [0]);
    assert.equal(await valuesOf(gradients(left.minimum(right), [left])[0]!), [1]);
    const ties = constant(Float32Array.of(3, 1, 3));
    assert.equal(await valuesOf(gradients(ties.max(), [ties])[0]!), [0.5, 0, 0.5]);
    const image = constant(Float32Array.of(7, 7, 7, 7), [1, 2, 2, 1]);
    assert.equal(await valuesOf(gradients(maxPool2d(image).sum(), [image])[0]!), [1, 0, 0, 0]);
    const dark = constant(Float32Array.of(-1, -2, 0, -3), [1, 2, 2, 1]);
    assert.equal(await valuesOf(gradients(maxPool2d(dark.relu()).sum(), [dark])[0]!), [0, 0, 0, 0]);
  });

  test('of a power in its exponent: 0 where the base is not positive', async () => {
    const base = constant(Float32Array.of(-2, 0, 2));
    const exponent = constant(Float32Array.of(2, 2, 3));
    const [db, de] = gradients(base.power(exponent).sum(), [base, exponent]) as [Tensor, Tensor];
    assert.equal(await valuesOf(db), [-4, 0, 12]);
    assert.equal(
      (await valuesOf(de)).map((value) => value.toFixed(4)),
      ['0.0000', '0.0000', '5.5452'],
    );
  });

  test('of a cross-entropy: the fused op and its definition agree, also for a class outside', async () => {
    const logits = constant(Float32Array.of(1, -1, 2, 0.5, 3, -2, 0, 1, 4), [3, 3]);
    const labels = constant(Int32Array.of(2, 0, 7));
    const fused = softmaxCrossEntropy(logits, labels);
    const plain = oneHot(labels, 3).multiply(logSoftmax(logits)).sum(1).negate();
    const weights = constant(Float32Array.of(1, 2, 3));
    const of = (losses: Tensor) => {
      const [first] = gradients(losses.multiply(weights).sum(), [logits]) as [Tensor];
      const [second] = gradients(first.multiply(logits).sum(), [logits]) as [Tensor];
      return [losses, first, second];
    };
    const [a, b] = await Promise.all(
      [fused, plain].map((losses) => Promise.all(of(losses).map((tensor) => valuesOf(tensor)))),
    );
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < a![i]!.length; j++)
        assert.ok(Math.abs(a![i]![j]! - b![i]![j]!) < 1e-5, `${i}: ${j}`);
    }
  });

  test('three times: of x⁴', async () => {
    const a = constant(2);
    let value: Tensor = a.square().square();
    for (let i = 0; i < 3; i++) value = gradients(value, [a])[0]!;
    assert.equal(await valuesOf(value), [48]);
  });

  test('only of what lies between: an op without a gradient elsewhere does not matter', async () => {
    const sign = pointwise.definePointwise('sign', {
      value: ([value]) => value!,
    });
    const a = constant(3);
    assert.equal(await valuesOf(gradients(sign(constant(4)).multiply(a), [a])[0]!), [4]);
  });

  test('of a graph with many paths in linear time', async () => {
    let value: Tensor = input('x', []);
    const leaf = value;
    for (let i = 0; i < 2000; i++) value = value.add(value);
    assert.is(gradients(value, [leaf]).length, 1);
  });
});
