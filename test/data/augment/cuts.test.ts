import * as assert from 'uvu/assert';
import type { Augmentation } from '../../../src/data/augment/augmentation.js';
import { suite } from '../../support/suite.js';
import { augmented, imageAt, repeated } from './support.js';

interface Rectangle {
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
}

const side = 20;
const white = new Uint8Array(side * side).fill(200);

/** The pixels that are not white any more, which must be one full rectangle of a value; undefined if there are none. */
function cutOf(image: readonly number[], value: number): Rectangle | undefined {
  const changed = image.map((pixel, i) => (pixel === 200 ? -1 : i)).filter((i) => i >= 0);
  if (changed.length === 0) return undefined;
  const rows = changed.map((i) => Math.floor(i / side));
  const columns = changed.map((i) => i % side);
  const [top, left] = [Math.min(...rows), Math.min(...columns)];
  const found = { top, left, rows: Math.max(...rows) - top + 1, columns: Math.max(...columns) - left + 1 };
  assert.is(changed.length, found.rows * found.columns);
  for (const i of changed) assert.is(image[i], value);
  return found;
}

function cuts(augmentation: Augmentation, count: number, value = 0): (Rectangle | undefined)[] {
  const images = augmented(repeated(white, [side, side, 1], count), augmentation);
  return Array.from({ length: count }, (_, i) => cutOf(imageAt(images, side * side, i), value));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

suite('augmentation: cutout', (test) => {
  test('a square about any pixel, as far as it lies within the image', () => {
    const found = cuts({ cutout: 6, fill: 9 }, 3000, 9);
    // 3 pixels before the center, 2 behind it: the first row is cut to 3 at the top, at the bottom to 4
    const tops = new Set(found.map((cut) => `${cut!.top} ${cut!.rows}`));
    const expected = Array.from({ length: side }, (_, y) => {
      const top = Math.max(0, y - 3);
      return `${top} ${Math.min(side, y + 3) - top}`;
    });
    assert.equal([...tops].sort(), expected.sort());
    assert.is(new Set(found.map((cut) => `${cut!.left} ${cut!.columns}`)).size, side);
  });

  test('an odd side is symmetric', () => {
    const found = cuts({ cutout: 1 }, 3000);
    for (const cut of found) assert.equal([cut!.rows, cut!.columns], [1, 1]);
    assert.is(new Set(found.map((cut) => cut!.top * side + cut!.left)).size, side * side);
  });

  test('larger than the image: nothing is left', () => {
    const found = cuts({ cutout: 60 }, 20);
    for (const cut of found) assert.equal(cut, { top: 0, left: 0, rows: side, columns: side });
  });
});

suite('augmentation: random erasing', (test) => {
  test('with the probability, within the range of areas and aspects', () => {
    const found = cuts({ erase: { probability: 0.3, area: [0.1, 0.3], aspect: [0.5, 2] } }, 3000);
    const erased = found.filter((cut) => cut !== undefined);
    // deviation of a share of 0.3 in 3000: 0.0084
    assert.ok(Math.abs(erased.length / 3000 - 0.3) < 0.034, `${erased.length} of 3000`);
    for (const { rows, columns } of erased) {
      // each side is rounded to whole pixels
      assert.ok((rows - 0.5) * (columns - 0.5) <= 0.3 * 400 && (rows + 0.5) * (columns + 0.5) >= 0.1 * 400);
      assert.ok((rows - 0.5) / (columns + 0.5) <= 2 && (rows + 0.5) / (columns - 0.5) >= 0.5);
    }
    const area = mean(erased.map(({ rows, columns }) => rows * columns));
    assert.ok(Math.abs(area / 400 - 0.2) < 0.02, `mean area ${area / 400}`);
  });

  test('anywhere: the first row is as likely as the last', () => {
    const erased = cuts({ erase: { probability: 1, area: [0.1, 0.1], aspect: [1, 1] } }, 3000);
    // 6 x 6 of 20 x 20
    for (const cut of erased) assert.equal([cut!.rows, cut!.columns], [6, 6]);
    for (const key of ['top', 'left'] as const) {
      const places = erased.map((cut) => cut![key]);
      assert.is(new Set(places).size, 15);
      assert.ok(Math.abs(mean(places) - 7) < 0.4, `${key}: ${mean(places)}`);
    }
  });

  test('the defaults are those of the paper; what would not fit is drawn anew', () => {
    const found = cuts({ erase: {} }, 3000);
    const erased = found.filter((cut) => cut !== undefined);
    assert.ok(Math.abs(erased.length / 3000 - 0.5) < 0.04);
    const areas = erased.map(({ rows, columns }) => (rows * columns) / 400);
    assert.ok(Math.min(...areas) < 0.04 && Math.max(...areas) > 0.36 && Math.max(...areas) < 0.45);
    const aspects = erased.map(({ rows, columns }) => rows / columns);
    assert.ok(Math.min(...aspects) < 0.5 && Math.max(...aspects) > 2.5);
  });

  test('what can never fit is left out', () => {
    for (const cut of cuts({ erase: { probability: 1, area: [0.9, 0.9], aspect: [100, 100] } }, 20)) {
      assert.is(cut, undefined);
    }
  });

  test('with a gray, or with random bytes', () => {
    for (const cut of cuts({ erase: { probability: 1, value: 33 }, fill: 5 }, 50, 33)) assert.ok(cut);
    for (const cut of cuts({ erase: { probability: 1 }, fill: 5 }, 50, 5)) assert.ok(cut);
    const all = { probability: 1, area: [1, 1], aspect: [1, 1], value: 'random' } as const;
    const bytes = augmented(repeated(white, [side, side, 1], 100), { erase: all });
    // uniform bytes: mean 127.5, deviation 73.9, of 40000
    assert.ok(Math.abs(mean([...bytes]) - 127.5) < 2);
    assert.is(new Set(bytes).size, 256);
    assert.not.equal(imageAt(bytes, 400, 0), imageAt(bytes, 400, 1));
  });
});
