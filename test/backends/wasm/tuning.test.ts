import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { conv2dWasm } from '../../../kernels/conv2d/wasm.js';
import { wasmKernels, waysOf } from '../../../kernels/wasm.js';

import { openWasm, type WasmBackendOptions } from '../../../src/backends/wasm/wasm.js';
import { UsageError } from '../../../src/core/errors.js';
import { detectSimdLevel } from '../../../src/writers/wasm/simdLevel.js';
import { compileCase, runWasmCase, type WasmTable } from '../../kernels/wasmSupport.js';
import { kernelCases } from '../../support/kernelCases.js';
import { rejects } from '../../support/messages.js';
import { cnnStep, mlpStep } from '../../support/steps.js';
import { suite } from '../../support/suite.js';
import { prepareTraining } from './steps.js';

async function inFile(check: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quern-tuning-'));
  try {
    await check(join(folder, 'deeper', 'tuning.json'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Trains a little; gives the bytes that are left, what explain() says and what the backend reports. */
async function train(options: WasmBackendOptions, traced = cnnStep(3)) {
  const training = await prepareTraining(traced, { threads: 1, ...options });
  const explained = training.program.explain();
  await training.program.run(training.feeds(2), { steps: 2 });
  const bytes = await training.bytes();
  const { report } = training.backend;
  await training.backend.close();
  return { bytes, explained, report };
}

suite('measured tuning', (test) => {
  test('the bytes of the fixed rules; explain tells what was measured', async () => {
    const [fixed, measured] = [await train({}), await train({ tuning: 'measured' })];
    assert.ok(measured.bytes === fixed.bytes);
    assert.is(fixed.report.tuning, undefined);
    assert.not.match(fixed.explained, 'measured');
    assert.is(measured.report.tuning, 'measured');
    const lines = measured.explained.split('\n').filter((line) => /: (matmul|convolution)/.test(line));
    assert.ok(lines.length >= 4);
    const said = /, measured: (as by rule|rows \d|block [\d.]+|packRows (true|false)), \d+ units$/;
    for (const line of lines) assert.match(line, said);
    assert.not.match(measured.explained.split('\n').find((line) => line.includes('map_'))!, 'measured');
  });

  test('what was measured is read by the next engine, which measures nothing', () =>
    inFile(async (file) => {
      const first = await train({ tuning: 'measured', tuningFile: file });
      const kept = JSON.parse(readFileSync(file, 'utf8'));
      const [machine] = Object.keys(kept.machines);
      assert.match(machine!, /^quern .+, .+, node \d+\.\d+\.\d+$/);
      // every call another way than any measurement would say: tiles of the least height
      const rows = Math.min(
        ...waysOf('conv2d', { simd: detectSimdLevel(), shared: false }).map((way) => way.rows ?? 9),
      );
      const calls = Object.keys(kept.machines[machine!]);
      assert.ok(calls.length >= 5);
      for (const call of calls) kept.machines[machine!][call] = { rows };
      const text = JSON.stringify(kept);
      writeFileSync(file, text);
      const second = await train({ tuning: 'measured', tuningFile: file });
      assert.ok(second.bytes === first.bytes);
      assert.is(second.explained.split(`, measured: rows ${rows}, `).length - 1, calls.length);
      assert.is(readFileSync(file, 'utf8'), text, 'nothing was measured');
      // what other machines have found stays
      writeFileSync(file, JSON.stringify({ version: 1, machines: { another: { call: { rows: 1 } } } }));
      await train({ tuning: 'measured', tuningFile: file });
      assert.equal(Object.keys(JSON.parse(readFileSync(file, 'utf8')).machines), ['another', machine]);
    }));

  for (const [what, text] of [
    ['no JSON', '{"version": 1, "mach'],
    ['another version', '{"version": 2, "machines": {}}'],
    ['something else', '[1, 2]'],
    ['calls that are none', '{"version": 1, "machines": {"a": {"b": 3}}}'],
  ] as const) {
    test(`a file that holds ${what} is ignored with a note, and replaced`, () =>
      inFile(async (file) => {
        const here = join(file, '../../tuning.json');
        writeFileSync(here, text);
        const { report } = await train({ tuning: 'measured', tuningFile: here }, mlpStep(3));
        assert.is(report.tuning, `measured; ${here} is not a file of tunings and is ignored`);
        assert.is(JSON.parse(readFileSync(here, 'utf8')).version, 1);
      }));
  }

  test('a file that cannot be read is ignored with a note; one that cannot be written, without', () =>
    inFile(async (file) => {
      const folder = join(file, '../..');
      const { report } = await train({ tuning: 'measured', tuningFile: folder }, mlpStep(3));
      assert.is(report.tuning, `measured; ${folder} cannot be read and is ignored`);
    }));

  test('a way that a file names but the call does not have is measured anew', () =>
    inFile(async (file) => {
      await train({ tuning: 'measured', tuningFile: file });
      const kept = JSON.parse(readFileSync(file, 'utf8'));
      const [machine] = Object.keys(kept.machines);
      for (const call of Object.keys(kept.machines[machine!])) kept.machines[machine!][call] = { rows: 1000 };
      writeFileSync(file, JSON.stringify(kept));
      await train({ tuning: 'measured', tuningFile: file });
      assert.not.match(readFileSync(file, 'utf8'), '1000');
    }));

  test('neither fixed nor measured', () =>
    rejects(
      () => openWasm({ tuning: 'fast' as 'fixed' }),
      UsageError,
      'wasm: tuning must be fixed or measured: fast',
    ));
});

suite('every way gives the same bytes', (test) => {
  const options = { simd: detectSimdLevel(), shared: false };
  for (const kernelCase of kernelCases) {
    const [, ...others] = waysOf(kernelCase.kind, options);
    if (others.length === 0) continue;
    test(kernelCase.name, () => {
      const table = wasmKernels as WasmTable;
      const rule = runWasmCase(compileCase(table, kernelCase, options), kernelCase);
      for (const tuning of others) {
        const results = runWasmCase(compileCase(table, kernelCase, { ...options, tuning }), kernelCase, 3);
        const same = results.every((values, i) => Buffer.compare(bytesOf(values), bytesOf(rule[i]!)) === 0);
        assert.ok(same, JSON.stringify(tuning));
      }
    });
  }

  test('ways differ: smaller tiles are another kernel', () => {
    const image = { dtype: 'float32', shape: [2, 9, 9, 8], strides: [648, 72, 8, 1] } as const;
    const filter = { dtype: 'float32', shape: [3, 3, 8, 16], strides: [384, 128, 16, 1] } as const;
    const output = { dtype: 'float32', shape: [2, 7, 7, 16], strides: [784, 112, 16, 1] } as const;
    const padding = { top: 0, bottom: 0, left: 0, right: 0 };
    const specification = { strides: [1, 1], padding } as const;
    const call = { specification, inputs: [image, filter], outputs: [output] };
    const algorithms = waysOf('conv2d', options).map(
      (tuning) => conv2dWasm(call, { ...options, tuning }).algorithm,
    );
    assert.ok(new Set(algorithms).size >= 3, algorithms.join('\n'));
  });
});

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
