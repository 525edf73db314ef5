import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseSeeds } from '../../src/cli/commands/compare/arguments.js';
import { type Comparison, comparisonMarkdown, comparisonText } from '../../src/cli/commands/compare/text.js';
import { keepModel } from '../../src/cli/inputs/keptModel.js';
import { DataError } from '../../src/core/errors.js';
import { storeNames, type TrainingDescription, trainingId } from '../../src/queue/job.js';
import { openStore } from '../../src/queue/store.js';
import { compareRecipe } from '../../src/runs/comparison.js';
import { sharersOf } from '../../src/runs/lock.js';
import type { TrainingResult } from '../../src/runs/result.js';
import { rejects } from '../data/support.js';
import { suite } from '../support/suite.js';
import { inProject, quern, recipeText } from './support.js';

const result = (seed: number, testAccuracy: number | null): TrainingResult => ({
  recipe: 'mine',
  dataset: 'mnist',
  backend: 'wasm',
  threads: 2,
  numerics: 'wasm 2',
  seed,
  epochs: 3,
  steps: 30,
  batchSize: 10,
  parameters: 1234,
  multiplyAdds: 5678,
  trainAccuracy: 1,
  trainLoss: 0,
  testAccuracy,
  testLoss: 0.1,
  testInterval: null,
  reference: null,
  target: 0.98,
  targetMet: null,
  trainSeconds: 60 + seed,
  imagesPerSecond: 1000,
  weightsSha256: `${seed}`.repeat(64),
  model: `compare/mine/seed-${seed}/model.safetensors`,
  ended: 'finished',
  interrupted: false,
});

const trainings = { recipe: 'mine', title: 'Mine', dataset: 'mnist', target: 0.98, failures: [] };
const published = [99, 98, 97].map((testAccuracy) => ({
  dataset: 'mnist',
  model: `a model of ${testAccuracy}`,
  testAccuracy,
  source: 'a paper',
}));
const three = [0.979, 0.981, 0.98].map((accuracy, seed) => result(seed, accuracy));

