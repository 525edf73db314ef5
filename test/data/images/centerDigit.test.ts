import * as assert from 'uvu/assert';
import { loadDataset } from '../../../src/data/catalog/datasets.js';
import { centerDigit } from '../../../src/data/images/centerDigit.js';
import { type ImageShape, pictureOf } from '../../../src/data/images/picture.js';
import { preparePicture } from '../../../src/data/images/prepare.js';
import { suite } from '../../support/suite.js';

/** A black picture with a bright rectangle in it. */
function rectangle(
  shape: ImageShape,
  [left, top, width, height]: readonly number[],
  ink = 255,
  ground = 0,
): Uint8Array {
  const pixels = new Uint8Array(shape[0] * shape[1]).fill(ground);
  for (let y = top!; y < top! + height!; y++)
    pixels.fill(ink, y * shape[1] + left!, y * shape[1] + left! + width!);
  return pixels;
}

/** Where an image is not black: left, top, width, height. */
function boxOf(pixels: Uint8Array, width = 28): number[] {
  const places = [...pixels.keys()].filter((i) => pixels[i]! > 0);
  const [columns, rows] = [places.map((i) => i % width), places.map((i) => Math.floor(i / width))];
  const [left, top] = [Math.min(...columns), Math.min(...rows)];
  return [left, top, Math.max(...columns) - left + 1, Math.max(...rows) - top + 1];
}

suite('centerDigit', (test) => {
  const shape = [100, 200, 1] as const;
  test('whatever is in a corner fills 20 pixels and lies in the middle, with its proportions', () => {
    const tall = centerDigit(pictureOf(rectangle(shape, [3, 5, 20, 40]), shape), 28, 28);
    assert.equal(boxOf(tall), [9, 4, 10, 20]);
    const wide = centerDigit(pictureOf(rectangle(shape, [150, 60, 40, 10]), shape), 28, 28);
    assert.equal(boxOf(wide), [4, 11 + 1, 20, 5]);
    const small = centerDigit(pictureOf(rectangle(shape, [3, 5, 20, 40]), shape), 14, 14);
    assert.equal(boxOf(small, 14), [4 + 1, 2, 5, 10]);
  });

  test('the center of mass is in the middle, not that of the box', () => {
    // a bar above, and a thin foot: Σ y·mass of 20 x 5 at 2.5 and 2 x 15 at 12.5 is 625 of 130, so 4.8 below the top
    const pixels = rectangle(shape, [0 + 40, 10, 20, 5]);
    for (let y = 15; y < 30; y++) pixels.fill(255, y * 200 + 49, y * 200 + 51);
    const [left, top, width, height] = boxOf(centerDigit(pictureOf(pixels, shape), 28, 28));
    assert.equal([left, width, height], [4, 20, 20]);
    // 14 − 4.8 = 9.2, but no further than the edge allows
    assert.is(top, 8);
  });

  test('gray paper becomes black, faint ink white', () => {
    const pixels = rectangle(shape, [60, 20, 20, 40], 160, 60);
    for (let i = 0; i < pixels.length; i += 3) if (pixels[i] === 60) pixels[i] = 66;
    const made = centerDigit(pictureOf(pixels, shape), 28, 28);
    assert.equal(boxOf(made), [9, 4, 10, 20]);
    assert.is(Math.max(...made), 255);
  });

  test('without ink it is merely resized', () => {
    assert.ok(
      centerDigit(pictureOf(new Uint8Array(20000).fill(9), shape), 28, 28).every((pixel) => pixel === 9),
    );
  });

  test('images that were made so stay nearly as they are', async () => {
    const { train } = await loadDataset('fixture');
    const one = train.images.slice(0, 784);
    const made = centerDigit(pictureOf(one, train.shape), 28, 28);
    assert.equal(boxOf(made).slice(2).includes(20), true);
  });

  test('with a preparation: inverted first, in colors too', () => {
    const paper = rectangle(shape, [3, 5, 20, 40], 0, 255);
    const { pixels, inverted } = preparePicture(pictureOf(paper, shape), [28, 28, 3], {
      invert: true,
      centerDigits: true,
    });
    assert.is(inverted, false);
    assert.equal(boxOf(pixels.filter((_, i) => i % 3 === 1)), [9, 4, 10, 20]);
    assert.is(preparePicture(pictureOf(paper, shape), [28, 28, 1]).inverted, true);
  });
});
