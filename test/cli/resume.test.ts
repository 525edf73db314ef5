import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { TrainingResult } from '../../src/runs/result.js';
import { suite } from '../support/suite.js';
import {
  inProject,
  mountSmall,
  onReference,
  quern,
  recipeText,
  trainedOnce,
  whyNoSmallDisk,
} from './support.js';

/** What has a state of its own: dropout, moments, schedule, averages, augmentation, plateau, validation. */
const rich = recipeText(`
  epochs: 6, batchSize: 48, validation: 0.2, schedule: cosineDecay(), augmentation: { shift: 2 }, mixup: 0.2,
  labelSmoothing: 0.1, clip: { norm: 1 }, weightAveraging: 0.9, earlyStopping: { patience: 50 },
  plateau: reduceOnPlateau({ patience: 1 }),
  layer: () => sequential([flatten(), dense(12), relu(), dropout(0.2), dense(10)]),`).replace(
  'import { adam,',
  'import { cosineDecay, dropout, reduceOnPlateau, adam,',
);

const onWasm = ['--backend', 'wasm', '--threads', '1'];
const resultOf = (cwd: string, run: string) =>
  JSON.parse(readFileSync(join(cwd, run, 'result.json'), 'utf8')) as TrainingResult;
const resume = (cwd: string, ...words: string[]) => quern(['train', '--resume', ...words], { cwd });

const withRich = trainedOnce(
  ['./rich.mjs', '--seed', '5', '--out', 'whole', '--quiet', '--json', ...onWasm],
  { 'rich.mjs': rich },
);

/** Runs in a folder with a finished run of the rich recipe in `whole`. */
const withRun = (run: (cwd: string, whole: TrainingResult) => Promise<void>) =>
  withRich((cwd, stdout) => run(cwd, JSON.parse(stdout) as TrainingResult));

/** A copy of the run that looks as if its process had been killed before the result was written. */
function unfinish(cwd: string, name: string, ...without: string[]): string {
  cpSync(join(cwd, 'whole'), join(cwd, name), { recursive: true });
  for (const file of ['result.json', 'model.safetensors', ...without]) {
    rmSync(join(cwd, name, file), { recursive: true });
  }
  return name;
}

