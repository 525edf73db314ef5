import { zipSync } from 'fflate';
import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/errors.js';
import { decodeNpy } from '../../../src/data/user/sources/npy.js';
import { throws } from '../../support/messages.js';
import { suite } from '../../support/suite.js';
import { contentOf, fails, load } from './support.js';

/**
 * Written by numpy 2: savez_compressed('t.npz', x_train=arange(12, dtype=uint8).reshape(3, 2, 2), y_train=[1, 0, 1],
 * x_test=x_train[:1] + 100, y_test=[0]).
 */
const fromNumpy = Buffer.from(
  'UEsDBC0AAAAIAAAAIQCaCbEc//////////8LABQAeF90cmFpbi5ucHkBABAAjAAAAAAAAABUAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loF5Taqiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6CkZApKmjUKtAHuBiYGRiZmFlY+fg5OIGAFBLAwQtAAAACAAAACEAorPQS///////////CwAUAHlfdHJhaW4ubnB5AQAQAJgAAAAAAAAASgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RrGOpo6CrUKFAAuRgZUAOMDAFBLAwQtAAAACAAAACEAAtKi2v//////////CgAUAHhfdGVzdC5ucHkBABAAhAAAAAAAAABMAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loF5Taqiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6CkZApKmjUKtAHuBKSU1LBwBQSwMELQAAAAgAAAAhAKCavpL//////////woAFAB5X3Rlc3QubnB5AQAQAIgAAAAAAAAARwAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqGOpo6CrUKFAAuBigAAFBLAQItAy0AAAAIAAAAIQCaCbEcVAAAAIwAAAALAAAAAAAAAAAAAACAAQAAAAB4X3RyYWluLm5weVBLAQItAy0AAAAIAAAAIQCis9BLSgAAAJgAAAALAAAAAAAAAAAAAACAAZEAAAB5X3RyYWluLm5weVBLAQItAy0AAAAIAAAAIQAC0qLaTAAAAIQAAAAKAAAAAAAAAAAAAACAARgBAAB4X3Rlc3QubnB5UEsBAi0DLQAAAAgAAAAhAKCavpJHAAAAiAAAAAoAAAAAAAAAAAAAAIABoAEAAHlfdGVzdC5ucHlQSwUGAAAAAAQABADiAAAAIwIAAAAA',
  'base64',
);

