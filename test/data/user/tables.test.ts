/** Tables that people have: what is unambiguous is taken, and said. */
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { DataError, UsageError } from '../../../src/core/errors.js';
import { loadUserDataset, type UserDatasetOptions } from '../../../src/data/user/loadUserDataset.js';
import { rejects } from '../../support/messages.js';
import { suite } from '../../support/suite.js';
import { contentOf, fails, loadWithNotes, png } from './support.js';

/** A table of 40 lines with a label of 0 to 3 and nine pixels up to `most`. */
function lines(
  most: number,
  form: (label: number, pixels: number[], row: number) => (number | string)[],
): string {
  const rows = Array.from({ length: 40 }, (_, row) => {
    const pixels = Array.from({ length: 9 }, (_, i) =>
      (row * 7 + i * 5) % 8 === 0 ? most : (row + i) % 2 === 0 ? 0 : most >> 1,
    );
    return form(row % 4, pixels, row).join(',');
  });
  return `${rows.join('\n')}\n`;
}

const first = (label: number, pixels: number[]) => [label, ...pixels];
const brightest = ({ images }: { images: Uint8Array }) =>
  images.reduce((most, pixel) => Math.max(most, pixel), 0);

suite('own data: scales of pixels', (test) => {
  test('black and white as 0 and 1, 0 to 16, per cents, 16 bits: taken and said', async () => {
    for (const most of [1, 3, 15, 16, 31, 63, 100, 1023, 65535]) {
      const { train, notes } = await loadWithNotes({ 'x.csv': lines(most, first) }, 'x.csv');
      assert.is(brightest(train), 255, String(most));
      assert.equal(notes, [
        `@/x.csv: pixels are whole numbers from 0 to ${most}: 0 is taken for black, ${most} for white (the option pixelRange tells others)`,
      ]);
    }
    const bytes = await loadWithNotes({ 'x.csv': lines(255, first) }, 'x.csv');
    assert.equal([brightest(bytes.train), bytes.notes], [255, []]);
  });

  test('fractions: from 0 to 1 with some beyond, from −1 to 1, signed bytes', async () => {
    const wide = (values: readonly number[]) =>
      values.map((value, i) => `${i % 2},${value},0.25,0,1`).join('\n');
    const shares = await loadWithNotes({ 'x.csv': wide([1.0000001, 0, 0.5, 0.25]) }, 'x.csv', {
      testShare: 0.5,
    });
    const all = [...contentOf(shares.train), ...contentOf(shares.test)].map((image) => image[1]).sort();
    assert.equal(all, [0, 128, 255, 64]);
    const centered = await loadWithNotes({ 'x.csv': wide([-1, -0.5, 0, 1]) }, 'x.csv', { testShare: 0.5 });
    assert.equal(
      [...contentOf(centered.train), ...contentOf(centered.test)].map((image) => image[3]),
      Array(4).fill(128),
    );
    const signed = 'x,-128,0,0,127\ny,-128,0,0,127\nx,-128,0,0,127\ny,-128,0,0,127\n';
    assert.equal(contentOf((await loadWithNotes({ 'x.csv': signed }, 'x.csv', { testShare: 0.5 })).test)[0], [
      'x',
      0,
      128,
      128,
      255,
    ]);
  });

  test('the user tells', async () => {
    const { train, notes } = await loadWithNotes({ 'x.csv': lines(8, first) }, 'x.csv', {
      pixelRange: [0, 8],
    });
    assert.equal([brightest(train), notes], [255, []]);
    const negative = await loadWithNotes({ 'x.csv': lines(255, first) }, 'x.csv', { pixelRange: [255, 0] });
    assert.ok(negative.train.images[1] === 128 && negative.train.images.includes(0));
    await rejects(
      () => loadUserDataset('nowhere', { pixelRange: [3, 3] }),
      UsageError,
      'loadUserDataset: pixelRange must be two numbers, black and white: [3, 3]',
    );
  });

  test('standardized numbers are no scale', () =>
    fails(
      { 'x.csv': 'x,-0.42,2.8,0,0\ny,-0.42,2.8,0,0\n' },
      'x.csv',
      DataError,
      '@/x.csv, line 1: pixels are numbers from -0.42 to 2.8, which is no usual scale\n' +
        '  the option pixelRange tells which numbers are black and white, such as { pixelRange: [-0.42, 2.8] }.',
    ));
});

