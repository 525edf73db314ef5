import * as assert from 'uvu/assert';
import { place } from '../../../src/data/augment/affine.js';
import type { Augmentation } from '../../../src/data/augment/augmentation.js';
import { suite } from '../../support/suite.js';
import { augmented, datasetOf, imageAt, noise, repeated } from './support.js';

/** A range of one value: what a transform draws is then known. */
const exactly = (value: number) => [value, value] as const;

const three = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** What every image of many copies of one becomes, each once, as texts. */
function outcomes(
  pixels: readonly number[],
  side: number,
  augmentation: Augmentation,
  count = 400,
): string[] {
  const images = augmented(repeated(pixels, [side, side, 1], count), augmentation);
  return [
    ...new Set(Array.from({ length: count }, (_, i) => imageAt(images, side * side, i).join(' '))),
  ].sort();
}

function placed(
  changes: Partial<{ x: number; y: number; turn: number; slant: number; factor: number; mirror: number }>,
  side: number,
): (x: number, y: number) => [number, number] {
  const { x: moveX = 0, y: moveY = 0, turn = 0, slant = 0, factor = 1, mirror = 1 } = changes;
  const p = place({ height: side, width: side }, { moveX, moveY, turn, slant, factor, mirror });
  return (x, y) => [p.x0 + p.xx * x + p.xy * y, p.y0 + p.yx * x + p.yy * y];
}

function near(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, value] of actual.entries()) {
    assert.ok(Math.abs(value - expected[i]!) < 1e-12, `${actual}, not ${expected}`);
  }
}

suite('augmentation: where pixels come from', (test) => {
  // all worked by hand: the center of 3 x 3 pixels is (1, 1), y points down
  test('nothing, a move, a mirror, a turn, an enlargement, a slant', () => {
    near(placed({}, 3)(2, 1), [2, 1]);
    near(placed({ x: 1, y: -1 }, 3)(1, 1), [0, 2]);
    near(placed({ mirror: -1 }, 3)(0, 2), [2, 2]);
    // counter-clockwise: what is on the right comes to the top
    near(placed({ turn: Math.PI / 2 }, 3)(1, 0), [2, 1]);
    near(placed({ turn: Math.PI / 2 }, 3)(0, 0), [2, 0]);
    near(placed({ turn: Math.PI / 2 }, 4)(0, 0), [3, 0]);
    near(placed({ factor: 2 }, 3)(2, 2), [1.5, 1.5]);
    // 45 degrees: a row moves by its distance below the center
    near(placed({ slant: Math.PI / 4 }, 3)(2, 2), [1, 2]);
    near(placed({ slant: Math.PI / 4 }, 3)(0, 0), [1, 0]);
  });

  test('several: mirrored, enlarged, slanted, turned, moved, in this order', () => {
    // (2, 1) mirrored (0, 1), twice as far from (1, 1): (-1, 1), not moved by the slant of its row,
    // a quarter counter-clockwise: (1, 3), moved by (1, -2): (2, 1)
    const all = { mirror: -1, factor: 2, slant: Math.PI / 4, turn: Math.PI / 2, x: 1, y: -2 };
    near(placed(all, 3)(2, 1), [2, 1]);
    // (1, 2) twice as far: (1, 3), slanted: (3, 3), turned: (3, -1), moved: (4, -3)
    near(placed(all, 3)(4, -3), [1, 2]);
  });
});

