import * as assert from 'uvu/assert';
import { UsageError } from '../../src/core/errors.js';
import { permutation } from '../../src/data/batches.js';
import { take } from '../../src/data/dataset.js';
import { adam } from '../../src/optimizers/adam.js';
import { Blocks, type Fill } from '../../src/training/feeds/blocks.js';
import type { Feed, Pass } from '../../src/training/feeds/feed.js';
import { openFeed, residentBytesFor } from '../../src/training/feeds/open.js';
import { ResidentFeed } from '../../src/training/feeds/resident.js';
import { StreamedFeed } from '../../src/training/feeds/streamed.js';
import { fit } from '../../src/training/fit/fit.js';
import type { FitOptions } from '../../src/training/fit/options.js';
import { rejects } from '../data/support.js';
import { suite } from '../support/suite.js';
import { fixture, perceptron, tinyDataset, withEngine, withWasm } from './support.js';

const pass = (count: number, epoch = 1, start = 0): Pass => ({
  order: permutation(count, 5, epoch),
  epoch,
  start,
});

/** Fills a block with the low bytes of the indices, each with the epoch beside it; keeps what it was asked for. */
function recording() {
  const asked: { first: number; count: number; epoch: number }[] = [];
  const fill: Fill = async (indices, epoch, target) => {
    asked.push({ first: indices[0]!, count: indices.length, epoch });
    await new Promise((resolve) => setTimeout(resolve, 1));
    indices.forEach((index, i) => {
      target[2 * i] = index;
      target[2 * i + 1] = epoch;
    });
  };
  return { asked, fill };
}

const expected = ({ order, epoch }: Pass, position: number, count: number) =>
  [...order.subarray(position, position + count)].flatMap((index) => [index, epoch]);

suite('blocks', (test) => {
  test('hold a pass piece by piece, and are filled one ahead', async () => {
    const { asked, fill } = recording();
    const blocks = new Blocks(fill, 4, 2);
    const one = pass(10);
    blocks.begin(one);
    assert.equal(
      [0, 3, 4, 9].map((position) => blocks.end(position)),
      [4, 4, 8, 10],
    );
    for (const [position, count] of [
      [0, 2],
      [2, 2],
      [4, 4],
      [8, 2],
    ] as const) {
      assert.equal([...(await blocks.images(position, count))], expected(one, position, count));
      // the block in use and the next
      assert.is(asked.length, Math.min(3, Math.floor(position / 4) + 2));
    }
    assert.equal(
      asked.map(({ count }) => count),
      [4, 4, 2],
    );
  });

  test('the first block of the next pass is filled during the last of this one', async () => {
    const { asked, fill } = recording();
    const blocks = new Blocks(fill, 4, 2);
    const [one, two] = [pass(6), pass(6, 2)];
    blocks.begin(one, () => two);
    await blocks.images(0, 4);
    assert.equal([...(await blocks.images(4, 2))], expected(one, 4, 2));
    assert.equal(
      asked.map(({ epoch }) => epoch),
      [1, 1, 2],
    );
    blocks.begin(two);
    assert.equal([...(await blocks.images(0, 4))], expected(two, 0, 4));
    assert.is(asked.length, 4);
  });

  test('a pass that begins somewhere else drops what was filled ahead', async () => {
    const { fill } = recording();
    const blocks = new Blocks(fill, 4, 2);
    const one = pass(12);
    blocks.begin(one);
    await blocks.images(0, 4);
    const other = { ...one, start: 8 };
    blocks.begin(other);
    assert.is(blocks.end(8), 12);
    assert.equal([...(await blocks.images(8, 4))], expected(one, 8, 4));
  });

  test('a fill that fails is heard of when its turn comes', async () => {
    let calls = 0;
    const blocks = new Blocks(
      async () => {
        if (++calls === 2) throw new Error('no images');
      },
      2,
      1,
    );
    blocks.begin(pass(4));
    await blocks.images(0, 2);
    await rejects(blocks.images(2, 2), Error, /^no images$/);
    await blocks.settle();
  });
});

/** All that a feed gives in a pass, batches of one size. */
async function allOf(feed: Feed, batchSize: number, one: Pass): Promise<number[]> {
  const given: number[] = [];
  feed.begin(one);
  for (let position = one.start; position < one.order.length; position += batchSize) {
    const count = Math.min(batchSize, one.order.length - position);
    assert.ok(feed.reach(position) >= count, `${feed.reach(position)} of ${count}`);
    const { images, labels } = await feed.values(position, count);
    given.push(...images!, ...labels!);
  }
  await feed.close();
  return given;
}