suite('own data: columns', (test) => {
  const names = Array.from({ length: 9 }, (_, i) => `px${i}`);
  const load = async (text: string, options?: UserDatasetOptions) => {
    const { train, test: held, notes } = await loadWithNotes({ 'x.csv': text }, 'x.csv', options);
    return { shape: train.shape, classes: train.classes, count: train.count + held.count, notes };
  };
  const taken = (column: string, why: string) =>
    `@/x.csv: labels are taken from ${column}: ${why} (the option label names another)`;

  test('the label last, with and without names', async () => {
    const last = (label: number, pixels: number[]) => [...pixels, label];
    const unnamed = await load(lines(255, last));
    assert.equal(
      [unnamed.classes, unnamed.shape],
      [
        ['0', '1', '2', '3'],
        [3, 3, 1],
      ],
    );
    assert.equal(unnamed.notes, [taken('column 10', 'it alone looks like numbers of classes')]);
    const odd = await load(`${[...names, 'what'].join()}\n${lines(255, last)}`);
    assert.equal(
      [odd.classes.length, odd.notes],
      [4, [taken("column 'what'", 'its name is unlike those of the pixels')]],
    );
    const usual = await load(`${[...names, 'Digit'].join()}\n${lines(255, last)}`);
    assert.equal([usual.classes.length, usual.notes], [4, []]);
    assert.equal((await load(lines(255, first))).classes.length, 4);
  });

  test('columns that number the rows, or hold something else, are no pixels', async () => {
    const indexed = await load(
      `,label,${names.join()}\n${lines(255, (label, pixels, row) => [row, label, ...pixels])}`,
    );
    assert.equal(
      [indexed.shape, indexed.classes.length, indexed.notes],
      [[3, 3, 1], 4, ['@/x.csv: not taken for pixels: column 1']],
    );
    const unnamed = await load(lines(255, (label, pixels, row) => [row, label, ...pixels]));
    assert.equal([unnamed.shape, unnamed.classes.length], [[3, 3, 1], 4]);
    const more = await load(
      `id,label,Usage,${names.join()}\n${lines(255, (label, pixels, row) => [`a${row}`, label, 'Public', ...pixels])}`,
    );
    assert.equal(
      [more.shape, more.notes],
      [[3, 3, 1], ["@/x.csv: not taken for pixels: columns 'id', 'Usage'"]],
    );
  });

  test('named by the user: by name or number, of a gzipped file', async () => {
    const text = lines(255, (label, pixels) => [...pixels.slice(0, 4), label, ...pixels.slice(4)]);
    for (const label of [5, '5']) assert.equal((await load(text, { label })).classes.length, 4);
    const { train } = await loadWithNotes({ 'x.csv.gz': gzipSync(text) }, 'x.csv.gz', { label: 5 });
    assert.equal(train.classes.length, 4);
  });

  test('no labels, or several columns that may be', async () => {
    await fails(
      { 'x.csv': lines(255, (_, pixels) => pixels) },
      'x.csv',
      DataError,
      '@/x.csv: it has no column of labels: 9 columns are the pixels of an image\n' +
        '  `quern predict` tells classes of images without labels; the option label names a column that holds them.',
    );
    await fails(
      { 'x.csv': `kind,sort,${names.join()}\n${lines(255, (label, pixels) => [label, label, ...pixels])}` },
      'x.csv',
      DataError,
      "@/x.csv: which column holds the labels is not clear: column 'kind', column 'sort'\n" +
        '  the option label names it, or gives its number from 1.',
    );
  });

  test('bad lines: all are named, or left out', async () => {
    const text = `${lines(255, first)}1,2\n1,a,2,3,4,5,6,7,8,9\n`;
    await fails(
      { 'x.csv': text },
      'x.csv',
      DataError,
      '@/x.csv: 2 cannot be read:\n  @/x.csv, line 41: there are 2 columns, the first line has 10\n' +
        '  @/x.csv, line 42: column 2 is not a number\n  the option skipBad leaves them out.',
    );
    const { count, notes } = await load(text, { skipBad: true });
    assert.is(count, 40);
    assert.match(notes[0]!, /^@\/x\.csv: left out, for they cannot be read: 2\n {2}@\/x\.csv, line 41: /);
  });

  test('a folder of Kaggle: labels in train.csv alone', async () => {
    const files = {
      'd/train.csv': `label,${names.join()}\n${lines(255, first)}`,
      'd/test.csv': `${names.join()}\n${lines(255, (_, pixels) => pixels)}`,
      'd/sample_submission.csv': 'ImageId,Label\n1,0\n',
    };
    const { train, test: held, notes } = await loadWithNotes(files, 'd');
    assert.equal([train.count, held.count], [32, 8]);
    assert.equal(notes, [
      '@/d: not used: sample_submission.csv',
      '@/d/test.csv: it has no labels, so nothing is tested with it: it is for `quern predict`',
    ]);
  });

  test('names of pictures and labels', async () => {
    const pictures = Object.fromEntries([1, 2, 3, 4].map((i) => [`d/images/${i}.png`, png(1, 1, [i])]));
    const table = 'file,kind\n1.png,a\n2.png,b\n3.png,a\n4.png,b\n';
    const {
      train,
      test: held,
      notes,
    } = await loadWithNotes({ ...pictures, 'd/labels.csv': table }, 'd', { testShare: 0.5 });
    const all = [...contentOf(train), ...contentOf(held)].map((image) => image.join(' ')).sort();
    assert.equal(all, ['a 1', 'a 3', 'b 2', 'b 4']);
    assert.ok(
      notes.includes('@/d/labels.csv: names of pictures and their labels; the pictures are in @/d/images'),
    );
  });
});
