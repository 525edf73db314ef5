import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { DataError, UsageError } from '../../../src/core/errors.js';
import { allocateImages } from '../../../src/data/user/examples.js';
import { loadUserDataset } from '../../../src/data/user/loadUserDataset.js';
import { Reading } from '../../../src/data/user/reading.js';
import { rejects, throws } from '../../support/messages.js';
import { suite } from '../../support/suite.js';
import { encodeIdx } from '../support.js';
import { contentOf, fails, load } from './support.js';

const kinds =
  '\n  It may be a folder with a folder of pictures for each class, a CSV file, an npz file, or idx files; docs/data.md has the forms.';

const images = encodeIdx('uint8', [4, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
const labels = encodeIdx('uint8', [4], [1, 2, 2, 1]);

suite('own data: idx', (test) => {
  test('a file of images with its labels beside it, raw or gzipped', async () => {
    const raw = { 'my-images-idx3-ubyte': images, 'my-labels-idx1-ubyte': labels };
    const packed = {
      'my-images-idx3-ubyte.gz': gzipSync(images),
      'my-labels-idx1-ubyte.gz': gzipSync(labels),
    };
    const mixed = { 'my-images-idx3-ubyte.gz': gzipSync(images), 'my-labels-idx1-ubyte': labels };
    const dotted = { 'my-images.idx3-ubyte': images, 'my-labels.idx1-ubyte': labels };
    for (const files of [raw, packed, mixed, dotted]) {
      const { train, test: held } = await load(files, Object.keys(files)[0]!, { testShare: 0.5 });
      assert.equal(train.classes, ['1', '2']);
      const all = [...contentOf(train), ...contentOf(held)].map((image) => image.join(' ')).sort();
      assert.equal(all, ['1 1 2', '1 7 8', '2 3 4', '2 5 6']);
    }
  });

  test('a folder of them, with a part to test with; int32 labels, colors', async () => {
    const { train, test: held } = await load(
      {
        'd/train-images-idx4-ubyte': encodeIdx('uint8', [2, 1, 1, 3], [1, 2, 3, 4, 5, 6]),
        'd/train-labels-idx1-int': encodeIdx('int32', [2], [1000, -5]),
        'd/train-labels-idx1-ubyte': encodeIdx('int32', [2], [1000, -5]),
        'd/t10k-images-idx4-ubyte': encodeIdx('uint8', [1, 1, 1, 3], [7, 8, 9]),
        'd/t10k-labels-idx1-ubyte': encodeIdx('int32', [1], [-5]),
      },
      'd',
    );
    assert.equal(train.classes, ['-5', '1000']);
    assert.equal(contentOf(train), [
      ['1000', 1, 2, 3],
      ['-5', 4, 5, 6],
    ]);
    assert.equal(contentOf(held), [['-5', 7, 8, 9]]);
  });

  test('what is wrong is named', async () => {
    const name = 'a-images-idx3-ubyte';
    const labelsName = 'a-labels-idx1-ubyte';
    await fails(
      { [name]: images },
      name,
      DataError,
      `@/${name}: its file of labels is not beside it: ${labelsName}`,
    );
    const few = encodeIdx('uint8', [3], [1, 2, 1]);
    await fails(
      { [name]: images, [labelsName]: few },
      name,
      DataError,
      `@/${labelsName}: there must be a label for each of 4 images: [3]`,
    );
    const flat = encodeIdx('uint8', [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    await fails(
      { [name]: flat, [labelsName]: labels },
      name,
      DataError,
      `@/${name}: images must be uint8 [count, height, width], with 1 or 3 channels behind: uint8 [4, 2]`,
    );
    const pairs = { [`d/${name}`]: images, 'd/b-images-idx3-ubyte': images };
    await fails(
      pairs,
      'd',
      DataError,
      `@/d: there must be one idx file of images to train on, and at most one to test with: ${name}, b-images-idx3-ubyte\n  Name a file of images itself to read that and its labels alone.`,
    );
  });
});

suite('own data: whatever it is', (test) => {
  test('what is no data', async () => {
    await fails({}, 'none', DataError, '@/none: cannot be read: ENOENT: no such file or directory');
    await fails(
      { 'x.txt': '' },
      'x.txt',
      DataError,
      `@/x.txt: this is an empty file, images are not read from it${kinds}`,
    );
    await fails({ 'd/x.txt': '' }, 'd', DataError, `@/d: there are no images in this folder${kinds}`);
  });

  test('options out of range', async () => {
    const wrong = (options: object, message: string) =>
      rejects(() => loadUserDataset('nowhere', options), UsageError, `loadUserDataset: ${message}`);
    const form = 'must be [height, width, channels], sides up to 4096 and 1 or 3 channels';
    await wrong({ shape: [28, 28] }, `shape ${form}: [28, 28]`);
    await wrong({ shape: [28, 5000, 1] }, `shape ${form}: [28, 5000, 1]`);
    await wrong({ storedShape: [28, 28, 2] }, `storedShape ${form}: [28, 28, 2]`);
    await wrong({ testShare: 1.5 }, 'testShare must be above 0 and at most 1: got 1.5');
    await wrong({ limit: 0 }, 'the limit must be a whole number of at least 1: got 0');
  });

  test('too many classes, too few images', async () => {
    const many = Array.from({ length: 257 }, (_, i) => `${i},0\n`).join('');
    await fails(
      { 'x.csv': many },
      'x.csv',
      DataError,
      '@/x.csv: there must be 2 to 256 classes: 257 images to train on have 257\n' +
        '  Labels are the names of classes, not measurements; the option label names the column of a CSV file that holds them.',
    );
    await fails(
      { 'x.csv': '1,0\n2,0\n' },
      'x.csv',
      UsageError,
      'loadUserDataset: a test share of 0.2 leaves no image to test with: 2 images in 2 classes',
    );
  });

  test('a part to test with that is empty', async () => {
    const files = {
      'd/train-images-idx3-ubyte': images,
      'd/train-labels-idx1-ubyte': labels,
      'd/test-images-idx3-ubyte': encodeIdx('uint8', [0, 1, 2], []),
      'd/test-labels-idx1-ubyte': encodeIdx('uint8', [0], []),
    };
    await fails(files, 'd', DataError, '@/d: there are no images to test with');
  });

  test('more than fits', () => {
    throws(
      () => allocateImages(200, [4096, 4096, 1], 'x', new Reading({})),
      DataError,
      'x: too large: 200 images of 4096 x 4096 x 1 take 3355443200 bytes, the limit is 2147483648\n' +
        '  A smaller the option shape takes less.',
    );
  });
});
