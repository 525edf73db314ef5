import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { QuernError, UsageError } from '../../../src/core/errors.js';
import type { Augmentation } from '../../../src/data/augment/augmentation.js';
import {
  type Augmenter,
  type AugmenterOptions,
  createAugmenter,
} from '../../../src/data/augment/augmenter.js';
import { permutation } from '../../../src/data/batches.js';
import type { Dataset } from '../../../src/data/dataset.js';
import { noOtherNodes, otherNodes, runScript } from '../../engines/support.js';
import { rejects, throws } from '../../support/messages.js';
import { suite } from '../../support/suite.js';
import { type FixedHashes, fixedHashes } from './fixed.js';
import { augmented, datasetOf, imageAt, noise, repeated } from './support.js';

const everything: Augmentation = {
  ...{ shift: 2, rotate: 15, scale: [0.9, 1.2], shear: 8, elastic: { alpha: 20, sigma: 3 } },
  ...{ flip: 'horizontal', crop: 1, erase: { value: 'random' }, cutout: 3, fill: 11 },
};

const hint = '\n  With 0 workers the thread that trains augments itself.';

async function withAugmenter<T>(
  dataset: Dataset,
  options: AugmenterOptions,
  work: (augmenter: Augmenter) => Promise<T>,
  augmentation: Augmentation = everything,
): Promise<T> {
  const augmenter = createAugmenter(dataset, augmentation, 1, options);
  try {
    return await work(augmenter);
  } finally {
    await augmenter.close();
  }
}

/** Does `work`, and gives the workers that were sent something meanwhile. */
async function workersOf(work: () => Promise<unknown>): Promise<Worker[]> {
  const workers = new Set<Worker>();
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (this: Worker, ...message) {
    workers.add(this);
    postMessage.apply(this, message);
  };
  try {
    await work();
    return [...workers];
  } finally {
    Worker.prototype.postMessage = postMessage;
  }
}

/** A dataset of many images, which take a while. */
const many = (count: number) => repeated(noise(1, [28, 28, 1]).images, [28, 28, 1], count);
const all = (count: number) => Int32Array.from({ length: count }, (_, i) => i);

