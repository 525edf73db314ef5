import * as assert from 'uvu/assert';
import { benchNames, loadBench } from '../../bench/benches.js';
import { runBench, runBenches } from '../../bench/main.js';
import type { Context } from '../../bench/support/bench.js';
import { isSummary } from '../../bench/support/statistics.js';
import { whyNotNative } from '../../src/backends/wasm/native/choose.js';
import { BackendError, UsageError } from '../../src/core/errors.js';
import { rejects } from '../support/messages.js';
import { suite } from '../support/suite.js';

/** Just enough to see that everything runs. */
const context: Context = {
  sampling: { rounds: 2, seconds: 0.001, warmUpSeconds: 0 },
  quick: true,
  backend: { backend: 'wasm' },
  threads: [1, 2],
  progress: () => {},
};

/** What a bench must tell in every row that has it. */
const measured: Readonly<Record<string, readonly string[]>> = {
  matmul: ['gflops', 'share'],
  convolution: ['milliseconds', 'share', 'stepShare'],
  pooling: ['milliseconds', 'share', 'gflops', 'gigabytes'],
  layers: ['milliseconds', 'twin', 'speedUp'],
  profile: ['milliseconds', 'stepShare'],
  step: ['milliseconds', 'images'],
  epoch: ['seconds', 'images', 'kernels'],
  native: ['images'],
  busy: ['one', 'two', 'ratio'],
  augmentation: ['images'],
  startup: ['seconds'],
  memory: ['program', 'data', 'peak'],
  subnormal: ['ratio'],
  zeros: ['ratio'],
  speedrun: ['seconds', 'training', 'accuracy'],
};

/** Benches that take their time: once is enough. */
const long = ['startup', 'memory', 'profile', 'speedrun', 'subnormal', 'native'];

async function printed(work: () => Promise<void>): Promise<string> {
  const { log } = console;
  const lines: string[] = [];
  console.log = (text: string) => lines.push(text);
  try {
    await work();
  } finally {
    console.log = log;
  }
  return lines.join('\n');
}

suite('benches', (test) => {
  test('each is tested here', () => {
    assert.equal(Object.keys(measured).sort(), [...benchNames].sort());
  });

  for (const [name, keys] of Object.entries(measured)) {
    test(`${name} answers its question`, async () => {
      const { rows, columns, plots, backends, question } = await runBench(name, {
        ...context,
        threads: long.includes(name) ? [1] : context.threads,
      });
      assert.match(question, /\?$/);
      assert.ok(rows.length >= 2, `${rows.length} rows`);
      for (const row of rows) {
        for (const key of keys) {
          const value = row[key]!;
          const number = isSummary(value) ? value.median : (value as number);
          assert.ok(
            Number.isFinite(number) && number >= 0,
            `${name} ${JSON.stringify(row)}: ${key} is ${number}`,
          );
        }
        for (const key of Object.keys(row)) {
          assert.ok(
            columns.some((column) => column.key === key),
            `${key} has no column`,
          );
        }
      }
      assert.ok(plots.length > 0);
      for (const { x, series } of plots) {
        for (const { values } of series) assert.is(values.length, x.values.length);
      }
      for (const { backend } of backends) assert.is(backend, 'wasm');
    });
  }

  test('an unknown name is wrong usage', async () => {
    await rejects(
      () => loadBench('speed'),
      UsageError,
      `unknown bench 'speed': there are ${benchNames.join(', ')}`,
    );
  });

  test('kernels of a step stand alone on wasm only', async () => {
    await rejects(
      () => runBench('pooling', { ...context, backend: { backend: 'reference' }, threads: [1] }),
      UsageError,
      'bench: the kernels of a step are measured on wasm alone, not on reference',
    );
  });

  if (whyNotNative() === undefined)
    test.unavailable('machine code that was asked for in vain', 'it runs here');
  else
    test('machine code that was asked for in vain', async () => {
      await rejects(
        () => runBenches({ names: ['matmul'], quick: true, threads: 1, native: 'on' }),
        BackendError,
        `${whyNotNative()}\n  Leave native out, or say off: results are the same.`,
      );
    });

  test('--list shows every bench with its question', async () => {
    const text = await printed(() => runBenches({ list: true }));
    assert.equal(
      text.split('\n').map((line) => line.split(' ')[0]),
      ['bench', ...benchNames],
    );
    assert.match(text, /^step +How long does a training step .*\?$/m);
  });

  test('results are printed as a table, or as JSON', async () => {
    const options = { names: ['pooling'], quick: true, threads: 1 };
    const text = await printed(() => runBenches(options));
    assert.match(text, /^pooling: How fast is the pooling/m);
    assert.match(text, /^kernel +threads/m);
    assert.match(text, /^\d+ maxPool2d .* 1 +\d/m);
    const { results } = JSON.parse(await printed(() => runBenches({ ...options, json: true })));
    const [result] = results;
    assert.is(result.bench, 'pooling');
    assert.is(result.quick, true);
    assert.is(result.rows.length, 8);
    assert.ok(result.machine.processors >= 1);
    assert.is(result.versions.node, process.versions.node);
  });
});