suite('feeds', (test) => {
  test('batches in the order of the pass, whatever the blocks', async () => {
    const dataset = tinyDataset(11);
    const one = pass(11);
    const batches: number[] = [];
    for (let position = 0; position < 11; position += 3) {
      const indices = [...one.order.subarray(position, position + 3)];
      batches.push(
        ...indices.flatMap((index) => [...dataset.images.subarray(index * 4, index * 4 + 4)]),
        ...indices.map((index) => dataset.labels[index]!),
      );
    }
    for (const blockBytes of [1, 24, 1000]) {
      const feed = new StreamedFeed(dataset, { batchSize: 3, blockBytes });
      assert.equal(await allOf(feed, 3, one), batches, `blocks of ${blockBytes} bytes`);
      // and again, once it was closed
      assert.equal(await allOf(feed, 3, { ...one, start: 6 }), batches.slice(30));
    }
  });

  test('which one it is', async () => {
    const dataset = tinyDataset(8);
    await withEngine(async (engine) => {
      assert.instance(openFeed(engine, dataset, { batchSize: 2 }), ResidentFeed);
      assert.instance(openFeed(engine, dataset, { batchSize: 2, residentBytes: 32 }), ResidentFeed);
      assert.instance(openFeed(engine, dataset, { batchSize: 2, residentBytes: 31 }), StreamedFeed);
      assert.instance(openFeed(engine, dataset, { batchSize: 2, augmentation: { shift: 1 } }), StreamedFeed);
      const gpu = Object.create(engine, { report: { value: { ...engine.report, backend: 'gpu' } } });
      assert.instance(openFeed(gpu, dataset, { batchSize: 2 }), StreamedFeed);
    });
  });

  test('how large a dataset may live in the engine: MNIST beside a perceptron, not beside convolutions', () => {
    assert.is(residentBytesFor(101_632), 3 * 2 ** 24);
    assert.is(residentBytesFor(2 ** 20 - 1), 3 * 2 ** 24);
    assert.is(residentBytesFor(2 ** 20), 2 ** 23);
  });

  test('an augmentation that does not suit the images', () =>
    withEngine((engine) =>
      rejects(
        fit(engine, perceptron(), fixture.train, {
          optimizer: adam(),
          epochs: 1,
          augmentation: { crop: 28 },
        }),
        UsageError,
        /^augmentation: crop must be less than a side of the image/,
      ).then(() => {}),
    ));
});

suite('fit, fed in different ways', (test) => {
  const options = {
    optimizer: adam({ learningRate: 0.01 }),
    epochs: 2,
    batchSize: 24,
    seed: 1,
    validation: 0.2,
  } satisfies FitOptions;
  const train = take(fixture.train, 130);

  const trained = (changes: Partial<FitOptions>, threads = 1) =>
    withWasm(threads, async (engine) => {
      const run = await fit(engine, perceptron(), train, { ...options, ...changes });
      const records = run.history.map(({ loss, accuracy, validationLoss }) => [
        loss,
        accuracy,
        validationLoss,
      ]);
      return [await run.weightsSha256(), ...records];
    });

  test('a dataset that lives in the engine and one that is streamed give the same bytes', async () => {
    const resident = await trained({});
    assert.equal(await trained({ residentBytes: 0 }), resident);
    assert.equal(await trained({ residentBytes: 0, stepsPerRun: 1 }), resident);
  });

  test('augmented images: the same bytes for the same seed, however steps are grouped and threads share the work', async () => {
    const augmentation = { shift: 2, rotate: 10 };
    const augmented = await trained({ augmentation });
    assert.equal(await trained({ augmentation, stepsPerRun: 2 }, 2), augmented);
    assert.is.not(augmented[0], (await trained({}))[0]);
    assert.is.not(augmented[0], (await trained({ augmentation, seed: 2 }))[0]);
  });

  test('an evaluation gives the same numbers from either', () =>
    withEngine(async (engine) => {
      const run = await fit(engine, perceptron(), train, { ...options, epochs: 1 });
      const resident = await run.evaluate(fixture.test);
      // the test set over and over: more than the 64 MiB that an evaluation keeps resident
      const { images, labels, count } = fixture.test;
      const copies = Math.ceil(2 ** 26 / images.length) + 1;
      const repeated = (part: Uint8Array) => {
        const all = new Uint8Array(part.length * copies);
        for (let i = 0; i < copies; i++) all.set(part, i * part.length);
        return all;
      };
      const big = {
        ...fixture.test,
        ...{ name: 'big', images: repeated(images), labels: repeated(labels), count: count * copies },
      };
      const streamed = await run.evaluate(big);
      assert.is(streamed.accuracy, resident.accuracy);
      assert.ok(Math.abs(streamed.loss - resident.loss) < 1e-5, `${streamed.loss} and ${resident.loss}`);
    }));
});
