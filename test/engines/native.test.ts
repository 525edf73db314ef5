import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { whyNotNative } from '../../src/backends/wasm/native/choose.js';
import type { TrainingResult } from '../../src/runs/result.js';
import { suite } from '../support/suite.js';
import type { NativeFindings } from './nativeKernels.js';
import type { NativeTrainings } from './nativeTrainings.js';
import { ableNode, noOtherNodes, runScript } from './support.js';

suite('kernels in machine code', (test) => {
  const node = ableNode();
  const reason = process.platform !== 'linux' || process.arch !== 'x64' ? whyNotNative() : undefined;
  if (node === undefined || reason !== undefined) {
    test.unavailable(
      'bytes of WebAssembly',
      reason ?? `${whyNotNative()}; ${noOtherNodes}, or none that has`,
    );
    return;
  }
  const has512 = readFileSync('/proc/cpuinfo', 'utf8').includes(' avx512');
  for (const [level, lanes] of [
    ['avx2', '8'],
    ['avx512', '16'],
  ] as const) {
    const what = `${level}: every kernel case gives the bytes of WebAssembly, between guard pages too`;
    if (level === 'avx512' && !has512) {
      test.unavailable(what, 'this processor has no AVX-512');
      continue;
    }
    test(what, async () => {
      const findings = await runScript<NativeFindings>(node, './nativeKernels.js', { words: [level, lanes] });
      console.log(`    ${findings.engine}: ${findings.cases} cases`);
      assert.equal(findings.different, []);
      assert.ok(findings.cases > 500);
    });
  }

  test('every op agrees with the reference, and so do its gradients', () => {
    const script = fileURLToPath(new URL('../tensor/parity.test.js', import.meta.url));
    const env = { ...process.env, QUERN_NATIVE: 'on' };
    const printed = execFileSync(node, [script], { env, timeout: 300_000 }).toString();
    const passed = Number(/Passed: +(\d+)/.exec(printed)?.[1]);
    console.log(`    ${passed} comparisons`);
    assert.ok(passed > 1000);
  });

  test('under the permission model: wasm, and the report has the reason', () => {
    const index = new URL('../../src/index.js', import.meta.url).href;
    const code = `const { openEngine } = await import('${index}');
      const engine = await openEngine({ backend: 'wasm', threads: 1 });
      console.log(engine.report.native);
      await engine.close();`;
    const printed = (...flags: string[]) => {
      const words = ['--permission', '--allow-fs-read=*', ...flags, '--input-type=module', '-e', code];
      // a place without what an earlier test has found
      const env = { ...process.env, QUERN_CACHE: '/dev/null' };
      return execFileSync(node, words, { env, stdio: ['ignore', 'pipe', 'ignore'] })
        .toString()
        .trim();
    };
    assert.is(printed(), "off: Node's permission model does not allow foreign functions");
    // neither files in memory nor other processes
    assert.is(printed('--allow-ffi'), 'off: the test of machine code does not run here');
  });

  test('a training writes its files under the permission model, where nothing may wait for the disk', () => {
    const folder = mkdtempSync(join(tmpdir(), 'quern-permission-'));
    try {
      const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
      const words = ['train', 'mnist-mlp', '--limit', '64', '--epochs', '1', '--threads', '1', '--offline'];
      const allowed = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*'];
      const out = join(folder, 'run');
      const all = [...allowed, main, ...words, '--backend', 'wasm', '--json', '--quiet', '--out', out];
      const printed = execFileSync(node, all, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
      const { native, steps } = JSON.parse(printed) as TrainingResult;
      assert.is(native, "off: Node's permission model does not allow foreign functions");
      assert.is(steps, 1);
      assert.ok(existsSync(join(out, 'model.safetensors')));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('trainings: the same weights with and without, on 1 to 4 threads, across a resume', async () => {
    const { trained, resumed, report, explained, beside, silent } = await runScript<NativeTrainings>(
      node,
      './nativeTrainings.js',
    );
    for (const [what, hashes] of Object.entries(trained)) assert.is(new Set(hashes).size, 1, what);
    assert.is(new Set(resumed).size, 1, 'resume');
    assert.ok(report === 'avx2' || report === 'avx512');
    assert.ok(explained.length > 1);
    const steps = explained.slice(0, -1);
    assert.is(explained.at(-1), `    machine code (${report}): all ${steps.length} steps`);
    for (const line of steps) assert.match(line, /, native (128|256|512)-bit(, \d+ vectors on the stack)?, /);
    // a kernel that has none is WebAssembly beside the others, and the report and the explanation say which, and why
    assert.is(beside.losses[0], beside.losses[1]);
    assert.is(beside.notNative, '1 of 2 kernels are WebAssembly: reduce: x64: no code for reductions');
    assert.match(beside.explained[0]!, /matmul.*, native \d+-bit, /);
    assert.match(beside.explained[1]!, /^ +1 .*, wasm: x64: no code for reductions, /);
    assert.is(beside.explained.at(-1), `    machine code (${report}): 1 of 2 steps; WebAssembly: 1 reduce`);
    assert.ok(silent, 'no warning of Node');
  });
});
