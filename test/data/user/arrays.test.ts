/** Arrays that people have: what is unambiguous is taken, and said. */
import { join } from 'node:path';
import { zipSync } from 'fflate';
import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/errors.js';
import { loadUserDataset } from '../../../src/data/user/loadUserDataset.js';
import { suite } from '../../support/suite.js';
import { inFolder } from '../support.js';
import { contentOf, fails, loadWithNotes, put } from './support.js';

/** A .npy file of bytes, or of anything else as little-endian bytes. */
function npy(descr: string, shape: readonly number[], data: Uint8Array, order = 'False'): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${sizes}), }`.padEnd(117);
  const header = Buffer.from(`\x93NUMPY\x01\x00v\x00${text}\n`, 'latin1');
  return Buffer.concat([header, data]);
}

suite('own data: arrays', (test) => {
  const images = (count: number, seed = 0) =>
    npy(
      '|u1',
      [count, 2, 2],
      Uint8Array.from({ length: 4 * count }, (_, i) => (i + seed) * 9),
    );
  const labels = (count: number) =>
    npy(
      '|u1',
      [count],
      Uint8Array.from({ length: count }, (_, i) => i % 2),
    );
  const archive = (arrays: Record<string, Uint8Array>) =>
    zipSync(Object.fromEntries(Object.entries(arrays).map(([name, data]) => [`${name}.npy`, data])));
  const load = async (arrays: Record<string, Uint8Array>) =>
    loadWithNotes({ 'x.npz': archive(arrays) }, 'x.npz', { testShare: 0.5 });

  test('by the names that people give them', async () => {
    for (const [x, y] of [
      ['X', 'y'],
      ['X_train', 'y_train'],
      ['trainImages', 'trainLabels'],
      ['xtrain', 'ytrain'],
      ['pictures', 'tags'],
    ] as const) {
      const { train, test: held } = await load({
        [x]: images(4),
        [y]: labels(4),
        x_test: images(2),
        y_test: labels(2),
      });
      assert.equal([train.count, held.count], [4, 2], x);
    }
    const { validation } = await load({
      x_train: images(4),
      y_train: labels(4),
      x_val: images(2),
      y_val: labels(2),
    });
    assert.is(validation?.count, 2);
  });

  test('without names: by their form and order', async () => {
    const four = await load({ arr_0: images(4), arr_1: labels(4), arr_2: images(2, 3), arr_3: labels(2) });
    assert.equal([four.train.count, four.test.count], [4, 2]);
    assert.equal(four.notes, [
      '@/x.npz: taken for images and labels: train: arr_0 and arr_1; test: arr_2 and arr_3',
    ]);
    const more = await load({ x: images(4), y: labels(4), mean: npy('|u1', [3], new Uint8Array(3)) });
    assert.equal(more.notes, ['@/x.npz: not used: mean [3]']);
  });

  test('channels first, column by column, float16, booleans, text, rows with a single 1', async () => {
    const first = await load({
      x: npy(
        '|u1',
        [4, 3, 1, 2],
        Uint8Array.from({ length: 24 }, (_, i) => 10 * i),
      ),
      y: labels(4),
    });
    assert.equal(first.train.shape, [1, 2, 3]);
    const image =
      contentOf(first.train).find((one) => one[1] === 0) ?? contentOf(first.test).find((one) => one[1] === 0);
    assert.equal(image?.slice(1), [0, 20, 40, 10, 30, 50]);
    const columns = npy('|u1', [4, 1, 2], Uint8Array.of(0, 1, 2, 3, 200, 201, 202, 203), 'True');
    const mirrored = await load({ x: columns, y: labels(4) });
    assert.ok(
      [...contentOf(mirrored.train), ...contentOf(mirrored.test)].some(
        (one) => one[1] === 3 && one[2] === 203,
      ),
    );
    // 1, 0.5, 0, −2⁻²⁴ as float16
    const half = npy('<f2', [4, 1, 1], Uint8Array.of(0, 0x3c, 0, 0x38, 0, 0, 1, 0x80));
    const halves = await load({ x: half, y: labels(4) });
    assert.equal(
      [...halves.train.images, ...halves.test.images].sort((a, b) => a - b),
      [0, 0, 128, 255],
    );
    const logical = await load({ x: npy('|b1', [4, 1, 1], Uint8Array.of(1, 0, 1, 0)), y: labels(4) });
    assert.is(Math.max(...logical.train.images), 255);
    const words = Buffer.alloc(32);
    for (const [i, word] of ['up', 'é', 'up', 'é'].entries()) {
      for (const [at, letter] of [...word].entries())
        words.writeUInt32LE(letter.codePointAt(0)!, 8 * i + 4 * at);
    }
    assert.equal((await load({ x: images(4), y: npy('<U2', [4], words) })).train.classes, ['up', 'é']);
    const rows = npy('|u1', [4, 2], Uint8Array.of(1, 0, 0, 1, 1, 0, 0, 1));
    assert.equal((await load({ x: images(4), y: rows })).train.classes, ['0', '1']);
  });

  test('images and labels in two files', async () => {
    const files = {
      'd/x_train.npy': images(4),
      'd/y_train.npy': labels(4),
      'd/x_test.npy': images(2),
      'd/y_test.npy': labels(2),
    };
    const folder = await loadWithNotes(files, 'd');
    assert.equal([folder.train.count, folder.test.count], [4, 2]);
    const alone = await loadWithNotes(files, 'd/x_train.npy', { testShare: 0.5 });
    assert.equal([alone.train.count, alone.test.count], [2, 2]);
    const archives = {
      'images.npz': archive({ arr_0: images(4) }),
      'labels.npz': archive({ arr_0: labels(4) }),
    };
    assert.is((await loadWithNotes(archives, 'images.npz', { testShare: 0.5 })).train.count, 2);
  });

  test('any flipped bit of an archive is an error, or changes nothing that is read', async () => {
    const sound = Buffer.from(archive({ x_train: images(6), y_train: labels(6) }));
    const expected = (await loadWithNotes({ 'x.npz': sound }, 'x.npz', { testShare: 0.5 })).train;
    await inFolder(async (folder) => {
      const path = join(folder, 'x.npz');
      let refused = 0;
      for (let bit = 0; bit < 8 * sound.length; bit += 5) {
        const damaged = Buffer.from(sound);
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        put(folder, { 'x.npz': damaged });
        try {
          const { train } = await loadUserDataset(path, { testShare: 0.5, onNote: () => {} });
          assert.equal([train.images, train.labels], [expected.images, expected.labels], `bit ${bit}`);
        } catch (error) {
          assert.instance(error, DataError);
          refused++;
        }
      }
      assert.ok(refused > (8 * sound.length) / 5 / 2);
    });
  });

  test('channels that are neither gray nor colors, and parts that are missing', async () => {
    const bytes = (...shape: number[]) => npy('|u1', shape, new Uint8Array(shape.reduce((a, b) => a * b)));
    const refused = (arrays: Record<string, Uint8Array>, message: string) =>
      fails({ 'x.npz': archive(arrays) }, 'x.npz', DataError, message);
    await refused(
      { x: bytes(4, 8, 8, 4), y: labels(4) },
      '@/x.npz: x: images have 1 or 3 channels, these have 4: [4, 8, 8, 4]\n  x[..., :3] leaves out their transparency.',
    );
    await refused(
      { x: bytes(4, 8, 8, 2), y: labels(4) },
      '@/x.npz: x: images have 1 or 3 channels, these have 2: [4, 8, 8, 2]\n  x[..., :1] leaves out their transparency.',
    );
    await refused(
      { x: bytes(4, 4, 8, 8), y: labels(4) },
      '@/x.npz: x: images have 1 or 3 channels, these have 4: [4, 4, 8, 8]\n  x[:, :3] leaves out their transparency.',
    );
    await refused(
      { x: bytes(4, 8, 8, 13), y: labels(4) },
      '@/x.npz: x: images have 1 or 3 channels, these have 13: [4, 8, 8, 13]',
    );
    await refused(
      { x_test: images(4), y_test: labels(4) },
      '@/x.npz: there are no images to train with, only to test with\n  `quern evaluate` measures a model on them; arrays x_train and y_train, or a folder train, hold those to train with.',
    );
  });
});
