import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { decodeSafetensors, encodeSafetensors } from '../../src/training/files/safetensors.js';
import { type Files, png, put } from '../data/user/support.js';
import { suite } from '../support/suite.js';
import { inProject, onReference, quern, recipeText } from './support.js';

/** A color picture of its own size: what is red, green or blue in it tells its class, the number its brightness. */
function colorPicture(channel: number, number: number): Uint8Array {
  const [width, height] = [6 + (number % 3), 7 + (number % 2)];
  const pixels = Array.from({ length: width * height * 3 }, (_, i) =>
    i % 3 === channel ? 220 + number : 90 + 4 * number,
  );
  return png(width, height, pixels, 3);
}

const colors = ['blue', 'green', 'red'];
const photos: Files = Object.fromEntries(
  colors.flatMap((name, i) =>
    Array.from({ length: 10 }, (_, number) => [`photos/${name}/${number}.png`, colorPicture(2 - i, number)]),
  ),
);

/** A label and 16 pixels a line: bright above, or bright below. */
const rows = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const above = i % 2 === 0;
    const pixels = Array.from({ length: 16 }, (_, at) => (at < 8 === above ? 255 - i : i));
    return `${above ? 'above' : 'below'},${pixels.join(',')}`;
  }).join('\n');

/**
 * Made by numpy 2: savez_compressed(x_train=x[:8], y_train=y[:8], x_test=x[8:], y_test=y[8:]) of twelve images 2 x 2 of
 * uint8, x[i] = 20 * i in the first row for odd i, in the second for even i, and y[i] = i % 2.
 */
const npz = Buffer.from(
  'UEsDBC0AAAAIAAAAIQAMbWLN//////////8LABQAeF90cmFpbi5ucHkBABAAoAAAAAAAAABfAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loF5Taqiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GhY6CkZApKmjUKtAHuBiAAIRERCpoWFjA6IDAlJSQHRFRU8PAwMAUEsDBC0AAAAIAAAAIQASFo5o//////////8LABQAeV90cmFpbi5ucHkBABAAwAAAAAAAAABMAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GhY6mjoKtQoUAC4GKGBkQAXE8gFQSwMELQAAAAgAAAAhAMLe+WH//////////woAFAB4X3Rlc3QubnB5AQAQAJAAAAAAAAAAVwAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBeU2qorqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RomOgpGQKSpo1CrQB7gYmBYsGDLFgYgOHHizh0GBgBQSwMELQAAAAgAAAAhAN3hXxT//////////woAFAB5X3Rlc3QubnB5AQAQAKAAAAAAAAAATAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RomOpo6CrUKFAAuBihgZEAFMD4AUEsBAi0DLQAAAAgAAAAhAAxtYs1fAAAAoAAAAAsAAAAAAAAAAAAAAIABAAAAAHhfdHJhaW4ubnB5UEsBAi0DLQAAAAgAAAAhABIWjmhMAAAAwAAAAAsAAAAAAAAAAAAAAIABnAAAAHlfdHJhaW4ubnB5UEsBAi0DLQAAAAgAAAAhAMLe+WFXAAAAkAAAAAoAAAAAAAAAAAAAAIABJQEAAHhfdGVzdC5ucHlQSwECLQMtAAAACAAAACEA3eFfFEwAAACgAAAACgAAAAAAAAAAAAAAgAG4AQAAeV90ZXN0Lm5weVBLBQYAAAAABAAEAOIAAABAAgAAAAA=',
  'base64',
);

const recipe = recipeText(
  'target: 0.99, reference: { accuracy: 0.9, source: "a paper" }, epochs: 12, batchSize: 8,\n' +
    'layer: ({ classes }) => sequential([flatten(), dense(12), relu(), dense(classes)]),',
);

/** Runs in a folder with a recipe for any classes in own.mjs, and files. */
const withFiles = (files: Files, run: (cwd: string) => Promise<void>) =>
  inProject(async (cwd) => {
    writeFileSync(join(cwd, 'own.mjs'), recipe);
    put(cwd, files);
    await run(cwd);
  });

