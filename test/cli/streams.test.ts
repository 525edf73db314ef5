/** What leaves for the terminal, and what happens where it cannot: full disks, readers that have gone, terminals that close. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { oneLine, visible } from '../../src/cli/terminal/output.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { Model } from '../../src/nn/model.js';
import { sequential } from '../../src/nn/sequential.js';
import { writeModelFile } from '../../src/training/files/modelFile.js';
import { png, put } from '../data/user/support.js';
import { suite } from '../support/suite.js';
import { inProject, main, onReference, quern } from './support.js';

/** Runs a line of a shell, in which `$QUERN` is the command line. */
function shell(line: string, cwd: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn('bash', ['-c', `set -o pipefail; ${line}`], {
      cwd,
      env: { ...process.env, QUERN: `${process.execPath} ${main}`, QUERN_CONFIG: join(cwd, 'config') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const evil = '\u001b[2J\u001b]0;owned\u0007\u202egnp.\u009b31m\u2066\u200b\u{e0041}';
const shown = '\\u001b[2J\\u001b]0;owned\\u0007\\u202egnp.\\u009b31m\\u2066\\u200b\\udb40\\udc41';

suite("others' text", (test) => {
  test('is shown with its control and format characters escaped', () => {
    assert.is(visible(evil), shown);
    assert.is(visible('a\nb\tc'), 'a\nb\tc');
    assert.is(oneLine('a\nb\tc\r'), 'a\\u000ab\\u0009c\\u000d');
    assert.is(visible('Grüße, 日本語, שלום, 👩\u200d🔬 ▁▂▃'), 'Grüße, 日本語, שלום, 👩\u200d🔬 ▁▂▃');
  });

  test('is the same text in JSON', () => {
    assert.equal(JSON.parse(visible(JSON.stringify({ evil, lines: 'a\nb' }))), { evil, lines: 'a\nb' });
  });

  test('names of classes, files and recipes', () =>
    inProject(async (cwd) => {
      const layer = sequential([flatten(), dense(2)]);
      const model = new Model(layer, [4, 4, 1]);
      const weights = new Map([
        ['layers.1.kernel', new Float32Array(32)],
        ['layers.1.bias', new Float32Array([1, 0])],
      ]);
      await writeModelFile(join(cwd, 'm.safetensors'), model, weights, {
        classes: [`${evil}\nquern: no`, 'b'],
        normalization: { mean: 0, deviation: 1 },
        dataset: evil,
        numerics: evil,
      });
      const picture = `\u001b[31m.png`;
      put(cwd, { [picture]: png(4, 4, Array(16).fill(9)) });
      const { stdout, stderr, code } = await quern(['predict', 'm.safetensors', picture, ...onReference], {
        cwd,
      });
      assert.is(code, 0, stderr);
      assert.ok(stdout.includes(`${shown}\\u000aquern: no `) && stdout.includes('\\u001b[31m.png'), stdout);
      assert.not.match(stdout + stderr, /[^\n\P{Cc}]|\p{Cf}/u);
      const words = ['predict', 'm.safetensors', picture, '--json', ...onReference];
      assert.is(JSON.parse((await quern(words, { cwd })).stdout).classes[0], `${evil}\nquern: no`);
      const missing = await quern(['predict', `${evil}\nquern: all is well`, 'x.png'], { cwd });
      assert.ok(
        missing.stderr.startsWith(`quern: ${shown}\\u000aquern: all is well: cannot be read`),
        missing.stderr,
      );
      mkdirSync(join(cwd, 'runs'));
      await quern(['train', './tiny.mjs', '--out', 'runs/a', '--epochs', '1', '--quiet', ...onReference], {
        cwd,
      });
      renameSync(join(cwd, 'runs/a'), join(cwd, `runs/${evil}`));
      assert.ok((await quern(['runs'], { cwd })).stdout.includes(`runs/${shown}  tiny`));
    }));
});

const train = '$QUERN train ./tiny.mjs --epochs 2 --out run --backend reference';

suite('streams that cannot be written', (test) => {
  if (!existsSync('/dev/full')) {
    test.unavailable('full disks', 'this system has no /dev/full');
    return;
  }

  test('a full disk under stdout: a result that is lost is exit code 1, the run is whole', () =>
    inProject(async (cwd) => {
      const listed = await shell('$QUERN recipes > /dev/full', cwd);
      assert.equal([listed.code, listed.stdout], [1, '']);
      assert.is(
        listed.stderr,
        'quern: the output cannot be written: ENOSPC: no space left on device, write\n',
      );
      const { code, stderr } = await shell(`${train} --quiet > /dev/full`, cwd);
      assert.is(code, 1, stderr);
      assert.match(
        stderr,
        /\nquern: the output cannot be written: ENOSPC|^quern: the output cannot be written: ENOSPC/,
      );
      assert.is(JSON.parse(readFileSync(join(cwd, 'run/result.json'), 'utf8')).ended, 'finished');
      assert.not(existsSync(join(cwd, 'run/lock.json')));
    }));

  test('a full disk under stderr costs nothing', () =>
    inProject(async (cwd) => {
      const { code, stdout } = await shell(`${train} --json 2> /dev/full`, cwd);
      assert.is(code, 0);
      assert.is(JSON.parse(stdout).ended, 'finished');
    }));

  test('a reader that has gone ends quietly', () =>
    inProject(async (cwd) => {
      for (const line of ['$QUERN recipes | head -0', `${train} | head -0`, '$QUERN runs . 2>&1 | head -0']) {
        const { code, stderr } = await shell(line, cwd);
        assert.is(code, 0, stderr);
        assert.not.match(stderr, /EPIPE|at .*:\d+:\d+/);
      }
      assert.not(existsSync(join(cwd, 'run/lock.json')));
    }));

  test('what a killed start has left is swept by the next', () =>
    inProject(async (cwd) => {
      mkdirSync(join(cwd, 'run'));
      for (const name of ['.config.json.1.tmp', '.probe-1', '.lock.json.1.tmp'])
        writeFileSync(join(cwd, 'run', name), '');
      const { code } = await shell(`${train} --quiet; ls -A run | grep '^\\.'`, cwd);
      // grep has found none
      assert.is(code, 1);
      assert.ok(existsSync(join(cwd, 'run/result.json')));
    }));
});
