import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { recipeNames } from '../../src/recipes/index.js';
import { suite } from '../support/suite.js';
import { inProject, main, quern, quernHere } from './support.js';

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

/** A command line of one command: what Node and yargs take in any case. */
const yargsAlone = `
  import yargs from 'yargs';
  await yargs(process.argv.slice(1)).scriptName('one').command('train', 'trains', () => {}, () => {}).parseAsync();`;

suite('quern --help', (test) => {
  test('names the commands', async () => {
    const { code, stdout, stderr } = await quern(['--help']);
    assert.is(code, 0);
    assert.is(stderr, '');
    for (const command of [
      'train [recipe]',
      'evaluate <model>',
      'predict <model> <image...>',
      'datasets',
      'summary',
      'runs',
      'compare [recipes..]',
    ]) {
      assert.ok(stdout.includes(`quern ${command}`), command);
    }
  });

  test('takes less than 200 ms, or little more than yargs alone where that is slow', () => {
    const start = (words: readonly string[]) => {
      const started = performance.now();
      const { status, stderr } = spawnSync(process.execPath, ['--import', tellTime, ...words], {
        encoding: 'utf8',
      });
      const computing = Number(stderr);
      assert.is(status, 0, stderr);
      assert.ok(computing > 0, stderr);
      // On a busy machine a process waits for its turn: then its own computing tells.
      return Math.min(performance.now() - started, computing);
    };
    // In turns, so that a slow moment meets both.
    const runs = Array.from({ length: 9 }, () => ({
      help: start([main, '--help']),
      yargsAlone: start(['--input-type=module', '-e', yargsAlone, '--', '--help']),
    }));
    const help = Math.min(...runs.map((run) => run.help));
    const floor = Math.min(...runs.map((run) => run.yargsAlone));
    assert.ok(
      help < Math.max(200, 1.6 * floor),
      `${help} ms, where a program of one command takes ${floor} ms`,
    );
  });

  test('loads nothing that it does not need', async () => {
    const { stderr } = await quern(['--help'], { node: ['--import', listModules] });
    const modules = stderr.split('\n').filter((line) => line.startsWith('file:'));
    assert.ok(modules.some((url) => url.endsWith('/src/cli/main.js')));
    const own = modules.filter((url) => url.includes('/dist/')).map((url) => url.replace(/.*\/dist\//, ''));
    // choose.js names the backends, and loads none before it is chosen; auto.js is its rule; options.js names the choices of
    // --native; table.js names the
    // recipes; halving.js, which imports errors alone, has the default of --eta, which the help tells.
    const light = [
      'src/core/closest.js',
      'src/core/errors.js',
      'src/core/json.js',
      'src/core/machine.js',
      'src/core/value.js',
      'src/engine/auto.js',
      'src/engine/choose.js',
      'src/engine/measurements.js',
      'src/engine/options.js',
      'src/recipes/table.js',
      'src/sweep/halving.js',
    ];
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
    for (const command of ['train', 'evaluate', 'predict', 'datasets', 'summary', 'runs', 'compare']) {
      const { code, stdout } = await quern([command, '--help']);
      assert.is(code, 0);
      assert.ok(stdout.startsWith(`quern ${command}`), stdout);
    }
  });

  test('of train names every recipe', async () => {
    const { stdout } = await quern(['train', '--help']);
    const named = /one of (.*?) {2}\[string\]/.exec(stdout)![1]!.split(', ');
    assert.equal(named, recipeNames);
  });

  test('--version', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    assert.is((await quern(['--version'])).stdout, `${version}\n`);
  });
});

suite('quern recipes', (test) => {
  test('a line per recipe, with what it promises and what it answers to', async () => {
    const { code, stdout, stderr } = await quern(['recipes']);
    assert.is(code, 0, stderr);
    const [header, ...lines] = stdout.split('\n\n')[0]!.split('\n');
    assert.match(header!, /^recipe +dataset +target +reference {2}what it is$/);
    assert.equal(
      lines.map((line) => line.split(' ')[0]),
      recipeNames,
    );
    const speedrun = lines.find((line) => line.startsWith('mnist-speedrun'))!;
    assert.match(speedrun, / mnist +98\.80% +99\.04% {2}The fastest way to 99% on MNIST$/);
  });

  test('as JSON, with the source of the reference', async () => {
    const { recipes } = JSON.parse((await quern(['recipes', '--json'])).stdout);
    assert.equal(
      recipes.map(({ name }: { name: string }) => name),
      recipeNames,
    );
    const speedrun = recipes.find(({ name }: { name: string }) => name === 'mnist-speedrun');
    assert.equal(speedrun, {
      name: 'mnist-speedrun',
      title: 'The fastest way to 99% on MNIST',
      dataset: 'mnist',
      target: 0.988,
      reference: { accuracy: 0.9904, source: 'tuomaso/train_mnist_fast' },
    });
  });
});

suite('wrong usage', (test) => {
  const refuse = (words: readonly string[], message: RegExp) =>
    test(words.join(' ') || 'nothing', async () => {
      const { code, stdout, stderr } = await quernHere(words);
      assert.match(stderr, message);
      assert.is(code, 2);
      assert.is(stdout, '');
      assert.not(stderr.includes('    at '), 'a stack');
    });

  refuse([], /^quern: a command is missing: quern --help lists them\n$/);
  refuse(['tarin'], /^quern: Unknown argument: tarin\n {2}Did you mean train\?\n$/);
  refuse(['datasets'], /^quern: datasets: what to do is missing: list, get or verify\n$/);
  refuse(['datasets', 'put'], /^quern: Unknown argument: put\n$/);
  refuse(
    ['datasets', 'get'],
    /^quern: datasets get: <name> is missing\n {2}quern datasets get <name\.\.\.>: --help explains\.\n$/,
  );
  refuse(['datasets', 'get', 'cifar'], /^quern: unknown dataset "cifar": the names are mnist, /);
  refuse(
    ['train'],
    /^quern: train: what to train is missing: a recipe, or --resume and the folder of a run\n {2}`quern recipes` lists those that come with Quern\.\n$/,
  );
  refuse(
    ['train', 'nope'],
    /^quern: unknown recipe 'nope': it is neither one of .*mnist-mlp.* nor a file\n {2}`quern recipes` lists those that come with Quern\.\n$/,
  );
  refuse(['train', './nope.js'], /^quern: unknown recipe '\.\/nope\.js': /);
  refuse(['train', 'mnist-mlp', 'more'], /^quern: Unknown argument: more\n$/);
  refuse(
    ['train', 'mnist-mlp', '--epoch', '3'],
    /^quern: Unknown argument: --epoch\n {2}Did you mean --epochs\?\n$/,
  );
  for (const [words, meant] of [
    [['train', 'mnist-mpl'], 'mnist-mlp'],
    [['train', 'speedrun'], 'mnist-speedrun'],
    [['train', 'mnist-mlp', '--batch_sise', '3'], '--batch-size'],
    [['train', 'mnist-mlp', '--optimizer', 'adm'], 'adam'],
    [['train', 'mnist-mlp', '--backend', 'wsm'], 'wasm'],
    [['train', 'mnist-mlp', '--set', 'unit=3'], 'units'],
    [['train', 'mnist-mlp', '--set', 'optimizer.bta1=3'], 'beta1'],
    [['datasets', 'get', 'mnits'], 'mnist'],
    [['datasets', 'gte'], 'get'],
    [['runs', 'comapre', 'a', 'b'], 'compare'],
    [['recipes', '--jsn'], '--json'],
  ] as const) {
    refuse(words, new RegExp(`\\n {2}Did you mean ${meant}\\?`));
  }
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
  refuse(['train', 'mnist-mlp', '--optimizer=lamb'], /^quern: optimizer: there is no 'lamb': sgd, adam/);
  refuse(
    ['train', 'mnist-mlp', '--backend=cuda'],
    /^quern: wrong value of --backend: "cuda" is none of "auto", "wasm", "reference", "gpu"\n$/,
  );
  refuse(['train', 'mnist-mlp', '--out=a', '--out=b'], /^quern: --out is given more than once\n$/);
  refuse(
    ['evaluate', 'test/fixtures/v0.1/runs/finished', '--dataset', 'fashon'],
    /^quern: unknown dataset "fashon": the names are .*\n {2}Did you mean fashion-mnist\?\n$/,
  );
  for (const [option, ...values] of [
    ['epochs', '1', '2'],
    ['learning-rate', '0.1', '0.1'],
    ['seed', '1', '2', '3'],
  ]) {
    const words = values.map((value) => `--${option}=${value}`);
    refuse(['train', 'mnist-mlp', ...words], new RegExp(`^quern: --${option} is given more than once\\n$`));
  }
  refuse(
    ['train', 'mnist-mlp', '--seed=99999999999999999999'],
    /^quern: --seed must be a whole number from 0 to 9007199254740991\n$/,
  );
  for (const option of ['time-limit', 'checkpoint-every']) {
    const message = new RegExp(`^quern: --${option} must be a number above 0\\n$`);
    refuse(['train', 'mnist-mlp', `--${option}=0`], message);
  }
  for (const [words, what] of [
    [['mnist-mlp'], 'a recipe'],
    [['--epochs=3'], '--epochs'],
    [['--batch-size=3'], '--batch-size'],
    [['--learning-rate=1'], '--learning-rate'],
    [['--optimizer=sgd'], '--optimizer'],
    [['--seed=0'], '--seed'],
    [['--validation=0.1'], '--validation'],
    [['--limit=5'], '--limit'],
    [['--from=a'], '--from'],
    [['--out=a'], '--out'],
    [['--force'], '--force'],
    [['--backend=wasm'], '--backend'],
    [['--gpu-mode=cpu'], '--gpu-mode'],
  ] as const) {
    const message = `quern: --resume goes on as the run was begun: ${what} cannot be given with it`;
    refuse(
      ['train', '--resume', 'run', ...words],
      new RegExp(`^${message}\\n {2}For other options .*: --from run in place`),
    );
  }
  refuse(['train', '--resume', 'gone'], /^quern: gone: it holds no run: there is no config\.json\n {2}If it/);
  refuse(['runs', 'compare', 'a'], /^quern: runs compare: it takes the folders of two runs or more\n$/);
  refuse(['runs', 'compare', 'a', 'b'], /^quern: a: it holds no run: there is no config\.json\n$/);
  for (const seeds of ['0', 'x', '1.5', '1,x', '1001', ',']) {
    const message = /^quern: --seeds must be how many \(1 to 1000\), or a list such as 1,7,42\n$/;
    refuse(['compare', 'mnist-mlp', `--seeds=${seeds}`], message);
  }
  refuse(['compare', 'nope'], /^quern: unknown recipe 'nope'/);
  refuse(
    ['evaluate'],
    /^quern: evaluate: <model> is missing\n {2}quern evaluate <model>: --help explains\.\n$/,
  );
  for (const port of ['99999', '-1', '1.5', '65536'])
    for (const command of [['watch', '.'], ['studio']])
      refuse([...command, `--port=${port}`], /^quern: --port must be a whole number from 0 to 65535\n$/);
  for (const logs of [[], ['--log=mlflow=http://127.0.0.1:1']])
    refuse(
      ['train', 'mnist-mlp', '--log-weights', ...logs],
      /^quern: --log-weights goes with --log tensorboard, which is not given\n$/,
    );
  refuse(
    ['train', 'mnist-mlp', '--log', 'mlflow=http://u:pa/ss@h'],
    /^quern: --log mlflow: not the address of a server: http:\/\/\*\*\*@h\n {2}Such as /,
  );
  refuse(['train', 'mnist-mlp', '--log', 'mlflow:http://u:x@h'], /^quern: --log: there is no '\*\*\*@h': /);
  refuse(['worker', 'redis://:hunter2@h:1'], /^quern: Unknown argument: redis:\/\/h:1\n$/);
  for (const command of [['worker'], ['sweep', 'mnist-mlp'], ['compare', 'mnist-mlp']]) {
    refuse(
      [...command, '--queue', ':hunter2@h:1'],
      /^quern: --queue: not the address of a server: \*\*\*@h:1\n/,
    );
    refuse(
      [...command, '--queue', 'redis://h', '--store', 'pg:quern:hunter2@h'],
      /^quern: --store: not a folder, a server or a bucket: \*\*\*@h\n {2}A folder, redis:/,
    );
  }
  refuse(['predict'], /^quern: predict: <model> and <image> are missing\n/);
  refuse(['runs', 'compare'], /^quern: runs compare: <run> is missing\n/);
  refuse(['predict', 'a'], /^quern: predict: <image> is missing\n/);
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