/** A .npy file, as numpy.lib.format describes it. */
function npy(
  descr: string,
  shape: readonly number[],
  data: Uint8Array,
  { order = 'False', version = 1 } = {},
) {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${sizes}), }`;
  const start = version === 1 ? 10 : 12;
  const header = Buffer.alloc(start + Math.ceil((text.length + 1 + start) / 64) * 64 - start, ' ');
  header.set([0x93, ...Buffer.from('NUMPY'), version, 0]);
  if (version === 1) header.writeUInt16LE(header.length - start, 8);
  else header.writeUInt32LE(header.length - start, 8);
  header.write(text, start);
  header[header.length - 1] = 10;
  return Buffer.concat([header, data]);
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const images = npy('|u1', [2, 1, 2], bytes(1, 2, 3, 4));
const labels = npy('|u1', [2], bytes(7, 5));
const archive = (arrays: Record<string, Uint8Array>) =>
  zipSync(Object.fromEntries(Object.entries(arrays).map(([name, data]) => [`${name}.npy`, data])));

const loadArrays = (arrays: Record<string, Uint8Array>, options = {}) =>
  load({ 'x.npz': archive({ ...arrays, x_test: images, y_test: labels }) }, 'x.npz', options);

suite('own data: npz', (test) => {
  test('what numpy writes, with the names that Keras uses', async () => {
    const { train, test: held } = await load({ 'tiny.npz': fromNumpy }, 'tiny.npz');
    assert.equal(contentOf(train), [
      ['1', 0, 1, 2, 3],
      ['0', 4, 5, 6, 7],
      ['1', 8, 9, 10, 11],
    ]);
    assert.equal(contentOf(held), [['0', 100, 101, 102, 103]]);
    assert.is(train.name, 'tiny');
  });

  test('other names', async () => {
    for (const [x, y] of [
      ['train_images', 'train_labels'],
      ['x', 'y'],
      ['images', 'labels'],
      ['data', 'labels'],
      ['arr_0', 'arr_1'],
    ] as const) {
      const { train } = await loadArrays({ [x]: images, [y]: labels });
      assert.equal(contentOf(train), [
        ['7', 1, 2],
        ['5', 3, 4],
      ]);
    }
  });

  test('flat images, images with channels, a column of labels', async () => {
    const flat = await loadArrays({ x: npy('|u1', [2, 4], bytes(1, 2, 3, 4, 5, 6, 7, 8)), y: labels });
    assert.equal(flat.train.shape, [2, 2, 1]);
    const colors = npy('|u1', [2, 1, 1, 3], bytes(10, 20, 30, 40, 50, 60));
    const { train } = await loadArrays({
      x: colors,
      y: npy('<i8', [2, 1], new Uint8Array(16).fill(5, 0, 1).fill(7, 8, 9)),
    });
    assert.equal(train.shape, [1, 1, 3]);
    assert.equal(contentOf(train), [
      ['5', 10, 20, 30],
      ['7', 40, 50, 60],
    ]);
  });

  test('what is not there, or not sound', async () => {
    const wrong = (arrays: Record<string, Uint8Array>, message: string) =>
      fails({ 'x.npz': archive(arrays) }, 'x.npz', DataError, `@/x.npz${message}`);
    const usage = '\n  numpy.savez("data.npz", x_train=…, y_train=…, x_test=…, y_test=…) names them.';
    await wrong({ y: labels }, `: there are no arrays of images in it: it holds y [2]${usage}`);
    await wrong({ x: images }, `: there are no arrays of labels in it: it holds x [2, 1, 2]${usage}`);
    await wrong(
      { x: npy('|u1', [1, 1, 2, 2], bytes(1, 2, 3, 4)), y: labels },
      ': y: there must be a label for each of 1 images: [2]',
    );
    await wrong(
      { x: images, y: npy('|u1', [3], bytes(1, 2, 3)) },
      ': y: there must be a label for each of 2 images: [3]',
    );
    await wrong(
      { x: images, y: npy('|u1', [2, 2], bytes(1, 0, 1, 1)) },
      ': y: row 2 is no label: a single 1 among zeros is expected',
    );
    await wrong(
      Object.fromEntries(
        ['a', 'b', 'c', 'd'].flatMap((name) => [
          [name, images],
          [`${name}l`, labels],
        ]),
      ),
      `: which arrays are to train with is not clear: it holds ${['a', 'b', 'c', 'd'].map((name) => `${name} [2, 1, 2], ${name}l [2]`).join(', ')}${usage}`,
    );
    const halves = new Uint8Array(new Float32Array([1, 0.5]).buffer);
    await wrong({ x: images, y: npy('<f4', [2], halves) }, ': y: label 2 is not a whole number');
    const large = new Uint8Array(new Int16Array([1, 2, 300, 4]).buffer);
    await wrong(
      { x: npy('<i2', [2, 1, 2], large), y: labels },
      ': x, image 2: pixels are whole numbers from 1 to 300, which is no usual scale\n' +
        '  the option pixelRange tells which numbers are black and white, such as { pixelRange: [1, 300] }.',
    );
    await fails(
      { 'x.npz': 'text' },
      'x.npz',
      DataError,
      '@/x.npz: not a sound zip archive: End of central directory record signature not found. Either not a zip file, or file is truncated.',
    );
  });

  test('an archive that would unpack to gigabytes is refused', async () => {
    const zip = Buffer.from(archive({ x: images, y: labels }));
    const directory = zip.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    zip.writeUInt32LE(0xf0000000, directory + 24);
    await fails(
      { 'x.npz': zip },
      'x.npz',
      DataError,
      '@/x.npz: too large: it unfolds to more than 2147483648 bytes in memory: it would take 4026531970\n' +
        '  Keep fewer images in it, or store their pixels as whole numbers from 0 to 255, in numpy as uint8.',
    );
  });
});

suite('own data: npy', (test) => {
  const view = (size: number, write: (data: DataView) => void) => {
    const data = new DataView(new ArrayBuffer(size));
    write(data);
    return new Uint8Array(data.buffer);
  };

  test('every type of number, both byte orders, every version', () => {
    const cases: readonly (readonly [string, Uint8Array, number])[] = [
      ['|b1', bytes(1), 1],
      ['|i1', bytes(0xfe), -2],
      ['<u2', bytes(1, 2), 513],
      ['>u2', bytes(1, 2), 258],
      ['<i2', bytes(0xfe, 0xff), -2],
      ['>u4', bytes(0, 0, 1, 2), 258],
      ['<i4', bytes(0xfe, 0xff, 0xff, 0xff), -2],
      ['>i8', view(8, (data) => data.setBigInt64(0, -3n)), -3],
      ['<u8', bytes(7, 0, 0, 0, 0, 0, 0, 0), 7],
      ['>f4', view(4, (data) => data.setFloat32(0, 0.25)), 0.25],
      ['<f8', view(8, (data) => data.setFloat64(0, 0.1, true)), 0.1],
    ];
    for (const [descr, data, value] of cases) {
      for (const version of [1, 2, 3]) {
        const decoded = decodeNpy(npy(descr, [1], data, { version }), 'x');
        assert.equal([[...decoded.shape], [...Array.from(decoded.data)]], [[1], [value]], descr);
      }
    }
    assert.equal([...decodeNpy(npy('|u1', [], bytes(3)), 'x').shape], []);
  });

  test('what cannot be read', () => {
    const wrong = (file: Uint8Array, message: string) =>
      throws(() => decodeNpy(file, 'x'), DataError, message);
    wrong(bytes(1, 2, 3), 'x: not a .npy file');
    wrong(new Uint8Array(100), 'x: not a .npy file');
    const hint = '\n  numpy.asarray(values, dtype="uint8") makes numbers of them, dtype=str text.';
    wrong(npy('|O', [1], bytes(1)), `x: its elements are neither numbers nor text${hint}`);
    wrong(npy('<c8', [1], new Uint8Array(8)), `x: its elements are neither numbers nor text${hint}`);
    wrong(npy('<U1', [1], bytes(65, 0, 0, 0)), 'x: its elements are text, not numbers');
    wrong(
      npy('<i2', [2, 3], bytes(1, 2)),
      'x: truncated or too long: [2, 3] takes 12 bytes, 2 follow its header',
    );
  });
});
