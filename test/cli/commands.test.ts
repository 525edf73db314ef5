import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import * as assert from 'uvu/assert';
import type { Summary } from '../../src/nn/summary.js';
import { suite } from '../support/suite.js';
import { fixture } from '../training/support.js';
import { inProject, onReference, quern, trainedOnce } from './support.js';

const root = join(import.meta.dirname, '../../..');

const withTrained = trainedOnce(['./tiny.mjs', '--epochs', '4', '--out', 'run', '--quiet', ...onReference]);

/** Runs in a folder with a trained model in `run`. */
const withModel = (run: (cwd: string, model: string) => Promise<void>) =>
  withTrained((cwd) => run(cwd, join('run', 'model.safetensors')));

/** Picture number `index` of the fixture's test set. */
function picture(index: number, change: (pixel: number) => number = (pixel) => pixel): Uint8Array {
  const data = fixture.test.images.subarray(index * 784, (index + 1) * 784).map(change);
  return encode({ width: 28, height: 28, data, channels: 1, depth: 8 });
}

suite('quern evaluate', (test) => {
  test('for people, on another dataset too', () =>
    withModel(async (cwd, model) => {
      const { code, stdout, stderr } = await quern(['evaluate', model, '--limit', '50', ...onReference], {
        cwd,
      });
      assert.is(code, 0, stderr);
      assert.match(
        stdout,
        /^fixture test: \d+ of 50 right, [\d.]+% \(95% interval [\d.]+% to [\d.]+%\), loss [\d.]+\nbackend reference, threads 1, .*float64.*\n$/,
      );
      const other = ['evaluate', model, '--dataset', 'mnist', '--limit', '20', '--json', ...onReference];
      const result = JSON.parse((await quern(other, { cwd })).stdout);
      assert.is(result.dataset, 'mnist');
      assert.is(result.count, 20);
    }));

  test('it and predict tell what really ran, and why that is less than was asked for', () =>
    withModel(async (cwd, model) => {
      writeFileSync(join(cwd, '0.png'), picture(0));
      const onGpu = ['--backend', 'gpu', '--gpu-mode', 'cpu'];
      const warning = /^quern: backend gpu: gpu\.js's mode cpu runs on the CPU: .*$/m;
      for (const words of [
        ['evaluate', model, '--limit', '5'],
        ['predict', model, '0.png'],
      ]) {
        const text = await quern([...words, ...onGpu], { cwd });
        assert.is(text.code, 0, text.stderr);
        assert.match(text.stderr, warning);
        assert.match(
          text.stdout,
          /\nbackend gpu, threads 1, .*, mode cpu.* \(gpu\.js's mode cpu runs on .*\)\n$/,
        );
        const result = JSON.parse((await quern([...words, ...onGpu, '--json'], { cwd })).stdout);
        assert.is(result.backend, 'gpu');
        assert.is(result.threads, 1);
        assert.is(result.mode, 'cpu');
        assert.match(result.numerics, /./);
        assert.match(result.fallback, /^gpu\.js's mode cpu runs on the CPU: /);
      }
    }));

  test('a run folder stands for the model in it', () =>
    withModel(async (cwd, model) => {
      const words = ['--limit', '20', ...onReference];
      const [ofFolder, ofFile] = [
        await quern(['evaluate', 'run', ...words], { cwd }),
        await quern(['evaluate', model, ...words], { cwd }),
      ];
      assert.is(ofFolder.code, 0, ofFolder.stderr);
      assert.is(ofFolder.stdout, ofFile.stdout);
    }));

  test('says when other arithmetic measures than has trained', () =>
    withModel(async (cwd, model) => {
      const { code, stderr } = await quern(['evaluate', model, '--backend', 'wasm'], { cwd });
      assert.is(code, 0, stderr);
      assert.match(stderr, /^quern: trained with .*, measured with wasm .*: results may differ a little\n$/);
    }));

  test('a damaged model', () =>
    withModel(async (cwd, model) => {
      const path = join(cwd, model);
      writeFileSync(path, readFileSync(path).subarray(0, -100));
      const { code, stdout, stderr } = await quern(['evaluate', model], { cwd });
      assert.match(
        stderr,
        /^quern: run\/model\.safetensors: truncated: tensor '.*' ends at byte \d+ of the data, which has \d+\n$/,
      );
      assert.is(code, 1);
      assert.is(stdout, '');
    }));
});

suite('quern predict', (test) => {
  test('ten probabilities for every picture', () =>
    withModel(async (cwd, model) => {
      for (const index of [0, 1]) writeFileSync(join(cwd, `${index}.png`), picture(index));
      const words = ['predict', model, '0.png', '1.png', ...onReference];
      const { code, stdout, stderr } = await quern([...words, '--json'], { cwd });
      assert.is(code, 0, stderr);
      assert.is(stderr, '');
      const { classes, predictions } = JSON.parse(stdout);
      assert.equal(classes, fixture.test.classes);
      predictions.forEach((prediction: Record<string, unknown>, i: number) => {
        assert.is(prediction.image, `${i}.png`);
        assert.is(prediction.inverted, false);
        const probabilities = prediction.probabilities as number[];
        assert.is(probabilities.length, 10);
        assert.ok(Math.abs(probabilities.reduce((sum, share) => sum + share) - 1) < 1e-5);
        const best = probabilities.indexOf(Math.max(...probabilities));
        assert.is(prediction.class, classes[best]);
      });

      const text = (await quern(words, { cwd })).stdout;
      assert.match(text, /^0\.png\n {2}vertical bar {5} +[\d.]+%/);
      assert.match(text, /\n\nbackend reference, threads 1, .*float64.*\n$/);
      assert.is(text.split('%').length, 21);
      assert.is(text.split('<').length, 3);
    }));

  test('warns of a picture that looks inverted', () =>
    withModel(async (cwd, model) => {
      writeFileSync(
        join(cwd, 'paper.png'),
        picture(0, (pixel) => 255 - pixel),
      );
      const { code, stdout, stderr } = await quern(['predict', model, 'paper.png', ...onReference], { cwd });
      assert.is(code, 0);
      assert.match(stderr, /^quern: paper\.png: dark on bright, it seems; .*invert the picture\n$/);
      assert.match(stdout, /^paper\.png\n/);
    }));

  test('what is no picture', () =>
    withModel(async (cwd, model) => {
      writeFileSync(join(cwd, '0.png'), picture(0));
      const noPicture = await quern(['predict', model, '0.png', 'tiny.mjs', ...onReference], { cwd });
      assert.is(
        noPicture.stderr,
        'quern: tiny.mjs: this is no kind of file that images are read from\n' +
          '  PNG, JPEG, WebP and BMP pictures are read, folders of them, CSV, npz, npy and idx files.\n',
      );
      assert.is(noPicture.code, 1);
      assert.is(noPicture.stdout, '');
      const nothing = await quern(['predict', model, 'gone.png', ...onReference], { cwd });
      assert.match(nothing.stderr, /^quern: gone\.png: cannot be read: /);
      assert.is(nothing.code, 1);
    }));
});

suite('quern summary', (test) => {
  test('as a table and as JSON, of recipes and files', () =>
    inProject(async (cwd) => {
      const table = await quern(['summary', 'mnist-mlp']);
      assert.match(table.stdout, /^A perceptron with two hidden layers on MNIST\n\nlayer {5}kind/);
      assert.match(table.stdout, /\ntotal +118,282 +118,016\n$/);
      const summary = JSON.parse(
        (await quern(['summary', './tiny.mjs', '--json'], { cwd })).stdout,
      ) as Summary;
      assert.is(summary.parameters, 784 * 12 + 12 + 120 + 10);
      assert.equal(
        summary.layers.map(({ kind }) => kind),
        ['flatten', 'dense', 'relu', 'dense'],
      );
    }));
});

suite('quern datasets', (test) => {
  test('list: license, citation and place', () =>
    inProject(async (cwd) => {
      const environment = { QUERN_CACHE: join(cwd, 'cache') };
      const { code, stdout } = await quern(['datasets', 'list'], { cwd, environment });
      assert.is(code, 0);
      assert.match(
        stdout,
        /^mnist\n {2}MNIST: .*\n {2}60,000 \+ 10,000 images 28x28x1, 10 classes\n {2}license: CC .*\n {2}citation: Y\. LeCun/,
      );
      assert.match(stdout, /\nfashion-mnist\n(.*\n){4} {2}download: 30\.9 MB\n {2}not on this machine\n\n/);
      assert.match(stdout, /\nemnist-letters\n(.*\n){4} {2}download: 561\.8 MB, once for all of EMNIST\n/);
      assert.match(stdout, /\nqmnist\n(.*\n){4} {2}download: size not known\n/);
      assert.match(stdout, /\nfixture\n(.*\n){4} {2}comes with Quern\n/);
      const { datasets } = JSON.parse(
        (await quern(['datasets', 'list', '--json'], { cwd, environment })).stdout,
      );
      for (const { name, license, citation } of datasets) assert.ok(name && license && citation);
      const sources = new Map(datasets.map(({ name, source }: Record<string, string>) => [name, source]));
      assert.is(sources.get('fixture'), 'package');
      assert.is(sources.get('fashion-mnist'), 'absent');
    }));

  test('get and verify: several at a time', async () => {
    const got = await quern(['datasets', 'get', 'fixture', '--offline']);
    assert.is(got.code, 0);
    assert.is(got.stdout.match(/\(was there\)\n/g)!.length, 4);
    const asJson = await quern(['datasets', 'get', 'fixture', '--offline', '--json']);
    const { files } = JSON.parse(asJson.stdout);
    assert.equal(
      files.map(({ downloaded }: { downloaded: boolean }) => downloaded),
      [false, false, false, false],
    );
    const verified = await quern(['datasets', 'verify', 'fixture', 'mnist']);
    assert.is(verified.code, 0);
    assert.is(verified.stdout.match(/^good .* sha256 [0-9a-f]{64}$/gm)!.length, 8);
  });

  test('what may not be downloaded', () =>
    inProject(async (cwd) => {
      const environment = { QUERN_CACHE: join(cwd, 'cache') };
      const { code, stderr } = await quern(['datasets', 'get', 'fashion-mnist', '--offline'], {
        environment,
      });
      assert.match(
        stderr,
        /^quern: fashion-mnist: not found in .*, and downloading is off\n {2}Run `quern datasets get/,
      );
      assert.is(code, 1);
      const absent = await quern(['datasets', 'verify', 'fashion-mnist'], { environment });
      assert.match(
        absent.stderr,
        /^quern: fashion-mnist: not on this machine, so there is nothing to verify\n/,
      );
      assert.is(absent.code, 1);
    }));

  test('verify: a damaged file', () =>
    inProject(async (cwd) => {
      const source = join(root, 'data/fixture');
      const folder = join(cwd, 'data/fixture');
      mkdirSync(folder, { recursive: true });
      for (const file of readdirSync(source)) copyFileSync(join(source, file), join(folder, file));
      const damaged = join(folder, 't10k-labels-idx1-ubyte.gz');
      const bytes = readFileSync(damaged);
      bytes[bytes.length - 6]! ^= 1;
      writeFileSync(damaged, bytes);
      const { code, stdout, stderr } = await quern(['datasets', 'verify', 'fixture', '--data-dir', 'data'], {
        cwd,
      });
      assert.is(code, 1);
      assert.is(stdout.match(/^good /gm)!.length, 3);
      assert.match(stdout, /^BAD {2}data\/fixture\/t10k-labels-idx1-ubyte\.gz /m);
      assert.match(
        stderr,
        /^quern: data\/fixture\/t10k-labels-idx1-ubyte\.gz: not as published: expected sha256 .*, found /,
      );
      const train = ['train', './tiny.mjs', '--data-dir', 'data', '--quiet', ...onReference];
      const refused = await quern(train, { cwd });
      assert.match(refused.stderr, /^quern: .*t10k-labels-idx1-ubyte\.gz/);
      assert.is(refused.code, 1);
    }));
});
