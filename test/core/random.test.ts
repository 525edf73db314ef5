import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import { mix32, randomBits, randomKey, randomUniform } from '../../src/core/random.js';
import { suite } from '../support/suite.js';

const samples = 100_000;
const key = randomKey(1, 'test');

const draw = (value: (i: number) => number) => Float64Array.from({ length: samples }, (_, i) => value(i));
const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Correlation of two series of independent uniform numbers: its standard deviation is 1 / √samples = 0.0032. */
function correlation(a: Float64Array, b: Float64Array): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [cross, squareA, squareB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i]! - meanA, b[i]! - meanB];
    cross += da * db;
    squareA += da * da;
    squareB += db * db;
  }
  return cross / Math.sqrt(squareA * squareB);
}

/** Five standard deviations. */
const uncorrelated = 5 / Math.sqrt(samples);

suite('random', (test) => {
  // From an independent implementation of the same definition in Python, with integers of any size.
  test('golden values', () => {
    assert.equal(
      [0, 1, 2, 0x80000000, 0xffffffff].map(mix32),
      [0, 2261973619, 229111015, 3770504306, 2578835075],
    );
    assert.is(randomBits(0, 0, 0), 0);
    assert.is(randomBits(0, 0, 1), 6578768);
    assert.is(randomBits(1, 0, 0), 13303482);
    assert.is(randomBits(123456, 0xdeadbeef, 7), 839968);
    assert.is(randomBits(0xffffffff, 0xffffffff, 0xffffffff), 13788948);
    assert.is(randomBits(59999, 0x12345678, 1000), 1640906);
    assert.is(randomKey(0), 3385628684);
    assert.is(randomKey(1), 985129868);
    assert.is(randomKey(1, 'permutation', 0), 2951969319);
    assert.is(randomKey(2 ** 53 - 1, 'é'), 1627249497);
    assert.is(randomKey(7, 'dropout', 'layers.3', 2 ** 40 + 5), 1622043120);
  });

  test('arguments count modulo 2^32, signed or not', () => {
    assert.is(randomBits(-1, -2, -3), randomBits(0xffffffff, 0xfffffffe, 0xfffffffd));
    assert.is(mix32(-5), mix32(2 ** 32 - 5));
  });

  test('a number is the same in float32, and strictly between 0 and 1', () => {
    assert.is(randomUniform(123456, 0xdeadbeef, 7), (839968 + 1) / 2 ** 24);
    // randomBits(0, 0, 0) is 0, the smallest there is.
    assert.is(randomUniform(0, 0, 0), 2 ** -24);
    for (let i = 0; i < 10_000; i++) {
      const value = randomUniform(i, key, 0);
      assert.is(Math.fround(value), value);
      assert.ok(value > 0 && value < 1);
    }
    assert.ok(Math.fround((0xffffff | 1) / 2 ** 24) < 1, 'the largest there can be');
  });

  test('mean 1/2 and variance 1/12', () => {
    const values = draw((i) => randomUniform(i, key, 3));
    const average = mean(values);
    const variance = mean(values.map((value) => (value - average) ** 2));
    // Standard deviations: √(1/12 / samples) = 0.0009 of the mean, √(1/180 / samples) = 0.00024 of the variance.
    assert.ok(Math.abs(average - 0.5) < 5 * 0.0009, `mean ${average}`);
    assert.ok(Math.abs(variance - 1 / 12) < 5 * 0.00024, `variance ${variance}`);
  });

  test('every bit is set half of the time', () => {
    const set = new Int32Array(24);
    for (let i = 0; i < samples; i++) {
      const bits = randomBits(i, key, 0);
      for (let b = 0; b < 24; b++) set[b]! += (bits >>> b) & 1;
    }
    const deviation = Math.sqrt(samples) / 2;
    for (const [b, count] of set.entries()) {
      assert.ok(Math.abs(count - samples / 2) < 5 * deviation, `bit ${b}: ${count}`);
    }
  });

  test('256 bins are filled evenly: chi-square, over counters, keys and steps', () => {
    const series: [string, (i: number) => number][] = [
      ['counters', (i) => randomBits(i, key, 0)],
      ['keys', (i) => randomBits(5, i, 0)],
      ['steps', (i) => randomBits(5, key, i)],
      ['hashed keys', (i) => randomBits(5, randomKey(i), 0)],
    ];
    for (const [name, bits] of series) {
      for (const shift of [0, 16]) {
        const bins = new Int32Array(256);
        for (let i = 0; i < samples; i++) bins[(bits(i) >>> shift) & 255]!++;
        const expected = samples / 256;
        const chiSquare = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
        // 255 degrees of freedom: mean 255, standard deviation √510 = 22.6. Too even is as suspicious as too uneven.
        assert.ok(chiSquare > 255 - 5 * 22.6 && chiSquare < 255 + 5 * 22.6, `${name}: ${chiSquare}`);
      }
    }
  });

  test('neighbors are not correlated: counters, keys, steps, epochs, seeds', () => {
    const base = draw((i) => randomUniform(i, key, 0));
    const others: [string, Float64Array][] = [
      ...[1, 2, 28, 784].map((lag): [string, Float64Array] => [
        `lag ${lag}`,
        draw((i) => randomUniform(i + lag, key, 0)),
      ]),
      ['next key', draw((i) => randomUniform(i, key + 1, 0))],
      ['next step', draw((i) => randomUniform(i, key, 1))],
      ['hundredth step', draw((i) => randomUniform(i, key, 100))],
      ['next seed', draw((i) => randomUniform(i, randomKey(2, 'test'), 0))],
      ['other path', draw((i) => randomUniform(i, randomKey(1, 'tests'), 0))],
    ];
    for (const [name, values] of others) {
      const found = correlation(base, values);
      assert.ok(Math.abs(found) < uncorrelated, `${name}: ${found}`);
    }
  });

  test('a counter that changes by one bit changes half of the bits', () => {
    for (let bit = 0; bit < 32; bit++) {
      let flipped = 0;
      for (let i = 0; i < 2000; i++) {
        let difference = randomBits(i * 7919, key, 0) ^ randomBits((i * 7919) ^ (1 << bit), key, 0);
        for (; difference !== 0; difference &= difference - 1) flipped++;
      }
      assert.ok(Math.abs(flipped / (2000 * 24) - 0.5) < 0.02, `bit ${bit}: ${flipped}`);
    }
  });

  test('keys: every part and its place count', () => {
    const keys = [
      randomKey(1),
      randomKey(2),
      randomKey(2 ** 32 + 1),
      randomKey(1, ''),
      randomKey(1, 0),
      randomKey(1, 1),
      randomKey(1, '1'),
      randomKey(1, 'a', 'b'),
      randomKey(1, 'b', 'a'),
      randomKey(1, 'ab'),
      randomKey(1, 'ab', 'c'),
      randomKey(1, 'a', 'bc'),
      randomKey(1, 2, 3),
      randomKey(1, 3, 2),
    ];
    assert.is(new Set(keys).size, keys.length);
    for (const value of keys) assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 32);
    const many = new Set(Array.from({ length: 10_000 }, (_, seed) => randomKey(seed, 'dropout', 'layers.0')));
    assert.ok(many.size >= 9_998, `${many.size} of 10,000 seeds give keys of their own`);
  });

  test('keys take whole numbers from 0 to 2^53 - 1', () => {
    for (const seed of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => randomKey(seed),
        (error: unknown) =>
          error instanceof UsageError &&
          error.message === `randomKey: the seed must be a whole number from 0 to 2^53 - 1: ${seed}`,
      );
    }
    assert.throws(
      () => randomKey(1, 'epoch', -2),
      (error: unknown) =>
        error instanceof UsageError &&
        error.message === 'randomKey: a number of the path must be a whole number from 0 to 2^53 - 1: -2',
    );
  });
});