suite('a comparison', (test) => {
  test('mean, spread, interval and verdicts', () => {
    const compared = compareRecipe({ ...trainings, results: three }, published, true);
    // t of 2 degrees 4.302653, deviation 0.001: half an interval is 0.002484
    assert.ok(Math.abs(compared.accuracy!.interval![1] - 0.982484) < 1e-6);
    assert.is(compared.targetMet, true);
    assert.equal(
      compared.references.map(({ testAccuracy, verdict }) => [testAccuracy, verdict]),
      [
        [99, 'below'],
        [98, 'matched'],
        [97, 'above'],
      ],
    );
    assert.is(compared.trainSeconds!.mean, 61);
    assert.is(
      compareRecipe({ ...trainings, target: 0.981, results: three }, published, true).targetMet,
      false,
    );
  });

  test('a single seed is judged by the interval of its test images', () => {
    const single = { ...result(0, 0.98), testInterval: [0.975, 0.991] as const };
    const { references, accuracy } = compareRecipe({ ...trainings, results: [single] }, published, true);
    assert.is(accuracy!.interval, null);
    assert.equal(
      references.map(({ verdict }) => verdict),
      ['matched', 'matched', 'above'],
    );
  });

  test('what is not judged: other settings, seeds that failed, nothing trained', () => {
    const tried = compareRecipe({ ...trainings, results: three }, published, false);
    assert.is(tried.targetMet, null);
    assert.equal(tried.references, []);
    const failures = [{ seed: 3, reason: 'no luck' }];
    assert.is(compareRecipe({ ...trainings, failures, results: three }, published, true).targetMet, null);
    const nothing = compareRecipe({ ...trainings, results: [result(0, null)] }, published, true);
    assert.equal([nothing.accuracy, nothing.parameters, nothing.targetMet], [null, null, null]);
  });

  test('as text and as Markdown', () => {
    const comparison: Comparison = {
      recipes: [compareRecipe({ ...trainings, results: three }, published, true)],
      seeds: [0, 1, 2],
      limit: null,
      epochs: null,
      versions: { quern: '1.2.3', node: '20.0.0', v8: '11' },
      machine: { system: 'linux 6', architecture: 'x64', processor: 'CPU', processors: 2 },
      written: '2025-01-31T12:00:00.000Z',
    };
    const text = comparisonText(comparison);
    assert.match(text, /\nmine +3 +98\.00% +0\.10 +97\.75 to 98\.25 +98\.00% reached +1,234 +5,678 +1:01\n/);
    assert.match(text, /\nmatched +98\.00% +a model of 98 +a paper +-\n/);
    const page = comparisonMarkdown(comparison);
    assert.match(page, /^# Recipes against published numbers\n/);
    assert.match(page, /\n\| below \| 99\.00% \| a model of 99 \| a paper \| - \|\n/);
    assert.match(page, /\nTest accuracy by seed: 0: 97\.90%, 1: 98\.10%, 2: 98\.00%\.\n/);
    assert.match(
      page,
      /\nSeeds 0, 1, 2\. Quern 1\.2\.3, Node\.js 20\.0\.0, CPU \(2 processors\), linux 6; wasm, .* 2025-01-31\.\n$/,
    );
  });

  test('seeds: how many, or which', () => {
    assert.equal(parseSeeds('3'), [0, 1, 2]);
    assert.equal(parseSeeds('1,7,42'), [1, 7, 42]);
    assert.equal(parseSeeds('7,'), [7]);
  });
});

suite('quern compare', (test) => {
  test('trains every recipe with every seed, keeps what is finished, judges targets', () =>
    inProject(async (cwd) => {
      writeFileSync(join(cwd, 'low.mjs'), recipeText("name: 'low', target: 0.01,"));
      writeFileSync(join(cwd, 'high.mjs'), recipeText("name: 'high', target: 0.999,"));
      const words = ['compare', './low.mjs', './high.mjs', '--seeds', '2', '--jobs', '2'];
      const first = await quern(words, { cwd });
      assert.is(first.code, 1, first.stderr);
      assert.is(first.stderr.match(/^(low|high), seed [01]: [\d.]+% in 0:\d\d$/gm)!.length, 4);
      assert.match(first.stdout, /\nlow +2 +.* 1\.00% reached /);
      assert.match(first.stdout, /\nhigh +2 +.* 99\.90% missed /);
      const page = readFileSync(join(cwd, 'compare/comparison.md'), 'utf8');
      assert.match(page, /\n## low\n\nTiny, on fixture\.\n/);

      const seed = (name: string) => join(cwd, 'compare', name);
      const kept = statSync(seed('low/seed-0/result.json')).mtimeMs;
      rmSync(seed('low/seed-1/result.json'));
      const again = await quern(['compare', './low.mjs', '--seeds', '0,1', '--json', '--quiet'], { cwd });
      assert.is(again.code, 0, again.stderr);
      assert.is(again.stderr, '');
      assert.is(statSync(seed('low/seed-0/result.json')).mtimeMs, kept);
      const { recipes } = JSON.parse(again.stdout) as Comparison;
      assert.is(recipes[0]!.seeds.length, 2);
      assert.equal(
        JSON.parse(readFileSync(join(cwd, 'compare/comparison.json'), 'utf8')),
        JSON.parse(again.stdout),
      );

      // nor does a queue elsewhere get it
      const elsewhere = ['--queue', 'redis://127.0.0.1:1'];
      const reused = await quern(['compare', './low.mjs', '--seeds', '0,', '--quiet', ...elsewhere], { cwd });
      assert.is(reused.code, 0, reused.stderr);

      writeFileSync(join(cwd, 'low.mjs'), recipeText("name: 'low', target: 0.01, batchSize: 32,"));
      for (const more of [[], elsewhere]) {
        const changed = await quern(['compare', './low.mjs', '--seeds', '2', '--quiet', ...more], { cwd });
        assert.is(changed.code, 2);
        assert.match(
          changed.stderr,
          /^quern: compare\/low\/seed-0: it was trained with other settings than the recipe has now: batchSize\n {2}--force/,
        );
      }
      const forced = await quern(['compare', './low.mjs', '--seeds', '1', '--force', '--quiet'], { cwd });
      assert.is(forced.code, 0, forced.stderr);
      assert.ok(statSync(seed('low/seed-0/result.json')).mtimeMs > kept);
    }));

  test('for trying out: apart from whole trainings, nothing judged; what fails is said', () =>
    inProject(async (cwd) => {
      writeFileSync(
        join(cwd, 'bad.mjs'),
        recipeText("name: 'bad', layer() { throw new Error('no layers'); },"),
      );
      const words = ['compare', './tiny.mjs', './bad.mjs', '--seeds', '1', '--limit', '50', '--epochs', '1'];
      const { code, stdout, stderr } = await quern(words, { cwd });
      assert.is(code, 1, stderr);
      assert.match(
        stderr,
        /\nbad, seed 0: failed: \.\/bad\.mjs: its model cannot be made: no layers \(bad\.mjs:\d+:\d+\)\n$/,
      );
      assert.match(stdout, /\n\nTried out with only the first 50 images and 1 epochs: neither targets nor /);
      assert.match(
        stdout,
        /\n\nbad, seed 0, failed: \.\/bad\.mjs: its model cannot be made: no layers \(bad\.mjs:\d+:\d+\)\n/,
      );
      assert.ok(statSync(join(cwd, 'compare/tiny-limit-50-epochs-1/seed-0/result.json')).size > 0);
    }));

  test('a model is taken from a run folder of the same weights alone, else from the store', () =>
    inProject(async (cwd) => {
      const folder = join(cwd, 'run');
      const words = [
        'train',
        './tiny.mjs',
        '--limit',
        '50',
        '--epochs',
        '1',
        '--out',
        'run',
        '--json',
        '--quiet',
      ];
      const { weightsSha256 } = JSON.parse((await quern(words, { cwd })).stdout) as TrainingResult;
      const store = await openStore(join(cwd, 'store'));
      const hash = 'ab'.repeat(32);
      const training: TrainingDescription = {
        ...{ recipe: { name: 'tiny' }, seed: 0, ownData: false, train: hash, test: hash },
        ...{ backend: 'wasm', numerics: 'wasm 5', quern: '0.1.0' },
      };
      const wanted = { training, label: 'tiny-seed-0', folder };
      assert.is(await keepModel(wanted, weightsSha256, store, cwd), join(folder, 'model.safetensors'));
      await rejects(
        keepModel(wanted, hash, store, cwd),
        DataError,
        /^tiny-seed-0: its model is not in the store: .*store$/,
      );
      await store.write(storeNames.model(trainingId(training)), new Uint8Array([1, 2, 3]));
      const fetched = await keepModel(wanted, hash, store, cwd);
      assert.is(fetched, join(cwd, 'models/tiny-seed-0.safetensors'));
      assert.equal([...readFileSync(fetched)], [1, 2, 3]);
    }));

  test('two recipes of one name would share their runs', () =>
    inProject(async (cwd) => {
      writeFileSync(join(cwd, 'other.mjs'), recipeText('batchSize: 32,'));
      const { code, stderr } = await quern(['compare', './tiny.mjs', './other.mjs', '--seeds', '1'], { cwd });
      assert.match(
        stderr,
        /^quern: compare: two recipes are called tiny: \.\/tiny\.mjs and \.\/other\.mjs\n/,
      );
      assert.is(code, 2);
      assert.not(existsSync(join(cwd, 'compare')));
    }));

  test('two at a time in one folder: what the other trains is waited for', () =>
    inProject(async (cwd) => {
      const words = ['compare', './tiny.mjs', '--seeds', '2', '--epochs', '60', '--threads', '1', '--json'];
      const both = await Promise.all([quern(words, { cwd }), quern(words, { cwd })]);
      const [first, second] = both.map(({ code, stdout, stderr }) => {
        assert.is(code, 0, stderr);
        return (JSON.parse(stdout) as Comparison).recipes[0]!;
      });
      assert.equal(first!.failures, []);
      assert.is(first!.seeds.length, 2);
      assert.equal(second!.seeds, first!.seeds);
    }));

  test('a folder that cannot be made', () =>
    inProject(async (cwd) => {
      const { code, stderr } = await quern(['compare', './tiny.mjs', '--out', 'tiny.mjs/out'], { cwd });
      assert.is(stderr, 'quern: tiny.mjs/out: cannot be made: ENOTDIR: not a directory\n');
      assert.is(code, 1);
    }));

  test('interrupted: the trainings save themselves, and the same command goes on', () =>
    inProject(async (cwd) => {
      const words = ['compare', './tiny.mjs', '--seeds', '1', '--epochs', '500', '--threads', '1'];
      const folder = join(cwd, 'compare/tiny-epochs-500/seed-0');
      let done = false;
      let sharing: ReturnType<typeof sharersOf> | undefined;
      const watch = setInterval(() => {
        // the history is there as soon as an epoch is done
        if (!done && statSync(join(folder, 'history.jsonl'), { throwIfNoEntry: false }) !== undefined) {
          done = true;
          // so that `runs remove` leaves the folder alone
          sharing = sharersOf(join(cwd, 'compare')).finally(() => child?.kill('SIGINT'));
        }
      }, 50);
      let child: { kill(signal: 'SIGINT'): boolean } | undefined;
      const onStart = (started: NonNullable<typeof child>) => {
        child = started;
      };
      const ended = await quern(words, { cwd, onStart });
      clearInterval(watch);
      assert.is(ended.code, 130, ended.stderr);
      assert.match(ended.stderr, /quern: interrupted; the same command goes on\n$/);
      assert.is(ended.stdout, '');
      assert.is((await sharing)!.length, 1);
      assert.is((await sharersOf(join(cwd, 'compare'))).length, 0);
      const { steps, ended: how } = JSON.parse(
        readFileSync(join(folder, 'result.json'), 'utf8'),
      ) as TrainingResult;
      assert.is(how, 'interrupted');
      assert.ok(steps >= 4 && steps < 2000);
      const next = await quern([...words, '--quiet', '--json'], { cwd });
      assert.is(next.code, 0, next.stderr);
      assert.is((JSON.parse(next.stdout) as Comparison).recipes[0]!.seeds[0]!.epochs, 500);
    }));

  test('nobody to train, a folder that no database can be in', () =>
    inProject(async (cwd) => {
      const nobody = await quern(['compare', './tiny.mjs', '--jobs', '0'], { cwd });
      assert.is(nobody.code, 2);
      assert.match(nobody.stderr, /^quern: compare: --jobs 0 leaves nobody to train: it goes with --queue$/m);
      const environment = { TMPDIR: join(cwd, 'tiny.mjs') };
      const nowhere = await quern(['compare', './tiny.mjs', '--seeds', '1'], { cwd, environment });
      assert.is(nowhere.code, 1);
      assert.match(
        nowhere.stderr,
        /^quern: queue: the database in this process does not start: .*tiny\.mjs: no folder can be made there: ENOTDIR.*\n {2}TMPDIR names/m,
      );
    }));
});
