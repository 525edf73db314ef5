import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { DataError, UsageError } from '../../src/core/errors.js';
import { batches, permutation } from '../../src/data/batches.js';
import {
  checkLabels,
  type Dataset,
  limitDataset,
  oneHotLabels,
  select,
  splitByWriter,
  splitDataset,
  take,
} from '../../src/data/dataset.js';
import { suite } from '../support/suite.js';
import { throws } from './support.js';

/** Image i is filled with i, its label is i modulo 3. */
function numbered(count: number): Dataset {
  return {
    name: 'numbered',
    split: 'train',
    images: Uint8Array.from({ length: count * 4 }, (_, i) => Math.floor(i / 4)),
    labels: Uint8Array.from({ length: count }, (_, i) => i % 3),
    count,
    shape: [2, 2, 1],
    classes: ['a', 'b', 'c'],
  };
}

const first = ({ images }: Dataset) => [...images].filter((_, i) => i % 4 === 0);

suite('permutation and batches', (test) => {
  // From an independent implementation of the same definition in Python.
  test('golden orders: by seed and epoch', () => {
    assert.equal([...permutation(12, 1, 0)], [3, 2, 7, 5, 9, 4, 0, 11, 1, 10, 6, 8]);
    assert.equal([...permutation(12, 1, 1)], [1, 2, 5, 9, 10, 4, 6, 3, 7, 0, 11, 8]);
    assert.equal([...permutation(12, 2, 0)], [5, 10, 4, 11, 8, 1, 2, 6, 3, 9, 7, 0]);
    const bytes = new Uint8Array(permutation(60000, 1, 3).buffer);
    const hash = 'f39b3b33ea8058a7b07fc1cd606ef5adbb88109fad51d2a324e67a8c73440638';
    assert.is(createHash('sha256').update(bytes).digest('hex'), hash);
  });

  test('every number once', () => {
    for (const count of [0, 1, 2, 7, 128, 10_007]) {
      const order = permutation(count, 5, 2);
      assert.instance(order, Int32Array);
      assert.equal(
        [...order].sort((a, b) => a - b),
        [...Array(count).keys()],
      );
    }
    assert.not.equal(permutation(100, 1, 0), permutation(100, 1, '0'), 'a name is no number');
  });

  test('all orders of four are equally likely', () => {
    const seen = new Map<string, number>();
    const draws = 24_000;
    for (let epoch = 0; epoch < draws; epoch++) {
      const order = permutation(4, 9, epoch).join('');
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    assert.is(seen.size, 24);
    const chiSquare = [...seen.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 23 degrees of freedom: mean 23, standard deviation √46 = 6.8.
    assert.ok(chiSquare < 23 + 5 * 6.8, `${chiSquare}`);
  });

  test('the largest count is that of the generator', () => {
    for (const count of [-1, 1.5, 2 ** 24 + 1, Number.NaN]) {
      const message = new RegExp(`^permutation: count must be a whole number from 0 to 16777216: ${count}$`);
      throws(() => permutation(count, 1), UsageError, message);
    }
    throws(() => permutation(3, -1), UsageError, /^randomKey: the seed must be/);
  });

  test('batches cover an order, the last is ragged', () => {
    const order = permutation(10, 1);
    const cut = [...batches(order, 4)];
    assert.equal(
      cut.map((batch) => batch.length),
      [4, 4, 2],
    );
    assert.equal(
      cut.flatMap((batch) => [...batch]),
      [...order],
    );
    assert.is(cut[1]!.buffer, order.buffer, 'views');
    assert.equal(
      [...batches(order, 5)].map((batch) => batch.length),
      [5, 5],
    );
    assert.equal(
      [...batches(order, 100)].map((batch) => batch.length),
      [10],
    );
    assert.equal([...batches(permutation(0, 1), 4)], []);
  });

  test('a batch holds at least one', () => {
    for (const size of [0, -1, 2.5, Number.NaN]) {
      const message = new RegExp(`^batches: batchSize must be a whole number of at least 1: ${size}$`);
      throws(() => [...batches(permutation(3, 1), size)], UsageError, message);
    }
  });
});

suite('dataset', (test) => {
  test('take: the first ones, without a copy', () => {
    const all = numbered(10);
    const few = take(all, 3);
    assert.is(few.count, 3);
    assert.equal(first(few), [0, 1, 2]);
    assert.equal([...few.labels], [0, 1, 2]);
    assert.is(few.images.buffer, all.images.buffer);
    assert.is(take(all, 99).count, 10);
    for (const count of [0, -1, 1.5]) {
      const message = new RegExp(`^take: count must be a whole number of at least 1: ${count}$`);
      throws(() => take(all, count), UsageError, message);
    }
  });

  test('select: any ones, in any order', () => {
    const some = select(numbered(10), [7, 0, 7], 'validation');
    assert.equal(first(some), [7, 0, 7]);
    assert.equal([...some.labels], [1, 0, 1]);
    assert.is(some.split, 'validation');
    assert.is(select(numbered(10), []).count, 0);
    throws(
      () => select(numbered(10), [3, 10]),
      UsageError,
      /^select: an index is outside the dataset: 10 of 10 images$/,
    );
    throws(
      () => select(numbered(10), [-1]),
      UsageError,
      /^select: an index is outside the dataset: -1 of 10 images$/,
    );
  });

  test('splitDataset: two parts that share nothing and leave nothing out, the same for the same seed', () => {
    const all = numbered(50);
    const { train, validation } = splitDataset(all, 0.1, 7);
    assert.equal(
      [train.count, train.split, validation.count, validation.split],
      [45, 'train', 5, 'validation'],
    );
    assert.equal(
      [...first(train), ...first(validation)].sort((a, b) => a - b),
      [...Array(50).keys()],
    );
    for (const part of [train, validation])
      assert.equal(
        [...part.labels],
        first(part).map((i) => i % 3),
      );
    assert.equal(first(splitDataset(all, 0.1, 7).validation), first(validation));
    assert.not.equal(first(splitDataset(all, 0.1, 8).validation), first(validation));
    assert.is(splitDataset(numbered(3), 0.5, 1).validation.count, 2);
  });

  test('splitDataset: no part may be empty', () => {
    for (const [fraction, held] of [
      [0, 0],
      [1, 10],
      [0.01, 0],
      [-0.5, -5],
      [2, 20],
    ]) {
      const message = `splitDataset: the fraction must leave both parts an image: ${fraction} of 10 images is ${held}`;
      throws(() => splitDataset(numbered(10), fraction!, 1), UsageError, new RegExp(`^${message}$`));
    }
    throws(() => splitDataset(numbered(10), Number.NaN, 1), UsageError, /of 10 images is NaN$/);
  });

  test('oneHotLabels', () => {
    assert.equal(oneHotLabels([2, 0], 3), Float32Array.of(0, 0, 1, 1, 0, 0));
    assert.equal(oneHotLabels([], 3), new Float32Array(0));
    throws(
      () => oneHotLabels([0, 3], 3),
      DataError,
      /^oneHotLabels: a label is out of range: number 1 is 3, the classes are 0 to 2$/,
    );
    throws(() => oneHotLabels([0.5], 3), DataError, /number 0 is 0\.5/);
  });

  test('checkLabels', () => {
    checkLabels([0, 2], 3, 'x');
    throws(
      () => checkLabels(Int32Array.of(1, -1), 3, 'file'),
      DataError,
      /^file: a label is out of range: number 1 is -1, the classes are 0 to 2$/,
    );
  });
});

suite('limited datasets', (test) => {
  /** Labels as given, images numbered. */
  const labeled = (...labels: number[]): Dataset => ({
    ...numbered(labels.length),
    labels: Uint8Array.from(labels),
  });

  test('the first images, where classes are mixed', () => {
    assert.equal(first(limitDataset(labeled(2, 0, 1, 1, 0, 2), 4)), [0, 1, 2, 3]);
    assert.equal(first(limitDataset(labeled(1, 1, 0), 2)), [0, 1]);
    assert.equal(first(limitDataset(labeled(1, 1, 1), 2)), [0, 1], 'one class alone');
  });

  test('the first of every class in turn, where they are stored class by class', () => {
    const sorted = labeled(0, 0, 0, 1, 1, 2, 2, 2);
    const limited = limitDataset(sorted, 7);
    assert.equal(first(limited), [0, 3, 5, 1, 4, 6, 2]);
    assert.equal([...limited.labels], [0, 1, 2, 0, 1, 2, 0]);
    assert.equal([limited.count, limited.images.length], [7, 28]);
    assert.equal(first(limitDataset(labeled(0, 0, 2, 2), 3)), [0, 2, 1], 'a class without images');
  });

  test('all of them stay as they are', () => {
    const sorted = labeled(0, 0, 1, 2);
    assert.equal(first(limitDataset(sorted, 4)), [0, 1, 2, 3]);
    assert.equal(first(limitDataset(sorted, 9)), [0, 1, 2, 3]);
    throws(() => limitDataset(sorted, 0), UsageError, /^take: count must be/);
  });
});

suite('writers', (test) => {
  /** Image i was written by i modulo `count` + 100. */
  const written = (count: number, writers: number): Dataset => ({
    ...numbered(count),
    writers: Int32Array.from({ length: count }, (_, i) => 100 + (i % writers)),
  });
  const writersIn = ({ writers }: Dataset) => [...new Set(writers)].sort((a, b) => a - b);

  test('they stay with their images', () => {
    const dataset = written(10, 4);
    assert.equal([...take(dataset, 3).writers!], [100, 101, 102]);
    assert.equal([...select(dataset, [7, 0, 9]).writers!], [103, 100, 101]);
    assert.is(select(numbered(3), [0]).writers, undefined);
    assert.not('writers' in take(numbered(3), 2));
  });

  test('splitByWriter: no writer on both sides, every image once, in its order', () => {
    const dataset = written(200, 20);
    for (const fraction of [0.05, 0.1, 0.33, 0.5, 0.95]) {
      const { train, validation } = splitByWriter(dataset, fraction, 7);
      assert.equal([train.split, validation.split], ['train', 'validation']);
      assert.equal(
        writersIn(train).filter((writer) => writersIn(validation).includes(writer)),
        [],
      );
      for (const part of [train, validation]) {
        const order = first(part);
        assert.equal(
          order,
          [...order].sort((a, b) => a - b),
        );
        assert.equal(
          [...part.writers!],
          order.map((i) => 100 + (i % 20)),
        );
      }
      assert.equal(
        [...first(train), ...first(validation)].sort((a, b) => a - b),
        [...Array(200).keys()],
      );
      // Writers have ten images each: no more than five from what was asked for.
      assert.ok(Math.abs(validation.count - 200 * fraction) <= 5, `${fraction}: ${validation.count}`);
    }
  });

  test('splitDataset divides by images, or by writers if it is told to', () => {
    const dataset = written(200, 20);
    const parts = splitDataset(dataset, 0.2, 3, 'writer');
    const { train, validation } = splitByWriter(dataset, 0.2, 3);
    assert.equal([first(parts.train), first(parts.validation)], [first(train), first(validation)]);
    assert.equal(
      first(splitDataset(dataset, 0.2, 3).validation),
      first(splitDataset(dataset, 0.2, 3, 'image').validation),
    );
    assert.not.equal(first(splitDataset(dataset, 0.2, 3).validation), first(validation));
  });

  test('splitByWriter: by the seed and nothing else', () => {
    const parts = (seed: number) => writersIn(splitByWriter(written(200, 20), 0.2, seed).validation);
    assert.equal(parts(1), parts(1));
    assert.not.equal(parts(1), parts(2));
  });

  test('splitByWriter: writers of any number of images', () => {
    const uneven = { ...numbered(10), writers: Int32Array.of(5, 5, 5, 5, 5, 5, 5, 5, 9, 9) };
    // One writer has 8 of the 10 images, so the part of 2 is the other's, or that of 8 is the only choice.
    for (const seed of [0, 1, 2, 3])
      assert.ok([2, 8].includes(splitByWriter(uneven, 0.2, seed).validation.count));
  });

  test('splitByWriter: what it refuses', () => {
    throws(
      () => splitByWriter(numbered(10), 0.5, 0),
      UsageError,
      /^splitByWriter: who wrote the images of numbered is not known\n {2}It is known of qmnist, and of mnist when that is loaded with `writers: true`\.$/,
    );
    const message = (text: string) =>
      new RegExp(`^splitByWriter: the fraction must leave both parts a writer: ${text}$`);
    throws(() => splitByWriter(written(10, 2), 0, 0), UsageError, message('0 of 2 writers is 0'));
    throws(() => splitByWriter(written(10, 2), Number.NaN, 0), UsageError, message('NaN of 2 writers is 0'));
    throws(() => splitByWriter(written(10, 2), 1, 0), UsageError, message('1 of 2 writers is 2'));
    throws(() => splitByWriter(written(10, 1), 0.5, 0), UsageError, message('0.5 of 1 writers is 1'));
  });
});
