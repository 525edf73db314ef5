/** Folders that people have: what is unambiguous is taken, and said. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/errors.js';
import { suite } from '../../support/suite.js';
import { type Files, fails, loadWithNotes, png } from './support.js';

suite('own data: forms of folders', (test) => {
  const classes = (part: string, names = ['a', 'b']): Files =>
    Object.fromEntries(
      names.flatMap((name, i) => [0, 1].map((n) => [`d/${part}${name}/${n}.png`, png(1, 1, [10 * i + n])])),
    );

  test('parts by many names, in any case; a part to validate with', async () => {
    for (const [train, held, validation] of [
      ['training', 'testing', 'validation'],
      ['Train', 'Test', 'VAL'],
      ['train_images', 'test_images', 'val_images'],
      ['TrainSet', 'test-set', 'dev'],
    ] as const) {
      const files = {
        ...classes(`${train}/`),
        ...classes(`${held}/`, ['b']),
        ...classes(`${validation}/`, ['a']),
      };
      const loaded = await loadWithNotes(files, 'd');
      assert.equal([loaded.train.count, loaded.test.count, loaded.validation?.count], [4, 2, 2], train);
      assert.equal(
        loaded.notes,
        [`@/d: taken: ${train} to train with, ${validation} to validate with, ${held} to test with`],
        train,
      );
      assert.is(loaded.validation?.split, 'validation');
    }
  });

  test('a class may be called train', async () => {
    const { train } = await loadWithNotes(classes('', ['car', 'plane', 'train']), 'd', { testShare: 0.5 });
    assert.equal(train.classes, ['car', 'plane', 'train']);
  });

  test('links, folders below, what archivers leave, an empty class, pictures of no class', async () => {
    const files = {
      ...classes('', ['a', 'b']),
      'd/a/more/deep/1.png': png(1, 1, [99]),
      'd/__MACOSX/a/1.png': 'none',
      'd/a/._1.png': 'none',
      'd/c/notes.txt': '',
      'd/stray.png': png(1, 1, [5]),
      'elsewhere/1.png': png(1, 1, [77]),
      'elsewhere/2.png': png(1, 1, [78]),
    };
    const {
      train,
      test: held,
      notes,
    } = await loadWithNotes(files, 'd', { testShare: 0.5 }, (folder) => {
      symlinkSync('../elsewhere', join(folder, 'd/z'));
      symlinkSync('..', join(folder, 'd/z/loop'));
    });
    assert.equal(train.classes, ['a', 'b', 'z']);
    const pixels = [...train.images, ...held.images].sort((x, y) => x - y);
    assert.ok(pixels.includes(99) && pixels.includes(77) && pixels.includes(78));
    assert.ok(notes.includes('@/d: not used, for they are in no folder of a class: 1 pictures'));
    assert.ok(notes.includes('@/d: no pictures, so no classes: c'));
    assert.ok(
      notes.some((text) =>
        text.startsWith('@/d: pictures in folders below those of the classes are taken too: a (1)'),
      ),
    );
  });

  test('one folder around everything; names composed in two ways, or in other letters, are one class', async () => {
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
    const files = {
      ...classes('inner/train/', ['Tea', composed]),
      ...classes('inner/test/', ['tea', decomposed]),
    };
    const { train, test: held, notes } = await loadWithNotes(files, 'd');
    assert.equal([train.classes, held.count], [['Tea', composed], 4]);
    assert.equal(notes[0], '@/d: everything is in inner');
  });

  test('bad pictures: all are named, or left out', async () => {
    const files = { ...classes(''), 'd/a/x.png': 'text', 'd/b/y.jpg': 'text' };
    const flaw = 'not a picture: PNG, JPEG, WebP and BMP are read';
    await fails(
      files,
      'd',
      DataError,
      `@/d: 2 cannot be read:\n  @/d/a/x.png: ${flaw}\n  @/d/b/y.jpg: ${flaw}\n  the option skipBad leaves them out.`,
    );
    const { train, test: held } = await loadWithNotes(files, 'd', { skipBad: true, testShare: 0.5 });
    assert.is(train.count + held.count, 4);
  });

  test('pictures without classes', async () => {
    const classless = 'are of no class: a folder for each class is expected in';
    const hint =
      '\n  Classes may also stand in a CSV file: names of pictures in one column, labels in another.';
    await fails({ 'd/1.png': png(1, 1, [1]) }, 'd', DataError, `@/d: 1 pictures ${classless} it${hint}`);
    const parts = { 'd/train/1.png': png(1, 1, [1]), 'd/test/1.png': png(1, 1, [1]) };
    await fails(parts, 'd', DataError, `@/d: pictures in test, train ${classless} them${hint}`);
    const two = { ...classes('train/'), ...classes('training/') };
    await fails(two, 'd', DataError, '@/d: two folders are to train with: train, training');
  });

  test('all of it to measure with, with the classes of a model', async () => {
    const { train, test: held } = await loadWithNotes(classes('', ['b']), 'd', {
      testShare: 1,
      classes: ['a', 'b', 'c'],
    });
    assert.equal([train.count, held.count, held.split, [...held.labels]], [0, 2, 'test', [1, 1]]);
    await fails(
      classes('', ['z']),
      'd',
      DataError,
      "@/d: the class 'z' is none of those that are given: a, b",
      { testShare: 1, classes: ['a', 'b'] },
    );
  });
});
