import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { UsageError } from '../../../src/core/errors.js';
import { type PerturbationKind, perturb, severities } from '../../../src/data/images/perturb.js';
import { throws } from '../../support/messages.js';
import { suite } from '../../support/suite.js';
import { imageAt, noise, repeated } from '../augment/support.js';

const kinds = Object.keys(severities) as PerturbationKind[];

/** One bright pixel in the middle of 11 x 11. */
const dot = Array.from({ length: 121 }, (_, i) => (i === 60 ? 250 : 0));

/** Where the light of an image is. */
function center(image: readonly number[], side: number): [x: number, y: number, light: number] {
  let [x, y, light] = [0, 0, 0];
  for (const [i, pixel] of image.entries()) {
    light += pixel;
    x += pixel * (i % side);
    y += pixel * Math.floor(i / side);
  }
  return [x / light, y / light, light];
}

suite('perturb', (test) => {
  test('no severity changes nothing', () => {
    const dataset = noise(5, [6, 5, 3]);
    for (const kind of kinds) assert.equal(perturb(dataset, { kind, severity: 0 }), dataset, kind);
  });

  test('a shift moves every image as far, in any direction', () => {
    const { images } = perturb(repeated(dot, [11, 11, 1], 200), { kind: 'shift', severity: 3 });
    let [right, down] = [0, 0];
    for (let i = 0; i < 200; i++) {
      const [x, y] = center(imageAt(images, 121, i), 11);
      assert.ok(Math.abs(Math.hypot(x - 5, y - 5) - 3) < 0.03, `${x}, ${y}`);
      right += x > 5 ? 1 : 0;
      down += y > 5 ? 1 : 0;
    }
    assert.ok(right > 70 && right < 130 && down > 70 && down < 130, `${right} right, ${down} down`);
  });

  test('a rotation turns every image as far, either way', () => {
    // a pixel 4 to the right of the center comes 4 above or below it
    const right = Array.from({ length: 121 }, (_, i) => (i === 64 ? 250 : 0));
    const { images } = perturb(repeated(right, [11, 11, 1], 200), { kind: 'rotation', severity: 90 });
    let above = 0;
    for (let i = 0; i < 200; i++) {
      const [x, y] = center(imageAt(images, 121, i), 11);
      assert.equal([x, Math.abs(y - 5)], [5, 4]);
      above += y < 5 ? 1 : 0;
    }
    assert.ok(above > 70 && above < 130, `${above} counter-clockwise`);
  });

  test('noise has the deviation that was asked for', () => {
    const gray = repeated(new Uint8Array(400).fill(128), [20, 20, 1], 50);
    const { images } = perturb(gray, { kind: 'noise', severity: 20 });
    const mean = images.reduce((sum, pixel) => sum + pixel, 0) / images.length;
    const variance = images.reduce((sum, pixel) => sum + (pixel - mean) ** 2, 0) / images.length;
    // 20000 pixels: the mean's deviation is 0.14, that of the deviation 0.1; rounding adds 1 / 12 to the variance
    assert.ok(Math.abs(mean - 128) < 0.7, `mean ${mean}`);
    assert.ok(Math.abs(Math.sqrt(variance - 1 / 12) - 20) < 0.5, `deviation ${Math.sqrt(variance)}`);
    const black = perturb(repeated([0, 255], [1, 2, 1], 50), { kind: 'noise', severity: 255 });
    assert.ok(black.images.includes(0) && black.images.includes(255));
  });

  test('a blur is a Gaussian', () => {
    const { images } = perturb(repeated(dot, [11, 11, 1], 2), { kind: 'blur', severity: 1 });
    // e^(−x²/2) / (e^0 + 2 (e^-0.5 + e^-2 + e^-4.5)): 0.39905, 0.24204, 0.05401, 0.00443; times each other, times 250
    const middle = imageAt(images, 121, 0).slice(55, 66);
    assert.equal(middle, [0, 0, 0, 5, 24, 40, 24, 5, 0, 0, 0]);
    assert.equal(imageAt(images, 121, 0).slice(44, 55), [0, 0, 0, 3, 15, 24, 15, 3, 0, 0, 0]);
    assert.equal(imageAt(images, 121, 1), imageAt(images, 121, 0));
    // at an edge half of it is lost
    const edge = perturb(repeated([250, 0, 0], [1, 3, 1], 1), { kind: 'blur', severity: 0.5 });
    // along y 1 of 1 + 2 (e^-2 + e^-8) = 1.27134 remains: 0.78657
    assert.equal([...edge.images], [155, 21, 0]);
  });

  test('colors are blurred and moved each for itself', () => {
    const colors = repeated([200, 100, 0, 200, 100, 0, 200, 100, 0], [1, 3, 3], 1);
    const { images } = perturb(colors, { kind: 'blur', severity: 0.5 });
    for (let x = 0; x < 3; x++) {
      assert.ok(Math.abs(images[3 * x]! - 2 * images[3 * x + 1]!) <= 1);
      assert.is(images[3 * x + 2], 0);
    }
  });

  test('the same bytes as ever, on every engine', () => {
    const dataset = noise(20, [28, 28, 1]);
    const hash = createHash('sha256');
    for (const kind of kinds) {
      for (const severity of severities[kind])
        hash.update(perturb(dataset, { kind, severity, seed: 3 }).images);
    }
    // made once with Node 20 on x64
    assert.is(hash.digest('hex'), 'fa5fe15de89c3e90ff8297b06f0ee9fe801a7b71c18b170e550f14436c19d122');
  });

  test('the rest of the dataset is kept; other seeds give other images', () => {
    const dataset = noise(4, [8, 8, 1]);
    for (const kind of ['shift', 'rotation', 'noise'] as const) {
      const options = { kind, severity: severities[kind][3]! };
      const first = perturb(dataset, options);
      assert.equal({ ...first, images: dataset.images }, dataset);
      assert.equal(perturb(dataset, { ...options, seed: 0 }), first);
      const others = [1, 2, 3].map((seed) => perturb(dataset, { ...options, seed }).images);
      assert.ok(
        others.some((images) => Buffer.compare(images, first.images) !== 0),
        kind,
      );
    }
  });

  test('wrong usage', () => {
    const dataset = noise(1, [4, 4, 1]);
    throws(
      () => perturb(dataset, { kind: 'fog' as 'blur', severity: 1 }),
      UsageError,
      "perturb: unknown kind 'fog': there are shift, rotation, noise, blur",
    );
    throws(
      () => perturb(dataset, { kind: 'rotation', severity: 181 }),
      UsageError,
      'perturb: the severity of rotation must be from 0 to 180 degrees: 181',
    );
    throws(
      () => perturb(dataset, { kind: 'noise', severity: Number.NaN }),
      UsageError,
      'perturb: the severity of noise must be from 0 to 255 grays: NaN',
    );
  });
});
