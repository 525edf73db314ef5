import { statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { verifyDataset } from '../../src/data/catalog/catalog.js';
import { loadDataset } from '../../src/data/catalog/datasets.js';
import { bundledDirectory, findEntry, readManifest } from '../../src/data/catalog/manifest.js';
import { readIdx } from '../../src/data/idx.js';
import { suite } from '../support/suite.js';
import { inFolder } from './support.js';

const manifest = readManifest();
const entry = findEntry(manifest, 'fixture');

suite('fixture', (test) => {
  test('it loads offline from Quern itself, whatever the cache', () =>
    inFolder(async (cacheDirectory) => {
      const { train, test: held } = await loadDataset('fixture', { cacheDirectory, offline: true });
      assert.equal([train.count, held.count], [256, 64]);
      assert.equal(train.shape, [28, 28, 1]);
      assert.is(train.classes.length, 10);
      assert.equal([...train.labels.subarray(0, 12)], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    }));

  test('each file is what the manifest says, as published', async () => {
    for (const { ok, expected, found } of await verifyDataset('fixture')) {
      assert.ok(ok);
      assert.is(expected, found);
    }
  });

  test('it is small', () => {
    const folder = bundledDirectory(manifest, entry) ?? '';
    const { train, test: held } = entry.splits;
    const sizes = [train, held].flatMap(({ images, labels }) =>
      [images, labels].map(({ name, gzipBytes }) => {
        const { size } = statSync(join(folder, name));
        assert.is(size, gzipBytes);
        return size;
      }),
    );
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 100_000);
  });

  test('its script makes the same bytes', async () => {
    const script = pathToFileURL(join(manifest.root, 'fixture', 'make.js')).href;
    const { makeFixture, classes } = (await import(script)) as {
      makeFixture(): Record<string, Uint8Array>;
      classes: string[];
    };
    assert.equal(classes, entry.classes);
    const made = Object.entries(makeFixture());
    assert.is(made.length, 4);
    for (const [name, bytes] of made) {
      const { raw } = await readIdx(join(manifest.root, 'fixture', `${name}.gz`));
      assert.ok(Buffer.from(raw).equals(bytes), name);
    }
  });

  test('a linear classifier learns it', async () => {
    const { train, test: held } = await loadDataset('fixture');
    const weights = new Float64Array(10 * 785);
    const scores = (images: Uint8Array, image: number) =>
      Array.from({ length: 10 }, (_, k) => {
        let sum = weights[k * 785 + 784]!;
        for (let i = 0; i < 784; i++) sum += (weights[k * 785 + i]! * images[image * 784 + i]!) / 255;
        return sum;
      });
    const best = (values: number[]) => values.indexOf(Math.max(...values));
    // The multiclass perceptron: towards the right class, away from the one that was taken for it.
    for (let epoch = 0; epoch < 10; epoch++) {
      for (let image = 0; image < train.count; image++) {
        const label = train.labels[image]!;
        const guess = best(scores(train.images, image));
        if (guess === label) continue;
        for (const [k, sign] of [
          [label, 1],
          [guess, -1],
        ] as const) {
          weights[k * 785 + 784]! += sign;
          for (let i = 0; i < 784; i++)
            weights[k * 785 + i]! += (sign * train.images[image * 784 + i]!) / 255;
        }
      }
    }
    let right = 0;
    for (let image = 0; image < held.count; image++) {
      if (best(scores(held.images, image)) === held.labels[image]) right++;
    }
    assert.ok(right >= 0.75 * held.count, `${right} of ${held.count}; guessing gives 6`);
  });
});