function changeConfig(cwd: string, run: string, change: (config: { data: { train: object } }) => void): void {
  const path = join(cwd, run, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  change(config);
  writeFileSync(path, JSON.stringify(config));
}

suite('quern train --resume', (test) => {
  test('ended by a time limit, resumed twice: the bytes of a training without one', () =>
    withRun(async (cwd, whole) => {
      const words = ['train', './rich.mjs', '--seed', '5', '--out', 'run', ...onWasm];
      const first = await quern([...words, '--time-limit', '0.000001'], { cwd });
      assert.is(first.code, 0, first.stderr);
      assert.match(
        first.stderr,
        /(^|\n)ended by the time limit after \d+ steps; `quern train --resume run` goes on\n$/,
      );
      const ended = resultOf(cwd, 'run');
      assert.is(ended.ended, 'time limit');
      assert.ok(ended.steps < whole.steps);

      const second = await resume(cwd, 'run', '--time-limit', '0.000001', '--json', '--quiet');
      assert.is(second.code, 0, second.stderr);
      assert.ok((JSON.parse(second.stdout) as TrainingResult).steps > ended.steps);
      const third = await resume(cwd, 'run', '--threads', '2');
      assert.is(third.code, 0, third.stderr);
      assert.match(third.stderr, /^run: goes on after \d+ steps\n/);
      assert.is(resultOf(cwd, 'run').weightsSha256, whole.weightsSha256);
      assert.is(resultOf(cwd, 'run').testLoss, whole.testLoss);
      const epochs = (run: string) =>
        readFileSync(join(cwd, run, 'history.jsonl'), 'utf8')
          .trimEnd()
          .split('\n')
          .map((line) => {
            const { seconds, imagesPerSecond, ...record } = JSON.parse(line);
            return record;
          });
      assert.equal(epochs('run'), epochs('whole'));
    }));

  test('finished: the result again, with the paths of now and its exit code', () =>
    inProject(async (cwd) => {
      writeFileSync(join(cwd, 'high.mjs'), recipeText('target: 0.99, epochs: 1,'));
      const trained = await quern(
        ['train', './high.mjs', '--out', 'a', '--json', '--quiet', ...onReference],
        {
          cwd,
        },
      );
      assert.is(trained.code, 1);
      const result = JSON.parse(trained.stdout) as TrainingResult;
      assert.is(result.target, 0.99);
      assert.is(result.targetMet, false);
      cpSync(join(cwd, 'a'), join(cwd, 'b'), { recursive: true });
      const again = await resume(cwd, 'b', '--json');
      assert.is(again.code, 1);
      assert.is(again.stderr, '');
      assert.equal(JSON.parse(again.stdout), { ...result, model: join('b', 'model.safetensors') });
      assert.match((await resume(cwd, 'b')).stdout, /\ntarget {10}99\.00%: missed\n/);
    }));

  test('before the first checkpoint it begins anew; between the last step and the result it only measures', () =>
    withRun(async (cwd, whole) => {
      unfinish(cwd, 'early', 'checkpoints', 'history.jsonl', 'history.csv');
      for (const [words, message] of [
        [['--log', 'wandb'], /^quern: --log: there is no 'wandb': /],
        [['--log-weights'], /^quern: --log-weights goes with --log tensorboard, which is not given\n$/],
      ] as const) {
        const wrong = await resume(cwd, 'early', ...words);
        assert.is(wrong.code, 2);
        assert.match(wrong.stderr, message);
      }
      const early = await resume(cwd, 'early');
      assert.is(early.code, 0, early.stderr);
      assert.match(early.stderr, /^early: no checkpoint yet: it begins anew\nepoch 1\/6 /);
      assert.is(resultOf(cwd, 'early').weightsSha256, whole.weightsSha256);

      const late = await resume(cwd, unfinish(cwd, 'late'));
      assert.is(late.code, 0, late.stderr);
      assert.match(
        late.stderr,
        new RegExp(`^late: goes on after ${whole.steps} steps\\nnext: .quern report late. [^\\n]*\\n$`),
      );
      const { trainSeconds, imagesPerSecond, model, threads, ...same } = resultOf(cwd, 'late');
      for (const [name, value] of Object.entries(same)) {
        assert.equal(value, whole[name as keyof TrainingResult], name);
      }
      assert.ok(existsSync(join(cwd, 'late/model.safetensors')));
    }));

  test('a damaged checkpoint: the one before it; of another model: refused by name', () =>
    withRun(async (cwd, whole) => {
      const words = ['train', './rich.mjs', '--seed', '5', '--out', 'cut', '--checkpoint-every', '0.000001'];
      const trained = await quern([...words, '--quiet', ...onWasm], { cwd });
      assert.is(trained.code, 0, trained.stderr);
      rmSync(join(cwd, 'cut/result.json'));
      truncateSync(join(cwd, 'cut/checkpoints/last.safetensors'), 5000);
      const { code, stderr } = await resume(cwd, 'cut');
      assert.is(code, 0, stderr);
      assert.match(
        stderr,
        /^quern: cut\/checkpoints\/last\.safetensors: truncated: .*; cut\/checkpoints\/previous\.safetensors is whole\n/,
      );
      assert.is(resultOf(cwd, 'cut').weightsSha256, whole.weightsSha256);

      const other = recipeText('layer: () => sequential([flatten(), dense(10)]),');
      writeFileSync(join(cwd, 'other.mjs'), other);
      await quern(['train', './other.mjs', '--out', 'other', '--quiet', ...onWasm], { cwd });
      unfinish(cwd, 'mixed');
      cpSync(join(cwd, 'other/checkpoints'), join(cwd, 'mixed/checkpoints'), { recursive: true });
      const mixed = await resume(cwd, 'mixed', '--quiet');
      assert.is(mixed.code, 1);
      assert.match(mixed.stderr, /^quern: resume: the checkpoint is of another training: model\.layers/);
      assert.is(mixed.stdout, '');
    }));

  test('a recipe, images or arithmetic that are no longer the same', () =>
    withRun(async (cwd) => {
      const refused = async (run: string, message: RegExp, ...words: string[]) => {
        const { code, stdout, stderr } = await resume(cwd, run, '--quiet', ...words);
        assert.match(stderr, message);
        assert.is(code, 1);
        assert.is(stdout, '');
        assert.not(existsSync(join(cwd, run, 'lock.json')));
        assert.not(existsSync(join(cwd, run, 'failure.json')));
      };
      changeConfig(cwd, unfinish(cwd, 'numerics'), (config) => Object.assign(config, { numerics: 'older' }));
      await refused(
        'numerics',
        /^quern: numerics: it was begun with other arithmetic: older, here it is wasm .*\n$/,
      );
      changeConfig(cwd, unfinish(cwd, 'data'), ({ data }) =>
        Object.assign(data.train, { sha256: 'a'.repeat(64) }),
      );
      await refused(
        'data',
        /^quern: data: it was begun with other train images: their SHA-256 was a{64} and is [0-9a-f]{64}\n$/,
      );
      unfinish(cwd, 'recipe');
      writeFileSync(join(cwd, 'rich.mjs'), rich.replace('epochs: 6', 'epochs: 7'));
      await refused(
        'recipe',
        /^quern: recipe: its recipe has changed since it was begun: epochs was 6, is 7\n$/,
        '--import',
        'rich.mjs',
      );
      writeFileSync(join(cwd, 'rich.mjs'), `${rich} // the same`);
      const same = await resume(cwd, 'recipe', '--import', 'rich.mjs');
      assert.is(same.code, 0, same.stderr);
      assert.match(same.stderr, /rich\.mjs has changed since the run was begun; what it says is compared\n/);
    }));

  test('one that another process is training, or that no longer has the model it started from', () =>
    withRun(async (cwd) => {
      unfinish(cwd, 'busy');
      writeFileSync(join(cwd, 'busy/lock.json'), JSON.stringify({ pid: process.pid, host: hostname() }));
      const busy = await resume(cwd, 'busy');
      assert.is(busy.code, 2);
      assert.match(
        busy.stderr,
        /^quern: busy: another process is training it: \d+ on .*\n {2}If it is gone, delete /,
      );

      const words = ['train', './rich.mjs', '--out', 'next', '--from', 'whole', '--quiet', ...onWasm];
      assert.is((await quern(words, { cwd })).code, 0);
      for (const file of ['result.json', 'checkpoints']) rmSync(join(cwd, 'next', file), { recursive: true });
      writeFileSync(join(cwd, 'whole/model.safetensors'), readFileSync(join(cwd, 'next/model.safetensors')));
      rmSync(join(cwd, 'whole/result.json'));
      const next = await resume(cwd, 'next', '--quiet');
      assert.is(next.code, 1);
      assert.match(
        next.stderr,
        /^quern: .*whole\/model\.safetensors: not the model that next started from: its SHA-256 was \w+ and is \w+\n$/,
      );
    }));
});

suite('what a run keeps', (test) => {
  test('the model of the best epoch, which evaluate reads', () =>
    withRun(async (cwd) => {
      const path = join('whole', 'checkpoints', 'best.safetensors');
      const { code, stdout, stderr } = await quern(['evaluate', path, '--json', ...onWasm], { cwd });
      assert.is(code, 0, stderr);
      assert.is(JSON.parse(stdout).count, 64);
    }));

  test('a target is reached, and judged for the own settings of a recipe alone', () =>
    inProject(async (cwd) => {
      writeFileSync(join(cwd, 'low.mjs'), recipeText('target: 0.01,'));
      const words = ['train', './low.mjs', '--quiet', '--seed', '4', ...onReference];
      const own = await quern([...words, '--out', 'own'], { cwd });
      assert.is(own.code, 0, own.stderr);
      assert.match(own.stdout, /\ntarget {10}1\.00%: reached\n/);
      const other = await quern([...words, '--out', 'other', '--epochs', '1', '--json'], { cwd });
      const { target, targetMet } = JSON.parse(other.stdout) as TrainingResult;
      assert.equal([target, targetMet], [null, null]);
    }));
});

suite('a full disk', (test) => {
  const reason = whyNoSmallDisk();
  if (reason !== undefined) {
    test.unavailable('a small file system in memory', reason);
    return;
  }

  test('a clear error; the last good checkpoint loads and leads to the same bytes', () =>
    withRun(async (cwd, whole) => {
      const disk = join(cwd, 'disk');
      mkdirSync(disk);
      assert.is(mountSmall(disk, '512k'), undefined);
      try {
        // A checkpoint has 160 kB, so the third finds no room beside the two that are kept.
        writeFileSync(join(disk, 'ballast'), new Uint8Array(80_000));
        const words = [
          'train',
          './rich.mjs',
          '--seed',
          '5',
          '--out',
          'disk/run',
          '--checkpoint-every',
          '0.000001',
        ];
        const full = await quern([...words, '--quiet', ...onWasm], { cwd });
        assert.is(full.code, 1, full.stderr);
        assert.match(
          full.stderr,
          /^quern: disk\/run\/.*: cannot be written: ENOSPC: no space left on device/,
        );
        const listed = await quern(['runs', 'disk', '--json'], { cwd });
        assert.ok(['failed', 'interrupted'].includes(JSON.parse(listed.stdout).runs[0].state));
        const still = await resume(cwd, 'disk/run', '--quiet');
        assert.is(still.code, 1, still.stderr);
        assert.match(still.stderr, /: cannot be written: ENOSPC: /);

        rmSync(join(disk, 'ballast'));
        spawnSync('mount', ['-o', 'remount,size=8m', disk]);
        const room = await resume(cwd, 'disk/run');
        assert.is(room.code, 0, room.stderr);
        assert.match(room.stderr, /^disk\/run: goes on after \d+ steps\n/);
        assert.is(resultOf(cwd, 'disk/run').weightsSha256, whole.weightsSha256);
      } finally {
        spawnSync('umount', [disk]);
      }
    }));
});
