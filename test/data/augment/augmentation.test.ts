import * as assert from 'uvu/assert';
import { UsageError } from '../../../src/core/errors.js';
import { type Augmentation, checkAugmentation } from '../../../src/data/augment/augmentation.js';
import { defaultAugmentation } from '../../../src/data/augment/defaults.js';
import { averageWidths } from '../../../src/data/augment/elastic.js';
import { readManifest } from '../../../src/data/catalog/manifest.js';
import { throws } from '../../support/messages.js';
import { suite } from '../../support/suite.js';

const wrong: readonly (readonly [unknown, string])[] = [
  [{ shift: -1 }, 'shift must be a number from 0 to 512: -1'],
  [{ shift: '2' }, 'shift must be a number from 0 to 512: "2"'],
  [{ rotate: 181 }, 'rotate must be a number from 0 to 180: 181'],
  [{ scale: [1.1, 0.9] }, 'scale must be [low, high] within [0.25, 4]: [1.1,0.9]'],
  [{ scale: 2 }, 'scale must be [low, high] within [0.25, 4]: 2'],
  [{ shear: 46 }, 'shear must be a number from 0 to 45: 46'],
  [{ elastic: 30 }, 'elastic must be an object of alpha, sigma: 30'],
  [{ elastic: { alpha: 30 } }, 'elastic.sigma is missing'],
  [{ elastic: { alpha: -1, sigma: 4 } }, 'elastic.alpha must be a number from 0 to 1024: -1'],
  [{ elastic: { alpha: 30, sigma: 0.5 } }, 'elastic.sigma must be a number from 1 to 64: 0.5'],
  [{ flip: true }, "flip must be 'horizontal': true"],
  [{ crop: 1.5 }, 'crop must be a whole number from 0 to 512: 1.5'],
  [{ erase: true }, 'erase must be an object of probability, area, aspect, value: true'],
  [{ erase: { probability: 2 } }, 'erase.probability must be a number from 0 to 1: 2'],
  [{ erase: { area: [0, 0.5] } }, 'erase.area must be [low, high] within [0.0001, 1]: [0,0.5]'],
  [{ erase: { aspect: [0.001, 1] } }, 'erase.aspect must be [low, high] within [0.01, 100]: [0.001,1]'],
  [{ erase: { value: 256 } }, "erase.value must be a whole number from 0 to 255 or 'random': 256"],
  [{ erase: { share: 1 } }, 'erase.share is unknown: there are probability, area, aspect, value'],
  [{ cutout: 0 }, 'cutout must be a whole number from 1 to 2048: 0'],
  [{ border: 'wrap' }, "border must be 'fill' or 'reflect': \"wrap\""],
  [{ fill: 0.5 }, 'fill must be a whole number from 0 to 255: 0.5'],
  [
    { zoom: 2 },
    'zoom is unknown: there are shift, rotate, scale, shear, elastic, flip, crop, erase, cutout, border, fill',
  ],
  [
    'shift',
    'it must be an object of shift, rotate, scale, shear, elastic, flip, crop, erase, cutout, border, fill: "shift"',
  ],
];

suite('augmentation: what it may say', (test) => {
  test('what is out of range is named', () => {
    for (const [value, message] of wrong) {
      throws(() => checkAugmentation(value as Augmentation), UsageError, `augmentation: ${message}`);
    }
  });

  test('what is undefined is left out, and bounds are allowed', () => {
    checkAugmentation({ shift: undefined, erase: { value: undefined }, elastic: undefined });
    checkAugmentation({
      shift: 512,
      rotate: 180,
      scale: [0.25, 4],
      shear: 45,
      crop: 0,
      fill: 255,
      cutout: 1,
    });
  });

  test('what does not suit the images', () => {
    checkAugmentation({ crop: 3 }, [4, 4, 1]);
    throws(
      () => checkAugmentation({ crop: 4 }, [4, 8, 1]),
      UsageError,
      'augmentation: crop must be less than a side of the image: 4, images are 4 x 8',
    );
    throws(
      () => checkAugmentation({}, [2049, 4, 1]),
      UsageError,
      'augmentation: images may have up to 2048 x 2048 pixels: 2049 x 4',
    );
  });
});

suite('augmentation: defaults', (test) => {
  test('every dataset of the manifest has one that suits it', () => {
    for (const { name, image } of readManifest().datasets.values()) {
      const augmentation = defaultAugmentation(name);
      checkAugmentation(augmentation, image);
      assert.is('flip' in augmentation, name === 'fashion-mnist', name);
      assert.is('rotate' in augmentation, name !== 'fashion-mnist', name);
    }
  });

  test('anything else is moved a little', () => {
    assert.equal(defaultAugmentation('my-photos'), { crop: 2 });
  });
});

suite('augmentation: smoothing', (test) => {
  // worked by hand: variances of moving averages of widths 1, 3, 5, 7, 9 are 0, 2/3, 2, 4, 20/3
  test('three moving averages come as close to the variance as they can', () => {
    assert.equal(averageWidths(1), [1, 3, 3]);
    assert.equal(averageWidths(2), [3, 5, 5]);
    assert.equal(averageWidths(4), [7, 9, 9]);
    for (let sigma = 1; sigma <= 64; sigma += 0.5) {
      const variance = averageWidths(sigma).reduce((sum, width) => sum + (width * width - 1) / 12, 0);
      assert.ok(Math.abs(Math.sqrt(variance) - sigma) < 0.25, `${sigma}: ${Math.sqrt(variance)}`);
    }
  });
});
