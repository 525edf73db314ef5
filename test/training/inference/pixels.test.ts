import * as assert from 'uvu/assert';
import { DataError, ShapeError } from '../../../src/core/errors.js';
import { pixelsOf } from '../../../src/training/inference/pixels.js';
import { suite } from '../../support/suite.js';

const canvas = (bytes: readonly number[]) => ({ data: Uint8ClampedArray.from(bytes), width: 2, height: 1 });

suite('images in many forms', (test) => {
  const bytes = (...values: number[]) => Uint8Array.from(values);

  test('bytes, floats and plain numbers', () => {
    assert.equal(pixelsOf(bytes(0, 255), [1, 2, 1]), bytes(0, 255));
    assert.equal(pixelsOf(Float32Array.of(0, 0.5), [1, 2, 1]), bytes(0, 128));
    assert.equal(pixelsOf([0, 200], [1, 2, 1]), bytes(0, 200));
    assert.equal(pixelsOf([[[[0], [1]]]], [1, 2, 1]), bytes(0, 255));
  });

  test('canvases: gray by luma, transparent is black', () => {
    const one = canvas([255, 0, 0, 255, 255, 255, 255, 0]);
    assert.equal(pixelsOf(one, [1, 2, 1]), bytes(76, 0));
    assert.equal(pixelsOf(one, [1, 2, 3]), bytes(255, 0, 0, 0, 0, 0));
    assert.equal(pixelsOf([one, one], [1, 2, 1]), bytes(76, 0, 76, 0));
  });

  test('what does not fit is refused', () => {
    assert.throws(
      () => pixelsOf(canvas([0, 0, 0, 0, 0, 0, 0, 0]), [28, 28, 1]),
      (error: unknown) =>
        error instanceof ShapeError &&
        /canvas of 2 × 1 pixels is no image of \[28, 28, 1\]/.test(error.message),
    );
    assert.throws(
      () => pixelsOf({ ...canvas([0, 0, 0, 0]) }, [1, 2, 1]),
      /^predict: a canvas of 2 × 1 pixels has 4 bytes, not 4 a pixel/,
    );
    assert.throws(
      () => pixelsOf([0, -1], [1, 2, 1]),
      (error: unknown) =>
        error instanceof DataError && /pixels are numbers from 0 to 1 or to 255: -1/.test(error.message),
    );
  });
});