async function done(cwd: string, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await quern([...words, ...onReference], { cwd });
  assert.is(code, 0, stderr);
  return stdout;
}

const train = (cwd: string, ...words: string[]) =>
  done(cwd, 'train', './own.mjs', '--out', 'run', '--quiet', ...words);

const jsonOf = (cwd: string, file: string) => JSON.parse(readFileSync(join(cwd, file), 'utf8'));

suite('data of one’s own', (test) => {
  test('a folder of color pictures: trained, measured, shown and told apart, with its own classes', () =>
    withFiles(photos, async (cwd) => {
      const result = JSON.parse(await train(cwd, '--data', 'photos', '--image-shape', '6x7x3', '--json'));
      assert.is(result.dataset, 'photos');
      // 6 * 7 * 3 pixels to 12 units to 3 classes
      assert.is(result.parameters, 126 * 12 + 12 + 12 * 3 + 3);
      // neither the promise of the recipe nor the published number is about these images
      assert.equal([result.target, result.targetMet, result.reference], [null, null, null]);
      assert.is(result.testAccuracy, 1);

      const config = jsonOf(cwd, 'run/config.json');
      assert.is(config.arguments.data, join(cwd, 'photos'));
      assert.is(config.data.train.count, 24);
      assert.equal(config.data.test.shape, [6, 7, 3]);
      const { metadata } = decodeSafetensors(readFileSync(join(cwd, 'run/model.safetensors')), 'model');
      assert.equal(JSON.parse(metadata.get('classes')!), colors);

      const evaluated = await done(cwd, 'evaluate', 'run');
      assert.match(evaluated, /^photos test: 6 of 6 right, 100\.00% /);
      assert.is(await done(cwd, 'evaluate', 'run', '--data', 'photos'), evaluated);
      assert.match(await done(cwd, 'evaluate', 'run', '--split', 'train'), /^photos train: \d+ of 24 right/);

      writeFileSync(
        join(cwd, 'large.png'),
        png(
          40,
          30,
          Array.from({ length: 3600 }, (_, i) => (i % 3 === 0 ? 225 : 110)),
          3,
        ),
      );
      const told = JSON.parse(await done(cwd, 'predict', 'run', 'large.png', 'photos/blue/3.png', '--json'));
      assert.equal(told.classes, colors);
      assert.equal(
        told.predictions.map((one: { class: string }) => one.class),
        ['red', 'blue'],
      );
      // bright pictures are what it was trained on
      assert.not(told.predictions[0].inverted);

      const report = await done(cwd, 'report', 'run', '--terminal');
      assert.match(report, /\n100\.00% of 6 right/);
      assert.match(report, /no published accuracies are known for photos\.\n$/);
    }));

  test('gray and as large as the images of the recipe, unless another form is asked for', () =>
    withFiles({ 'halves.csv': rows(20) }, async (cwd) => {
      const result = JSON.parse(await train(cwd, '--data', 'halves.csv', '--json'));
      assert.is(result.dataset, 'halves');
      assert.is(result.parameters, 784 * 12 + 12 + 12 * 2 + 2);
      assert.equal(jsonOf(cwd, 'run/config.json').data.train.shape, [28, 28, 1]);
      assert.match(await done(cwd, 'evaluate', 'run'), /^halves test: 4 of 4 right/);
    }));

  test('an npz file with a part to test with', () =>
    withFiles({ 'rows.npz': npz }, async (cwd) => {
      const result = JSON.parse(await train(cwd, '--data', 'rows.npz', '--image-shape', '2x2x1', '--json'));
      assert.is(result.parameters, 4 * 12 + 12 + 12 * 2 + 2);
      assert.is(jsonOf(cwd, 'run/config.json').data.train.count, 8);
      assert.match(await done(cwd, 'evaluate', 'run'), /^rows test: 4 of 4 right/);
    }));

  test('find-rate', () =>
    withFiles({ 'halves.csv': rows(20) }, async (cwd) => {
      const words = ['--data', 'halves.csv', '--image-shape', '4x4x1', '--steps', '20', '--json', '--quiet'];
      const found = JSON.parse(await done(cwd, 'find-rate', './own.mjs', ...words));
      assert.is(found.dataset, 'halves');
      assert.ok(found.points.length > 2);
    }));

  test('what was loaded is said', () =>
    withFiles({ 'halves.csv': rows(20) }, async (cwd) => {
      const words = ['train', './own.mjs', '--data', 'halves.csv', '--out', 'run', '--epochs', '1'];
      const { stderr } = await quern([...words, ...onReference], { cwd });
      assert.match(
        stderr,
        /^halves: 16 images to train with and 4 to test with, 28 x 28 x 1, of 2 classes\n/,
      );
    }));

  test('a name that a dataset of Quern has is not taken for it', () =>
    withFiles({ 'mnist.csv': rows(20) }, async (cwd) => {
      await train(cwd, '--data', 'mnist.csv');
      assert.match(await done(cwd, 'evaluate', 'run'), /^own-mnist test: 4 of 4 right/);
    }));

  test('labels go by their names, whatever order they come in', () =>
    withFiles({ 'halves.csv': rows(20) }, async (cwd) => {
      await train(cwd, '--data', 'halves.csv');
      // the classes of a model need not be in the order of their letters: those of Fashion-MNIST are not
      const path = join(cwd, 'run/model.safetensors');
      const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
      const others = new Map([...metadata].filter(([name]) => name !== 'sha256'));
      writeFileSync(
        path,
        encodeSafetensors({ tensors, metadata: others.set('classes', '["below","above"]') }),
      );
      assert.match(await done(cwd, 'evaluate', 'run'), /^halves test: 0 of 4 right/);
    }));

  test('resume: with the same images, wherever they are now', () =>
    withFiles({ 'halves.csv': rows(20) }, async (cwd) => {
      const whole = JSON.parse(await train(cwd, '--data', 'halves.csv', '--json'));
      const words = ['--data', 'halves.csv', '--force', '--time-limit', '0.000001', '--json'];
      assert.is(JSON.parse(await train(cwd, ...words)).ended, 'time limit');
      const resume = (...more: string[]) =>
        quern(['train', '--resume', 'run', '--quiet', '--json', ...more], { cwd });

      renameSync(join(cwd, 'halves.csv'), join(cwd, 'moved.csv'));
      const gone = await resume();
      assert.is(gone.code, 1);
      assert.match(gone.stderr, /^quern: .*halves\.csv: cannot be read: /);

      writeFileSync(join(cwd, 'halves.csv'), rows(22));
      const other = await resume();
      assert.is(other.code, 1);
      assert.match(other.stderr, /^quern: run: it was begun with other train images: their SHA-256 was /);
      rmSync(join(cwd, 'halves.csv'));

      mkdirSync(join(cwd, 'elsewhere'));
      renameSync(join(cwd, 'moved.csv'), join(cwd, 'elsewhere', 'halves.csv'));
      const { code, stdout, stderr } = await resume('--data', 'elsewhere/halves.csv');
      assert.is(code, 0, stderr);
      assert.is(JSON.parse(stdout).weightsSha256, whole.weightsSha256);
    }));
});