suite('augmentation: the same bytes', (test) => {
  // made once with Node 20 on x64; a change here changes what every augmented training ends in
  test('as ever', () => {
    assert.equal(fixedHashes(), {
      copied: '46597039606f6c6a80907b29413a25d6eb52bb963618b6b7a03cc5b6a6e8828a',
      placed: '6c9c44e3e356f881405c2526d1d75d72061707d25385c5e27b429a997b833aba',
      elastic: '8c6b38f0fedc106458b5302d9e15f5be13c58c7420b3ef885919a59b6d7ae7e0',
      mixup: '80c8f76caa0f3638e5375edf94b913e9b81f8165d28c48b9a9873b02bad7f3a7',
    });
  });

  if (otherNodes.length === 0) test.unavailable('in other versions of Node', noOtherNodes);
  for (const path of otherNodes) {
    test(`in ${path}`, async () => {
      assert.equal(await runScript<FixedHashes>(path, '../data/augment/fixed.js'), fixedHashes());
    });
  }

  test('on any number of workers, in memory that is shared or not', async () => {
    const dataset = noise(101, [9, 12, 2]);
    const size = 9 * 12 * 2;
    const order = new Int32Array(permutation(101, 4, 2));
    const expected = augmented(dataset, everything, { epoch: 2, indices: order });
    for (const workers of [0, 1, 2, 3]) {
      await withAugmenter(dataset, { workers }, async (augmenter) => {
        assert.is(augmenter.workers, workers);
        for (const shared of [false, true]) {
          const bytes = order.length * size;
          const target = shared ? new Uint8Array(new SharedArrayBuffer(bytes)) : new Uint8Array(bytes);
          await augmenter.fill(order, 2, target);
          assert.equal(new Uint8Array(target), expected, `${workers} workers`);
        }
      });
    }
  });

  test('in any order, however often, however many at once', async () => {
    const dataset = noise(40, [8, 8, 1]);
    const straight = augmented(dataset, everything);
    const mixed = Int32Array.of(7, 3, 7, 39, 0, 3);
    await withAugmenter(dataset, { workers: 2 }, async (augmenter) => {
      const targets = Array.from({ length: 5 }, () => new Uint8Array(6 * 64));
      await Promise.all(targets.map((target) => augmenter.fill(mixed, 1, target)));
      for (const target of targets) {
        mixed.forEach((index, i) => {
          assert.equal(imageAt(target, 64, i), imageAt(straight, 64, index));
        });
      }
    });
  });

  test('other bytes for another epoch, seed, or sample', () => {
    const dataset = repeated(noise(1, [28, 28, 1]).images, [28, 28, 1], 50);
    const first = augmented(dataset, everything);
    const differ = (other: Uint8Array) => {
      for (let i = 0; i < 50; i++) assert.not.equal(imageAt(first, 784, i), imageAt(other, 784, i));
    };
    differ(augmented(dataset, everything, { epoch: 2 }));
    differ(augmented(dataset, everything, { seed: 2 }));
    for (let i = 1; i < 50; i++) assert.not.equal(imageAt(first, 784, 0), imageAt(first, 784, i));
  });

  test('what one transform draws does not depend on the others', () => {
    const dataset = repeated([...Array(64).keys()], [8, 8, 1], 200);
    const flipped = augmented(dataset, { flip: 'horizontal' });
    const both = augmented(dataset, { flip: 'horizontal', cutout: 1 });
    let different = 0;
    for (let i = 0; i < both.length; i++) different += both[i] === flipped[i] ? 0 : 1;
    // one pixel of each image, but for the pixel that is 0 anyway
    assert.ok(different > 190 && different <= 200, `${different}`);
  });

  test('moves are even: their mean is none', () => {
    // one bright pixel in the middle of 9 x 9: where its light is
    const dataset = repeated(
      Array.from({ length: 81 }, (_, i) => (i === 40 ? 250 : 0)),
      [9, 9, 1],
      4000,
    );
    const images = augmented(dataset, { shift: 3 });
    let [x, y, light] = [0, 0, 0];
    images.forEach((pixel, i) => {
      light += pixel;
      x += pixel * (i % 9);
      y += pixel * Math.floor((i % 81) / 9);
    });
    // deviation of a move √3, of the mean of 4000: 0.027
    assert.ok(Math.abs(x / light - 4) < 0.11 && Math.abs(y / light - 4) < 0.11, `${x / light}, ${y / light}`);
    assert.ok(Math.abs(light / (4000 * 250) - 1) < 0.01, 'no light is lost');
  });
});

