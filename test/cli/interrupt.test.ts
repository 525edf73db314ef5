import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { TrainingResult } from '../../src/runs/result.js';
import { readModelFile } from '../../src/training/files/modelFile.js';
import { suite } from '../support/suite.js';
import { inProject, onReference, quern, recipeText, runFiles } from './support.js';

/** Calls `act` once, as soon as stderr has said this. */
function when(said: RegExp, act: (child: ChildProcess) => void) {
  let done = false;
  return (text: string, child: ChildProcess) => {
    if (done || !said.test(text)) return;
    done = true;
    act(child);
  };
}

suite('quern train, interrupted', (test) => {
  for (const [signal, expected] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    test(`${signal} in the middle of an epoch: the model so far, every file whole`, () =>
      inProject(async (cwd) => {
        const words = [
          'train',
          './tiny.mjs',
          '--epochs',
          '100000',
          '--batch-size',
          '4',
          '--out',
          'run',
          '--json',
        ];
        const onError = when(/^epoch 1\//, (child) => setTimeout(() => child.kill(signal), 150));
        const { code, stdout, stderr } = await quern([...words, ...onReference], { cwd, onError });
        assert.is(code, expected, stderr);
        assert.match(stderr, /\nending after this step; again to end at once\n/);
        assert.match(
          stderr,
          /\nquern: interrupted after \d+ steps; the model so far is in run\/model\.safetensors; `quern train --resume run` goes on\n$/,
        );

        const result = JSON.parse(stdout) as TrainingResult;
        assert.is(result.interrupted, true);
        assert.is(result.testAccuracy, null);
        assert.ok(result.epochs >= 1);
        assert.ok(result.steps >= result.epochs * 64 && result.steps < (result.epochs + 1) * 64);
        const history = readFileSync(join(cwd, 'run/history.jsonl'), 'utf8').trimEnd().split('\n');
        assert.is(history.length, result.epochs);
        for (const line of history) assert.ok(JSON.parse(line));
        assert.equal(readdirSync(join(cwd, 'run')).sort(), runFiles);

        const evaluated = await quern(['evaluate', result.model, '--json', ...onReference], { cwd });
        assert.is(JSON.parse(evaluated.stdout).weightsSha256, result.weightsSha256);
      }));
  }

  test('a second one ends at once: no model, and what is there is whole', () =>
    inProject(async (cwd) => {
      // A step takes so long that both signals arrive within one.
      const layers = 'layer: () => sequential([flatten(), dense(1500), relu(), dense(10)]),';
      writeFileSync(join(cwd, 'slow.mjs'), recipeText(`${layers} epochs: 1000, batchSize: 256,`));
      const onError = when(/^epoch 1\//, (child) => {
        setTimeout(() => child.kill('SIGINT'), 100);
        setTimeout(() => child.kill('SIGINT'), 200);
      });
      const words = [
        'train',
        './slow.mjs',
        '--limit',
        '64',
        '--batch-size',
        '64',
        '--out',
        'run',
        ...onReference,
      ];
      const { code, stdout, stderr } = await quern(words, { cwd, onError });
      assert.is(code, 130, stderr);
      assert.match(stderr, /\nending after this step; again to end at once\n$/);
      assert.is(stdout, '');
      const left = readdirSync(join(cwd, 'run')).filter((name) => name !== 'checkpoints');
      assert.equal(left.sort(), ['config.json', 'curve.json', 'history.csv', 'history.jsonl']);
      const history = readFileSync(join(cwd, 'run/history.jsonl'), 'utf8');
      assert.ok(history.endsWith('}\n'));
      for (const line of history.trimEnd().split('\n')) assert.ok(JSON.parse(line));
    }));

  test('in the last measurement: the model is saved already', () =>
    inProject(async (cwd) => {
      writeFileSync(
        join(cwd, 'slow.mjs'),
        recipeText('layer: () => sequential([flatten(), dense(600), relu(), dense(10)]),'),
      );
      const onError = when(/^epoch 1\/1 /, (child) => child.kill('SIGINT'));
      const words = ['train', './slow.mjs', '--epochs', '1', '--out', 'run', '--json', ...onReference];
      const { code, stdout, stderr } = await quern(words, { cwd, onError });
      assert.is(code, 130, stderr);
      assert.match(stderr, /\nquern: interrupted after (all 1 epochs|4 steps); the model so far is in run\//);
      assert.is(JSON.parse(stdout).steps, 4);
      assert.is((await readModelFile(join(cwd, 'run/model.safetensors'))).details.recipe, 'tiny');
    }));
});

/** A preload for node: every download begins, and then nothing more comes. */
const stalledNetwork = `
  globalThis.fetch = async (url, { signal }) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(100));
        signal.addEventListener('abort', () => controller.error(signal.reason));
        setTimeout(() => console.error('bytes came'), 50);
      },
    });
    return new Response(body);
  };`;

suite('downloads, interrupted', (test) => {
  for (const command of ['datasets get', 'evaluate'] as const) {
    test(`${command}: no part of a file stays`, () =>
      inProject(async (cwd) => {
        writeFileSync(join(cwd, 'stalled.mjs'), stalledNetwork);
        const train = ['train', './tiny.mjs', '--epochs', '1', '--out', 'run', '--quiet', ...onReference];
        if (command === 'evaluate') assert.is((await quern(train, { cwd })).code, 0);
        const words = {
          'datasets get': ['datasets', 'get', 'fashion-mnist'],
          evaluate: ['evaluate', 'run', '--dataset', 'fashion-mnist', ...onReference],
        }[command];
        let held: string[] = [];
        const directory = join(cwd, 'cache/datasets/fashion-mnist');
        const onError = when(/bytes came/, (child) => {
          held = readdirSync(directory);
          child.kill('SIGINT');
        });
        const { code, stdout, stderr } = await quern(words, {
          cwd,
          environment: { QUERN_CACHE: join(cwd, 'cache') },
          node: ['--import', './stalled.mjs'],
          onError,
        });
        assert.is(code, 130, stderr);
        assert.is(stderr, 'bytes came\nquern: interrupted\n');
        assert.is(stdout, '');
        // an evaluation wants the test images alone
        const first = command === 'evaluate' ? 't10k' : 'train';
        assert.match(held.join(' '), new RegExp(`^${first}-images-idx3-ubyte\\.gz\\.\\d+-1\\.partial$`));
        assert.equal(readdirSync(directory), []);
      }));
  }
});
