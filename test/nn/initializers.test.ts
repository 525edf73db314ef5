import * as assert from 'uvu/assert';
import { ModelError, UsageError } from '../../src/core/errors.js';
import { randomKey, randomUniform } from '../../src/core/random.js';
import { type Shape, sizeOf } from '../../src/core/shape.js';
import {
  constantValue,
  fans,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  type NamedInitializer,
  ones,
  truncatedNormal,
  uniform,
  zeros,
} from '../../src/nn/initializers.js';
import { resolveInitializer } from '../../src/nn/resolveInitializer.js';
import { suite } from '../support/suite.js';
import { assertThrows, readFixture } from './support.js';

const key = randomKey(3, 'initializers');
const table: Record<string, () => NamedInitializer> = {
  glorotUniform,
  glorotNormal,
  heUniform,
  heNormal,
  uniform,
  truncatedNormal,
};

interface Statistics {
  readonly name: string;
  readonly shape: Shape;
  readonly deviation: number;
  readonly largest: number;
}

const { about, initializers } = readFixture<{ about: string; initializers: Statistics[] }>(
  'nn/fixtures/layers.json',
);

function moments(values: Float32Array): { mean: number; deviation: number; largest: number } {
  let [sum, squares, largest] = [0, 0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
    largest = Math.max(largest, Math.abs(value));
  }
  const mean = sum / values.length;
  return { mean, deviation: Math.sqrt(squares / values.length - mean * mean), largest };
}

suite('initializers', (test) => {
  for (const { name, shape, deviation, largest } of initializers) {
    test(`${name} of [${shape.join(', ')}] has the deviation and the limits of a sample by ${about}`, () => {
      const ours = moments(table[name]!()(shape, key));
      // both are samples: five standard errors of the difference, for the heaviest tails here (uniform: 0.45 / √n)
      const error = (5 * Math.SQRT2 * 0.75) / Math.sqrt(sizeOf(shape));
      assert.ok(Math.abs(ours.deviation / deviation - 1) < error, `${ours.deviation}, theirs ${deviation}`);
      assert.ok(Math.abs(ours.largest / largest - 1) < 2e-3, `${ours.largest}, theirs ${largest}`);
      assert.ok(Math.abs(ours.mean) < (5 * deviation) / Math.sqrt(sizeOf(shape)), `mean ${ours.mean}`);
    });
  }

  test('limits by hand', () => {
    // √(6 / (784 + 128)) = 0.08111071; he: √(6 / 27) = 0.47140452 for 3x3x3 inputs
    const glorot = moments(glorotUniform()([784, 128], key)).largest;
    assert.ok(glorot <= 0.08111072 && glorot > 0.0811);
    const he = moments(heUniform()([3, 3, 3, 4000], key)).largest;
    assert.ok(he <= 0.47140453 && he > 0.4713);
    // two deviations of √(2 / 27) / 0.87962566 = 0.30941
    const normal = moments(heNormal()([3, 3, 3, 4000], key)).largest;
    assert.ok(normal <= 0.61883 && normal > 0.6185);
  });

  test('fans', () => {
    assert.equal(fans([]), { fanIn: 1, fanOut: 1 });
    assert.equal(fans([5]), { fanIn: 5, fanOut: 5 });
    assert.equal(fans([784, 128]), { fanIn: 784, fanOut: 128 });
    assert.equal(fans([3, 5, 16, 32]), { fanIn: 240, fanOut: 480 });
  });

  test('zeros, ones, a constant, an empty shape', () => {
    assert.equal([...zeros()([2, 2], key)], [0, 0, 0, 0]);
    assert.equal([...ones()([3], key)], [1, 1, 1]);
    assert.equal([...constantValue(0.5)([2], key)], [0.5, 0.5]);
    assert.is(glorotUniform()([0, 0], key).length, 0);
    assert.ok(Number.isFinite(glorotUniform()([], key)[0]!));
  });

  test('the truncated normal has the quantiles of the normal distribution between −2 and 2', () => {
    // an independent inverse: Φ by its power series, searched by bisection
    const phi = (x: number) => {
      let [term, sum] = [x, x];
      for (let n = 1; n < 60; n++) {
        term *= (-x * x) / (2 * n);
        sum += term / (2 * n + 1);
      }
      return 0.5 + sum / Math.sqrt(2 * Math.PI);
    };
    const values = truncatedNormal(0, 1)([400], key);
    values.forEach((value, i) => {
      const target = phi(-2) + randomUniform(i, key, 0) * (phi(2) - phi(-2));
      let [low, high] = [-2, 2];
      for (let n = 0; n < 60; n++) {
        const middle = (low + high) / 2;
        if (phi(middle) < target) low = middle;
        else high = middle;
      }
      assert.ok(Math.abs(value - low) < 1e-6, `${value} for ${low}`);
    });
  });

  test('golden values: the bits that every JavaScript engine must give', () => {
    const scaled = (values: Float32Array) => [...values].map((value) => value * 2 ** 24);
    assert.equal(scaled(glorotUniform()([2, 2], 12345)), [16789686, 8280840.5, 15661937, 6035457]);
    assert.equal(
      scaled(heNormal()([2, 2, 1, 3], 12345)),
      [
        16539180, 6776754.5, 14800495, 4840981, -3835418.25, -12299610, -5970438, 26529120, -20472674,
        -25325292, -26143384, 9591061,
      ],
    );
  });

  test('options name them', () => {
    assert.is(resolveInitializer('x', 'heNormal').description, 'heNormal');
    assert.is(resolveInitializer('x', heNormal()).description, 'heNormal');
    assert.equal(resolveInitializer('x', uniform(-1, 1)).description, { name: 'uniform', low: -1, high: 1 });
    for (const made of [
      uniform(-1, 2),
      truncatedNormal(1, 2),
      constantValue(3),
      zeros(),
      ones(),
      glorotNormal(),
    ]) {
      const restored = resolveInitializer('x', JSON.parse(JSON.stringify(made.description)));
      assert.equal(restored.description, made.description);
      assert.equal(restored([3, 2], key), made([3, 2], key));
    }
  });

  test('a function of one’s own is stored as custom, and comes back as NaN', () => {
    const own = resolveInitializer('x', (shape) => new Float32Array(sizeOf(shape)).fill(7));
    assert.is(own.description, 'custom');
    assert.equal([...own([2], key)], [7, 7]);
    const restored = resolveInitializer('x', 'custom');
    assert.is(restored.description, 'custom');
    assert.ok(restored([2], key).every(Number.isNaN));
  });

  test('errors', () => {
    assertThrows(
      () => resolveInitializer('dense: kernelInitializer', 'xavier' as 'zeros'),
      UsageError,
      "dense: kernelInitializer: there is no initializer 'xavier': zeros, ones, glorotUniform, glorotNormal, heUniform, heNormal\n" +
        '  Initializers with options are functions: uniform(-1, 1).',
    );
    for (const wrong of [7, null, [1], { name: 'glorotUniform' }, { low: 1 }, { name: 'toString' }]) {
      assertThrows(
        () => resolveInitializer('x', wrong as never),
        ModelError,
        'x: describes no initializer: the names are constantValue, uniform, truncatedNormal',
      );
    }
    assertThrows(() => uniform(0, Number.NaN), UsageError, 'uniform: high must be a number: NaN');
    assertThrows(
      () => resolveInitializer('x', { name: 'uniform', low: 0, high: '1' }),
      UsageError,
      'uniform: high must be a number: 1',
    );
  });
});