suite('augmentation: pixels', (test) => {
  test('nothing to do gives the same bytes, copied or resampled', () => {
    const dataset = noise(20, [7, 5, 3]);
    for (const nothing of [
      {},
      { shift: 0 },
      { rotate: 0, shear: 0, scale: exactly(1), crop: 0 },
      { elastic: { alpha: 0, sigma: 2 } },
      { scale: exactly(1), border: 'reflect' },
    ] satisfies Augmentation[]) {
      assert.equal(augmented(dataset, nothing), dataset.images, JSON.stringify(nothing));
    }
  });

  test('a flip leaves an image or mirrors it, colors together', () => {
    assert.equal(outcomes(three, 3, { flip: 'horizontal' }), ['1 2 3 4 5 6 7 8 9', '3 2 1 6 5 4 9 8 7']);
    const colors = repeated([1, 2, 3, 4, 5, 6], [1, 2, 3], 50);
    const images = augmented(colors, { flip: 'horizontal' });
    const found = new Set(Array.from({ length: 50 }, (_, i) => imageAt(images, 6, i).join(' ')));
    assert.equal([...found].sort(), ['1 2 3 4 5 6', '4 5 6 1 2 3']);
  });

  test('a flip with a resampling is the same', () => {
    const both = outcomes(three, 3, { flip: 'horizontal', scale: exactly(1) });
    assert.equal(both, ['1 2 3 4 5 6 7 8 9', '3 2 1 6 5 4 9 8 7']);
  });

  test('a crop moves by whole pixels, every way', () => {
    assert.equal(
      outcomes(three, 3, { crop: 1 }),
      [
        [5, 6, 0, 8, 9, 0, 0, 0, 0],
        [4, 5, 6, 7, 8, 9, 0, 0, 0],
        [0, 4, 5, 0, 7, 8, 0, 0, 0],
        [2, 3, 0, 5, 6, 0, 8, 9, 0],
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
        [0, 1, 2, 0, 4, 5, 0, 7, 8],
        [0, 0, 0, 2, 3, 0, 5, 6, 0],
        [0, 0, 0, 1, 2, 3, 4, 5, 6],
        [0, 0, 0, 0, 1, 2, 0, 4, 5],
      ]
        .map((image) => image.join(' '))
        .sort(),
    );
  });

  test('a crop that is resampled, with another fill, gives the same pixels', () => {
    const copied = outcomes(three, 3, { crop: 2, fill: 77 }, 2000);
    assert.is(copied.length, 25);
    assert.equal(outcomes(three, 3, { crop: 2, fill: 77, scale: exactly(1) }, 2000), copied);
  });

  test('a border that reflects', () => {
    const row = [10, 20, 30];
    const images = augmented(repeated(row, [1, 3, 1], 300), { shift: 0, border: 'reflect' });
    assert.equal(imageAt(images, 3, 0), row);
    // 5 4 | 1 2 3 … : what is beyond an edge repeats what is before it
    const mirrored = outcomes(three, 3, { crop: 1, border: 'reflect' });
    assert.is(mirrored.length, 9);
    assert.ok(mirrored.includes('5 4 5 2 1 2 5 4 5'), mirrored.join(', '));
    assert.ok(mirrored.includes('5 6 5 8 9 8 5 6 5'), mirrored.join(', '));
    assert.equal(outcomes(three, 3, { crop: 1, border: 'reflect', scale: exactly(1) }), mirrored);
  });

  test('an enlargement mixes neighbors in proportion', () => {
    // pixels come from 0.25 and 0.75, between 0 and 100: 25 and 75
    const images = augmented(datasetOf([0, 100, 0, 100], [2, 2, 1]), { scale: exactly(2) });
    assert.equal([...images], [25, 75, 25, 75]);
    // half as large: pixels come from -0.5 and 1.5, half of them nothing
    const small = augmented(datasetOf([200, 100, 200, 100], [2, 2, 1]), { scale: exactly(0.5), fill: 0 });
    assert.equal([...small], [50, 25, 50, 25]);
  });

  test('far outside there is nothing', () => {
    const { images, shape } = noise(1, [4, 4, 1]);
    const many = augmented(repeated(images, shape, 500), { shift: 100 });
    let empty = 0;
    for (let i = 0; i < 500; i++) empty += imageAt(many, 16, i).every((pixel) => pixel === 0) ? 1 : 0;
    // any pixel remains where both moves are within 4 pixels of 100: 0.2% of all
    assert.ok(empty > 480, `${empty} of 500`);
  });

  test('an elastic distortion moves pixels of the middle by what Simard says, on average', () => {
    // an image that rises by 8 for each pixel to the right tells how far each of its pixels moved along x
    const side = 29;
    const ramp = Array.from({ length: side * side }, (_, i) => 8 * (i % side) + 8);
    const images = augmented(repeated(ramp, [side, side, 1], 800), { elastic: { alpha: 20, sigma: 3 } });
    const middle = 14 * side + 14;
    let [sum, squares] = [0, 0];
    for (let i = 0; i < 800; i++) {
      const moved = (images[i * side * side + middle]! - ramp[middle]!) / 8;
      sum += moved / 800;
      squares += (moved * moved) / 800;
    }
    // uniform noise (deviation 1/√3) smoothed in two dimensions: deviation times 1 / (2 σ √π)
    const deviation = (20 / Math.sqrt(3)) * (1 / (2 * 3 * Math.sqrt(Math.PI)));
    assert.ok(Math.abs(sum) < (4 * deviation) / Math.sqrt(800), `mean ${sum}`);
    assert.ok(Math.abs(Math.sqrt(squares) / deviation - 1) < 0.1, `${Math.sqrt(squares)}, not ${deviation}`);
  });
});
