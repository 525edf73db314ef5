import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/errors.js';
import { suite } from '../../support/suite.js';
import { contentOf, fails, load } from './support.js';

const small = 'label,a,b,c,d\n3,1,2,3,4\n10,5,6,7,8\n3,9,10,11,12\n10,13,14,15,16\n';
const half = { testShare: 0.5 };

/** All images of a file, in its order: half of each class is held out. */
async function all(text: string, options = {}) {
  const { train, test } = await load({ 'x.csv': text }, 'x.csv', { ...half, ...options });
  assert.equal(test.classes, train.classes);
  return [...contentOf(train), ...contentOf(test)].sort((a, b) => a[1]! - b[1]!);
}

const expected = [
  ['3', 1, 2, 3, 4],
  ['10', 5, 6, 7, 8],
  ['3', 9, 10, 11, 12],
  ['10', 13, 14, 15, 16],
];

suite('own data: CSV', (test) => {
  test('numbers with decimal commas are refused by that name', async () => {
    const commas = 'a;0,5;0,25;1;0\nb;0;1;0,75;0,5\n';
    for (const [separator, called] of [
      [';', 'semicolons'],
      ['\t', 'tabs'],
      ['|', 'bars'],
    ]) {
      for (const head of ['', 'label;p0;p1;p2;p3\n']) {
        await fails(
          { 'x.csv': `${head}${commas}`.replaceAll(';', separator!) },
          'x.csv',
          DataError,
          `@/x.csv: its numbers have decimal commas, between ${called}: points are read\n  Write 0.5 for 0,5; the separator may stay.`,
        );
      }
    }
  });

  test('a label, then pixels; classes in the order of their numbers', async () => {
    assert.equal(await all(small), expected);
    const { train } = await load({ 'numbers.csv': small }, 'numbers.csv', half);
    assert.equal(train.classes, ['3', '10']);
    assert.equal(train.shape, [2, 2, 1]);
    assert.is(train.name, 'numbers');
    assert.is(train.split, 'train');
  });

  test('with other separators, ends of lines, empty lines, quotes, spaces, a mark of byte order', async () => {
    assert.equal(await all(small.replaceAll(',', ';')), expected);
    assert.equal(await all(small.replaceAll(',', '\t')), expected);
    assert.equal(await all(small.replaceAll('\n', '\r\n\r\n')), expected);
    assert.equal(await all(small.replaceAll('\n', '\r')), expected);
    assert.equal(await all(small.trimEnd()), expected);
    assert.equal(await all(small.replaceAll(',', ' , ')), expected);
    assert.equal(await all(`\ufeff${small}`), expected);
    assert.equal(await all(`\ufeff${small.slice(small.indexOf('\n') + 1)}`), expected);
    assert.equal(await all(small.replaceAll(/^(\d+),(\d+)/gm, '"$1","$2"')), expected);
  });

  test('without names of columns', async () => {
    assert.equal(await all(small.slice(small.indexOf('\n') + 1)), expected);
  });

  test('with numbers as names of columns, as pandas writes them', async () => {
    assert.equal(await all(small.replace('a,b,c,d', '0,1,2,3')), expected);
  });

  test('the column of labels: by a usual name, a name, a number', async () => {
    const moved = (name: string) => `a,b,${name},c,d\n1,2,3,3,4\n5,6,10,7,8\n9,10,3,11,12\n13,14,10,15,16\n`;
    assert.equal(await all(moved('Class')), expected);
    assert.equal(await all(moved('kind'), { label: 'kind' }), expected);
    assert.equal(await all(moved('kind'), { label: 3 }), expected);
  });

  test('labels that are words, with separators within quotes', async () => {
    const text = '"a, ""b""",1,2,3,4\ncoat,5,6,7,8\n"a, ""b""",9,10,11,12\ncoat,13,14,15,16\n';
    const images = await all(text);
    assert.equal(
      images.map(([name]) => name),
      ['a, "b"', 'coat', 'a, "b"', 'coat'],
    );
  });

  test('fractions from 0 to 1 are shares of 255; others are rounded', async () => {
    const fractions = 'x,0,0.5,1,1e-1\ny,1,1,1,1\nx,0,0,0,0\ny,0,1,0,0\n';
    assert.ok((await all(fractions)).some((image) => image.slice(1).join(' ') === '0 128 255 26'));
    const large = await all('x,0,0.5,1,100.4\ny,1,1,1,1\nx,0,0,0,0\ny,9,9,9,9\n');
    assert.ok(large.some((image) => image.slice(1).join(' ') === '0 1 1 100'));
  });

  test('pixels that are no square: storedShape, then resized', async () => {
    const text = 'x,0,100,200\ny,1,1,1\nx,2,2,2\ny,3,3,3\n';
    const options = { storedShape: [1, 3, 1], shape: [1, 1, 1] } as const;
    assert.equal(
      (await all(text, options)).map((image) => image[1]),
      [1, 2, 3, 100],
    );
    const colors = 'x,10,20,30\ny,1,1,1\nx,2,2,2\ny,3,3,3\n';
    const { train } = await load({ 'x.csv': colors }, 'x.csv', half);
    assert.equal(train.shape, [1, 1, 3]);
  });

  test('more lines than memory was made for at first', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `${i % 2},${i % 256},0,0,7`);
    const { train, test: held } = await load({ 'x.csv': lines.join('\n') }, 'x.csv');
    assert.equal([train.count, held.count], [2400, 600]);
    let sum = 0;
    for (const { images } of [train, held]) sum += images.reduce((total, pixel) => total + pixel, 0);
    assert.is(
      sum,
      lines.reduce((total, _, i) => total + (i % 256) + 7, 0),
    );
  });

  test('a folder with train.csv and test.csv', async () => {
    const { train, test: held } = await load({ 'd/train.csv': small, 'd/Test.csv': '3,8,8,8,8\n' }, 'd');
    assert.equal(contentOf(train), expected);
    assert.equal(contentOf(held), [['3', 8, 8, 8, 8]]);
    assert.is(held.split, 'test');
  });
});

