import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { inProject, main, quern } from './support.js';

const root = join(import.meta.dirname, '../../..');

/** Writes the address of every module that loads to stderr. */
const listModules = `data:text/javascript,${encodeURIComponent(`
  import { register } from 'node:module';
  const hooks = \`
    import { writeSync } from 'node:fs';
    export async function load(url, context, next) { writeSync(2, url + '\\\\n'); return next(url, context); }\`;
  register('data:text/javascript,' + encodeURIComponent(hooks));`)}`;

/** Writes the milliseconds of computing that a process has taken to stderr when it ends. */
const tellTime = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    writeSync(2, String((user + system) / 1000));
  });`)}`;

suite('quern --help', (test) => {
  test('names the commands', async () => {
    const { code, stdout, stderr } = await quern(['--help']);
    assert.is(code, 0);
    assert.is(stderr, '');
    for (const command of [
      'train <recipe>',
      'evaluate <model>',
      'predict <model> <image...>',
      'datasets',
      'summary',
    ]) {
      assert.ok(stdout.includes(`quern ${command}`), command);
    }
  });

  test('takes less than 200 ms', () => {
    const least = (words: readonly string[]) => {
      const runs = Array.from({ length: 7 }, () => {
        const started = performance.now();
        const { stderr } = spawnSync(process.execPath, ['--import', tellTime, ...words], {
          encoding: 'utf8',
        });
        return { wall: performance.now() - started, computing: Number(stderr) };
      });
      assert.ok(runs.every(({ computing }) => computing > 0));
      // On a busy machine a process waits for its turn: then its own computing tells.
      return Math.min(...runs.flatMap(({ wall, computing }) => [wall, computing]));
    };
    // The yardstick: Node alone starts in 40 to 65 ms; where it takes longer, this machine is slow at the moment.
    const node = least(['-e', '0']);
    const help = least([main, '--help']);
    const limit = 200 * Math.max(1, node / 65);
    assert.ok(help < limit, `${help} ms, where Node alone takes ${node} ms`);
  });

  test('loads nothing that it does not need', async () => {
    const { stderr } = await quern(['--help'], { node: ['--import', listModules] });
    const modules = stderr.split('\n').filter((line) => line.startsWith('file:'));
    assert.ok(modules.some((url) => url.endsWith('/src/cli/main.js')));
    const own = modules.filter((url) => url.includes('/dist/')).map((url) => url.replace(/.*\/dist\//, ''));
    // choose.js names the backends, and loads none before it is chosen.
    const light = ['src/core/errors.js', 'src/engine/choose.js'];
    for (const path of own) {
      assert.ok(path.startsWith('src/cli/') || light.includes(path), `${path} is loaded`);
    }
    for (const heavy of ['cli-progress', 'ndarray', 'gpu.js', 'fast-png']) {
      assert.not(
        modules.some((url) => url.includes(`/node_modules/${heavy}/`)),
        heavy,
      );
    }
  });

  test('of every command', async () => {
    for (const command of ['train', 'evaluate', 'predict', 'datasets', 'summary']) {
      const { code, stdout } = await quern([command, '--help']);
      assert.is(code, 0);
      assert.ok(stdout.startsWith(`quern ${command}`), stdout);
    }
  });

  test('--version', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    assert.is((await quern(['--version'])).stdout, `${version}\n`);
  });
});

suite('wrong usage', (test) => {
  const refuse = (words: readonly string[], message: RegExp) =>
    test(words.join(' ') || 'nothing', async () => {
      const { code, stdout, stderr } = await quern(words);
      assert.match(stderr, message);
      assert.is(code, 2);
      assert.is(stdout, '');
      assert.not(stderr.includes('    at '), 'a stack');
    });

  refuse([], /^quern: a command is missing: quern --help lists them\n$/);
  refuse(['tarin'], /^quern: Unknown argument: tarin\n$/);
  refuse(['datasets'], /^quern: datasets: what to do is missing: list, get or verify\n$/);
  refuse(['datasets', 'put'], /^quern: Unknown argument: put\n$/);
  refuse(['datasets', 'get'], /^quern: too few arguments: got 0, need at least 1; --help explains\n$/);
  refuse(['datasets', 'get', 'cifar'], /^quern: unknown dataset "cifar": the names are mnist, /);
  refuse(['train'], /^quern: too few arguments: got 0, need at least 1; --help explains\n$/);
  refuse(
    ['train', 'nope'],
    /^quern: unknown recipe 'nope': it is neither one of mnist-mlp, fashion-cnn nor a file\n$/,
  );
  refuse(['train', './nope.js'], /^quern: unknown recipe '\.\/nope\.js': /);
  refuse(['train', 'mnist-mlp', 'more'], /^quern: Unknown argument: more\n$/);
  refuse(['train', 'mnist-mlp', '--epoch', '3'], /^quern: Unknown argument: epoch\n$/);
  refuse(['train', 'mnist-mlp', '--epochs'], /^quern: Not enough arguments following: epochs\n$/);
  for (const value of ['x', '0', '1.5', '-1']) {
    refuse(
      ['train', 'mnist-mlp', `--epochs=${value}`],
      /^quern: --epochs must be a whole number of at least 1\n$/,
    );
  }
  refuse(
    ['train', 'mnist-mlp', '--batch-size=0'],
    /^quern: --batch-size must be a whole number of at least 1\n$/,
  );
  refuse(['train', 'mnist-mlp', '--limit=0'], /^quern: --limit must be a whole number of at least 1\n$/);
  refuse(['train', 'mnist-mlp', '--threads=0'], /^quern: --threads must be a whole number of at least 1\n$/);
  refuse(['train', 'mnist-mlp', '--seed=-1'], /^quern: --seed must be a whole number of at least 0\n$/);
  refuse(['train', 'mnist-mlp', '--learning-rate=0'], /^quern: --learning-rate must be a number above 0\n$/);
  refuse(
    ['train', 'mnist-mlp', '--validation=1'],
    /^quern: --validation must be a number between 0 and 1\n$/,
  );
  refuse(['train', 'mnist-mlp', '--optimizer=lion'], /^quern: optimizer: there is no 'lion': sgd, adam\n$/);
  refuse(
    ['train', 'mnist-mlp', '--backend=cuda'],
    /^quern: wrong value of --backend: "cuda" is none of "auto", "wasm", "reference", "gpu"\n$/,
  );
  refuse(['train', 'mnist-mlp', '--out=a', '--out=b'], /^quern: --out is given more than once\n$/);
  refuse(['evaluate'], /^quern: too few arguments: got 0, need at least 1; --help explains\n$/);
  refuse(['predict', 'a'], /^quern: too few arguments: got 1, need at least 2; --help explains\n$/);
  refuse(['summary', 'nope'], /^quern: unknown recipe 'nope'/);
});

suite('errors', (test) => {
  test('a fault: one sentence, exit code 1; where it came from only if asked', () =>
    inProject(async (cwd) => {
      const brief = await quern(['evaluate', 'gone.safetensors'], { cwd });
      const sentence = 'quern: gone.safetensors: cannot be read: ENOENT: no such file or directory\n';
      assert.is(brief.stderr, sentence);
      assert.is(brief.code, 1);
      const verbose = await quern(['evaluate', 'gone.safetensors', '--verbose'], { cwd });
      assert.ok(verbose.stderr.startsWith(sentence));
      assert.match(verbose.stderr, /\n {4}at /);
      assert.is(verbose.code, 1);
    }));
});
