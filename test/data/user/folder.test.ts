import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/errors.js';
import { suite } from '../../support/suite.js';
import { contentOf, fails, load, png } from './support.js';

const pictures = {
  'd/train/cat/b.png': png(2, 1, [3, 4]),
  'd/train/cat/a.png': png(2, 1, [1, 2]),
  'd/train/dog/a.PNG': png(2, 1, [5, 6]),
  'd/train/.hidden/x.png': 'no picture',
  'd/train/dog/.DS_Store': 'no picture',
  'd/train/dog/notes.txt': 'no picture',
  'd/test/dog/z.png': png(2, 1, [7, 8]),
};

suite('own data: pictures in folders', (test) => {
  test('train and test', async () => {
    const { train, test: held } = await load(pictures, 'd');
    assert.equal(contentOf(train), [
      ['cat', 1, 2],
      ['cat', 3, 4],
      ['dog', 5, 6],
    ]);
    assert.equal(contentOf(held), [['dog', 7, 8]]);
    assert.equal([train.name, train.split, held.split], ['d', 'train', 'test']);
    assert.equal(train.shape, [1, 2, 1]);
    assert.equal(held.classes, ['cat', 'dog']);
  });

  test('without test: a share of each class is held out, the same for the same seed', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [
        `d/${i < 20 ? 'even' : 'odd'}/${String(i).padStart(2, '0')}.png`,
        png(1, 1, [i]),
      ]),
    );
    const first = await load(files, 'd', { testShare: 0.3 });
    assert.equal([first.train.count, first.test.count], [21, 9]);
    const counts = ['even', 'odd'].map(
      (name) => contentOf(first.test).filter(([label]) => label === name).length,
    );
    assert.equal(counts, [6, 3]);
    const all = [...contentOf(first.train), ...contentOf(first.test)].map(([, pixel]) => pixel!);
    assert.equal(
      all.sort((a, b) => a - b),
      Array.from({ length: 30 }, (_, i) => i),
    );
    assert.equal(await load(files, 'd', { testShare: 0.3 }), first);
    assert.not.equal((await load(files, 'd', { testShare: 0.3, seed: 1 })).test.images, first.test.images);
    assert.is((await load(files, 'd')).test.count, 6);
  });

  test('pictures of any size, gray and colored, become one form: that of the first', async () => {
    const mixed = {
      'd/a/1.png': png(1, 1, [10, 20, 30], 3),
      'd/a/2.png': png(2, 2, [0, 100, 100, 200]),
      'd/b/1.png': png(1, 1, [50]),
      'd/b/2.png': png(1, 1, [60]),
    };
    const { train, test: held } = await load(mixed, 'd', { testShare: 0.5 });
    assert.equal(train.shape, [1, 1, 3]);
    const all = [...contentOf(train), ...contentOf(held)].map((image) => image.join(' ')).sort();
    assert.equal(all, ['a 10 20 30', 'a 100 100 100', 'b 50 50 50', 'b 60 60 60']);
  });

  test('brought to a shape, inverted, limited', async () => {
    const options = { shape: [1, 1, 1], invert: true, limit: 2 } as const;
    const { train, test: held } = await load(pictures, 'd', options);
    // means 1.5 and 3.5 are rounded up
    assert.equal(contentOf(train), [
      ['cat', 253],
      ['dog', 249],
    ]);
    assert.equal(contentOf(held), [['dog', 247]]);
    const colored = await load(
      { ...pictures, 'd/train/cat/a.png': png(1, 1, [200, 100, 50], 3) },
      'd',
      options,
    );
    // 0.299 · 200 + 0.587 · 100 + 0.114 · 50 = 124.2
    assert.is(colored.train.images[0], 255 - 124);
  });

  test('what is wrong is named', async () => {
    await fails(
      { 'd/train/cat/a.png': png(1, 1, [1]), 'd/train/dog/x.txt': '' },
      'd',
      DataError,
      '@/d: there must be 2 to 256 classes: 1 images to train on have 1',
    );
    await fails(
      { ...pictures, 'd/train/dog/c.jpg': '' },
      'd',
      DataError,
      '@/d/train/dog/c.jpg: the file is empty\n  the option skipBad leaves it out.',
    );
    await fails(
      { ...pictures, 'd/train/dog/c.png': 'text' },
      'd',
      DataError,
      '@/d/train/dog/c.png: not a picture: PNG, JPEG, WebP and BMP are read\n  the option skipBad leaves it out.',
    );
    await fails(
      { 'd/train/cat/a.png': png(1, 1, [1]) },
      'd',
      DataError,
      '@/d: there must be 2 to 256 classes: 1 images to train on have 1',
    );
    await fails(
      { 'd/train/x.txt': '' },
      'd',
      DataError,
      '@/d: there are no pictures in its folders: train\n  Each holds the pictures of a class: PNG, JPEG, WebP and BMP are read.',
    );
    await fails(
      { 'd/train/cat/x.txt': '', 'd/train/dog/x.md': '' },
      'd',
      DataError,
      '@/d/train: there are no pictures in its folders: cat, dog\n  Each holds the pictures of a class: PNG, JPEG, WebP and BMP are read.',
    );
    await fails(
      Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`d/${i + 10}/x.txt`, ''])),
      'd',
      DataError,
      '@/d: there are no pictures in its folders: 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and 2 more\n  Each holds the pictures of a class: PNG, JPEG, WebP and BMP are read.',
    );
    await fails(
      { 'd/test/cat/a.png': png(1, 1, [1]), 'd/test/dog/a.png': png(1, 1, [1]) },
      'd',
      DataError,
      '@/d: there are no images to train with, only to test with\n  `quern evaluate` measures a model on them; arrays x_train and y_train, or a folder train, hold those to train with.',
    );
    await fails(
      { ...pictures, 'd/test/bird/a.png': png(2, 1, [1, 2]) },
      'd',
      DataError,
      "@/d: image 1 to test with is of a class that no image to train on has, 'bird': the classes are cat, dog",
    );
    await fails(
      { ...pictures, 'd/test/dog/z.png': '', 'd/test/x': '' },
      'd',
      DataError,
      '@/d/test/dog/z.png: the file is empty\n  the option skipBad leaves it out.',
    );
  });
});