suite('data of one’s own that will not do', (test) => {
  const refuse = (what: string, files: Files, words: readonly string[], expected: RegExp, exit: number) =>
    test(what, () =>
      withFiles(files, async (cwd) => {
        const { code, stdout, stderr } = await quern(['train', './own.mjs', ...words, ...onReference], {
          cwd,
        });
        assert.match(stderr, expected);
        assert.is(code, exit);
        assert.is(stdout, '');
      }),
    );
  const picture = colorPicture(0, 1);
  refuse('an absent folder', {}, ['--data', 'gone'], /^quern: gone: cannot be read: /, 1);
  const broken = (count: number): Files =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`photos/red/${i + 10}.png`, 'text']));
  const flaw = 'not a picture: PNG, JPEG, WebP and BMP are read';
  refuse(
    'bad pictures, a line each, whatever their names are',
    { 'photos/red/a\nquern: b.png': 'text', 'photos/red/c.png': 'text', 'photos/blue/1.png': picture },
    ['--data', 'photos'],
    new RegExp(
      `^quern: photos: 2 cannot be read:\n {2}photos/red/a\\\\u000aquern: b\\.png: ${flaw}\n {2}photos/red/c\\.png: ${flaw}\n {2}--skip-bad leaves them out\\.\n$`,
    ),
    1,
  );
  refuse(
    'many bad pictures, of which some are named',
    { ...broken(23), 'photos/blue/1.png': picture },
    ['--data', 'photos'],
    new RegExp(
      `^quern: photos: 23 cannot be read:\n( {2}photos/red/\\d+\\.png: ${flaw}\n){20} {2}and 3 more\n {2}--skip-bad leaves them out\\.\n$`,
    ),
    1,
  );
  refuse(
    'one class',
    { 'photos/red/1.png': picture, 'photos/red/2.png': picture },
    ['--data', 'photos'],
    /^quern: photos: there must be 2 to 256 classes: 2 images to train on have 1\n/,
    1,
  );
  refuse(
    'no images',
    { 'photos/notes.txt': '' },
    ['--data', 'photos'],
    /^quern: photos: there are no images in this folder\n {2}It may be a folder with /,
    1,
  );
  refuse(
    'a form without data',
    {},
    ['--image-shape', '8x8x1'],
    /^quern: --image-shape tells the form of data of your own: it goes with --data\n$/,
    2,
  );
  refuse(
    'a form that is none',
    photos,
    ['--data', 'photos', '--image-shape', '8x8'],
    /^quern: --image-shape must be height, width and channels \(1 or 3\), such as 32x32x3: 8x8\n$/,
    2,
  );

  test('a form on resume: it is the one that the run was begun with', async () => {
    const { code, stderr } = await quern(['train', '--resume', 'run', '--image-shape', '8x8x1']);
    assert.is(code, 2);
    assert.match(
      stderr,
      /^quern: --resume goes on as the run was begun: --image-shape cannot be given with it\n {2}For other options /,
    );
  });

  test('a recipe whose last layer is made for other classes', () =>
    withFiles({ 'halves.csv': rows(20) }, async (cwd) => {
      const words = ['train', './tiny.mjs', '--data', 'halves.csv', ...onReference];
      const { code, stderr } = await quern(words, { cwd });
      assert.is(code, 1);
      assert.match(
        stderr,
        /quern: \.\/tiny\.mjs: the model gives \[10\] for an image, there are 2 classes\n {2}The last layer of a classifier is dense\(2\)\.\n$/,
      );
    }));

  test('what a model cannot be measured on', () =>
    withFiles(
      { 'halves.csv': rows(20), 'others.csv': rows(20).replaceAll('above', 'across') },
      async (cwd) => {
        await train(cwd, '--data', 'halves.csv', '--epochs', '1');
        const evaluate = async (words: string[], expected: RegExp) => {
          const { code, stderr } = await quern(['evaluate', ...words, ...onReference], { cwd });
          assert.match(stderr, expected);
          assert.is(code, 2);
        };
        await evaluate(
          ['run', '--data', 'others.csv'],
          /^quern: run\/model\.safetensors: the model does not know the class 'across' of others: it knows above, below\n$/,
        );
        await evaluate(
          ['run', '--data', 'others.csv', '--dataset', 'mnist'],
          /^quern: --dataset names a dataset that comes with Quern, --data one of your own: not both\n$/,
        );
        renameSync(join(cwd, 'run/model.safetensors'), join(cwd, 'alone.safetensors'));
        await evaluate(
          ['alone.safetensors'],
          /^quern: alone\.safetensors: it was trained on data of your own, halves: --data tells where that is\n$/,
        );
      },
    ));
});