suite('augmentation: workers', (test) => {
  const tiny = datasetOf([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 1]);

  test('nothing to fill', async () => {
    for (const workers of [0, 1, 3]) {
      await withAugmenter(tiny, { workers }, (augmenter) =>
        augmenter.fill(new Int32Array(0), 0, new Uint8Array(0)),
      );
    }
  });

  test('wrong usage', async () => {
    throws(
      () => createAugmenter(tiny, { crop: 1 }, 1, { workers: 65 }),
      UsageError,
      'augment: workers must be a whole number from 0 to 64: 65',
    );
    throws(
      () => createAugmenter(tiny, { crop: 2 }, 1),
      UsageError,
      'augmentation: crop must be less than a side of the image: 2, images are 2 x 2',
    );
    throws(
      () => createAugmenter(tiny, {}, -1),
      UsageError,
      'randomKey: the seed must be a whole number from 0 to 2^53 - 1: -1',
    );
    for (const workers of [0, 1]) {
      await withAugmenter(
        tiny,
        { workers },
        async (augmenter) => {
          await rejects(
            () => augmenter.fill(Int32Array.of(0), -1, new Uint8Array(4)),
            UsageError,
            'augment: epoch must be a whole number of at least 0: -1',
          );
          await rejects(
            () => augmenter.fill(Int32Array.of(0, 1), 0, new Uint8Array(4)),
            UsageError,
            'augment: the target must hold 2 images of 4 bytes: it has 4 bytes',
          );
          await rejects(
            () => augmenter.fill(Int32Array.of(0, 2), 0, new Uint8Array(8)),
            UsageError,
            'augment: an index is outside the dataset: 2 of 2 images',
          );
          const target = new Uint8Array(4);
          await augmenter.fill(Int32Array.of(1), 0, target);
          assert.equal([...target], [5, 6, 7, 8], 'it goes on after an error');
        },
        {},
      );
    }
  });

  test('closed: what is under way is rejected, and all after it', async () => {
    for (const workers of [0, 2]) {
      const dataset = many(8_000);
      const augmenter = createAugmenter(dataset, everything, 1, { workers });
      const message = 'augment: the augmenter is closed';
      const pending = rejects(
        () => augmenter.fill(all(8_000), 1, new Uint8Array(8_000 * 784)),
        QuernError,
        message,
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      await augmenter.close();
      await pending;
      await rejects(() => augmenter.fill(all(1), 1, new Uint8Array(784)), QuernError, message);
      await augmenter.close();
    }
  });

  test('a worker that dies: the fill is rejected with its reason, and all after it', async () => {
    const dataset = many(8_000);
    await withAugmenter(dataset, { workers: 2 }, async (augmenter) => {
      const fill = (count: number) => augmenter.fill(all(count), 1, new Uint8Array(count * 784));
      const workers = await workersOf(() => fill(2));
      assert.is(workers.length, 2);
      setTimeout(() => workers[1]!.terminate(), 10);
      const message = `augment: data worker 2 died: it ended with code 1${hint}`;
      await rejects(() => fill(8_000), QuernError, message);
      await rejects(() => fill(1), QuernError, message);
    });
  });

  test('a script that does not load', async () => {
    await withAugmenter(tiny, { workerUrl: new URL('file:///nowhere.js') }, async (augmenter) => {
      const error = await augmenter.fill(Int32Array.of(0), 0, new Uint8Array(4)).catch((reason) => reason);
      assert.instance(error, QuernError);
      assert.match(error.message, /^augment: data worker 1 died: Error.*Cannot find module.*nowhere\.js/);
    });
  });

  test('a script that is no address', async () => {
    await withAugmenter(tiny, { workerUrl: 'nowhere.js' }, async (augmenter) => {
      const error = await augmenter.fill(Int32Array.of(0), 0, new Uint8Array(4)).catch((reason) => reason);
      assert.instance(error, QuernError);
      assert.match(error.message, /^augment: data worker 1 does not start: TypeError/);
      assert.ok(error.message.endsWith(hint));
    });
  });

  test('this thread, where it must: others get a turn', async () => {
    await withAugmenter(many(4000), { workers: 0 }, async (augmenter) => {
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      await augmenter.fill(all(4000), 1, new Uint8Array(4000 * 784));
      clearInterval(timer);
      assert.ok(turns > 2, `${turns} turns`);
    });
  });

  test('where memory cannot be shared this thread augments', async () => {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'SharedArrayBuffer')!;
    Object.defineProperty(globalThis, 'SharedArrayBuffer', { value: undefined, configurable: true });
    try {
      await withAugmenter(tiny, { workers: 2 }, async (augmenter) => {
        assert.is(augmenter.workers, 0);
        const target = new Uint8Array(8);
        await augmenter.fill(all(2), 1, target);
        assert.equal(target, augmented(tiny, everything));
      });
    } finally {
      Object.defineProperty(globalThis, 'SharedArrayBuffer', own);
    }
  });

  test('workers do not keep a process alive, unless it waits for them', () => {
    const augmenter = import.meta.resolve('../../../src/data/augment/augmenter.js');
    const program = `
      import { createAugmenter } from '${augmenter}';
      const count = 2000;
      const dataset = { images: new Uint8Array(count * 784), shape: [28, 28, 1], count };
      const made = createAugmenter(dataset, { rotate: 10 }, 1, { workers: 2 });
      await made.fill(Int32Array.from({ length: count }, (_, i) => i), 1, new Uint8Array(count * 784));
      console.log('filled');`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.is(stdout, 'filled\n', stderr);
    assert.is(status, 0);
  });
});