suite('own data: bad CSV', (test) => {
  const wrong = (text: string, message: string, options = {}) =>
    fails({ 'x.csv': text }, 'x.csv', DataError, `@/x.csv${message}`, options);

  test('nothing in it', async () => {
    await wrong('', ': there are no images in it');
    await wrong('\n\n', ': there are no images in it');
    await wrong('label,a,b,c,d\n', ': there are no images in it');
    await wrong('label\n', ', line 1: a label and pixels are expected: there is one column');
  });

  test('lines that do not fit', async () => {
    const skip = '\n  the option skipBad leaves it out.';
    await wrong(`${small}3,1,2,3\n`, `, line 6: there are 4 columns, the first line has 5${skip}`);
    await wrong(`${small}3,1,2,3,4,5\n`, `, line 6: there are 6 columns, the first line has 5${skip}`);
    await wrong(`${small}"3",1,2,3\n`, `, line 6: there are 4 columns, the first line has 5${skip}`);
    await wrong(`${small}\n3,1,two,3,4\n`, `, line 7: column 3 is not a number${skip}`);
    await wrong(`${small}3,1,,3,4\n`, `, line 6: column 3 is not a number${skip}`);
    await wrong(`${small}"3",1,"",3,4\n`, `, line 6: column 3 is not a number${skip}`);
    await wrong(`${small},1,2,3,4\n`, `, line 6: there is no label${skip}`);
  });

  test('pixels out of range', async () => {
    const wrongScale = (least: number, most: number) =>
      `, line 6: pixels are whole numbers from ${least} to ${most}, which is no usual scale\n` +
      `  the option pixelRange tells which numbers are black and white, such as { pixelRange: [${least}, ${most}] }.`;
    await wrong(`${small}3,1,2,256,4\n`, wrongScale(1, 256));
    await wrong(`${small}3,1,2,-2,4\n`, wrongScale(-2, 16));
    await wrong(
      `${small}3,1,2,-2,4\n`,
      ', line 6: a pixel is not from 0 to 16: -2\n  the option pixelRange says so.',
      { pixelRange: [0, 16] },
    );
  });

  test('columns that are not there', async () => {
    await wrong(small, ': there is no column 6: it has 5', { label: 6 });
    await wrong(small, ': there is no column "kind": it has 5 others', { label: 'kind' });
    const unnamed = small.slice(small.indexOf('\n') + 1);
    await wrong(unnamed, ': there is no column "kind": its first line holds no names', { label: 'kind' });
  });

  test('no square', async () => {
    await wrong(
      '1,1,2,3,4,5\n2,3,4,5,6,7\n',
      ': 5 pixels are no square image, gray or with 3 channels\n' +
        '  the option storedShape tells height, width and channels of the images.',
    );
  });
});
