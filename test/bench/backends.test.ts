import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { backendBenchNames } from '../../bench/benches.js';
import { runBench } from '../../bench/main.js';
import type { Context } from '../../bench/support/bench.js';
import { isSummary } from '../../bench/support/statistics.js';
import { BackendError, UsageError } from '../../src/core/errors.js';
import { quern } from '../cli/support.js';
import { inFolder } from '../data/support.js';
import { rejects, throws } from '../support/messages.js';
import { suite } from '../support/suite.js';

/** Just enough to see that everything runs. */
const context: Context = {
  sampling: { rounds: 2, seconds: 0.001, warmUpSeconds: 0 },
  quick: true,
  backend: {},
  threads: [1],
  progress: () => {},
};

suite('benches over backends', (test) => {
  for (const name of backendBenchNames([])) {
    test(`${name}: every backend that is there, beside wasm`, async () => {
      const { rows, notes, backends, plots, columns } = await runBench(name, context);
      const ran = backends.map(({ backend, mode }) => (mode === undefined ? backend : `${backend} ${mode}`));
      assert.is(ran[0], 'wasm');
      for (const mode of ['gpu webasm', 'gpu cpu']) assert.ok(ran.includes(mode), mode);
      assert.is(rows.length, 2 * ran.length);
      for (const row of rows) {
        for (const { key } of columns.slice(2)) {
          const value = row[key]!;
          const number = isSummary(value) ? value.median : (value as number);
          assert.ok(Number.isFinite(number) && number >= 0, `${key} is ${number}`);
        }
        if (row.backend === 'wasm') assert.is((row.timesAsFast as { median: number }).median, 1);
      }
      for (const mode of ran.slice(1)) {
        const told = new RegExp(`^${mode} is faster than wasm (from|never) .*, with transfers (from|never) `);
        assert.ok(
          notes.some((note) => told.test(note)),
          mode,
        );
      }
      // what is not there is said, with its reason
      for (const mode of ['webgpu', 'webgl2', 'webgl', 'headlessgl']) {
        const absent = notes.some((note) => note.startsWith(`gpu ${mode} is not there: `));
        assert.is(absent, !ran.includes(`gpu ${mode}`), mode);
      }
      assert.equal(
        plots[0]!.series.map((series) => series.name),
        ran,
      );
    });
  }

  test('a mode that is asked for by name must be there', async () => {
    const one = await runBench('matmul-backends', {
      ...context,
      backend: { backend: 'gpu', gpuMode: 'cpu' },
    });
    assert.equal(
      one.backends.map(({ mode }) => mode),
      [undefined, 'cpu'],
    );
    await rejects(
      () => runBench('matmul-backends', { ...context, backend: { backend: 'gpu', gpuMode: 'vulkan' } }),
      BackendError,
      "gpu: gpu.js has no mode 'vulkan': webgpu, webgl2, webgl, headlessgl, webasm, cpu",
    );
  });

  test('--backend all is for matmul and convolution', () => {
    assert.equal(backendBenchNames(['convolution']), ['convolution-backends']);
    throws(
      () => backendBenchNames(['step']),
      UsageError,
      "bench: --backend all is for matmul and convolution, not for 'step'",
    );
  });

  test('from the command line, with results as files', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'results');
      const words = ['bench', 'matmul', '--backend', 'all', '--gpu-mode', 'cpu', '--quick', '--out', out];
      const { code, stdout, stderr } = await quern(words);
      assert.is(code, 0, stderr);
      assert.match(stdout, /^matmul-backends: How fast is a square matrix product on every backend/m);
      assert.match(stdout, /^64³ +gpu cpu +\d/m);
      const result = JSON.parse(readFileSync(join(out, 'matmul-backends.json'), 'utf8'));
      assert.is(result.rows.length, 4);
      assert.ok(existsSync(join(out, 'matmul-backends.svg')));
    }));
});
