import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { machineKey } from '../../src/core/machine.js';
import { workOf } from '../../src/doctor/work.js';
import { autoRule, chooseBackend, estimateSeconds } from '../../src/engine/auto.js';
import { openAuto } from '../../src/engine/choose.js';
import {
  type MeasuredBackend,
  readMeasurements,
  type Work,
  writeMeasurements,
} from '../../src/engine/measurements.js';
import { dense } from '../../src/nn/layers/dense.js';
import { Model } from '../../src/nn/model.js';
import { sgd } from '../../src/optimizers/sgd.js';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';

const wasm: MeasuredBackend = {
  backend: 'wasm',
  speed: { secondsPerKernel: 1e-6, matmulRate: 4e10, convolutionRate: 5e10 },
};
const gpu: MeasuredBackend = {
  ...{ backend: 'gpu', mode: 'webgpu', adapter: 'a card' },
  speed: { secondsPerKernel: 1e-4, matmulRate: 4e11, convolutionRate: 2e11 },
};
const measurements = { backends: [wasm, gpu] };

/** 20 kernels; 4e8 and 1e9 operations: 10 ms and 20 ms on wasm beside overheads of 0.02 ms and 2 ms. */
const large: Work = { kernels: 20, matmulFlops: 4e8, convolutionFlops: 1e9 };
const small: Work = { kernels: 20, matmulFlops: 4e6, convolutionFlops: 0 };

suite('auto', (test) => {
  test('an estimate adds overheads and operations', () => {
    // 20 · 1e-6 + 4e8 / 4e10 + 1e9 / 5e10 = 0.00002 + 0.01 + 0.02
    assert.ok(Math.abs(estimateSeconds(wasm.speed, large) - 0.03002) < 1e-12);
    // 20 · 1e-4 + 4e8 / 4e11 + 1e9 / 2e11 = 0.002 + 0.001 + 0.005
    assert.ok(Math.abs(estimateSeconds(gpu.speed, large) - 0.008) < 1e-12);
  });

  test('large steps go to the GPU, small ones stay', () => {
    assert.equal(
      chooseBackend({ measurements }, () => large),
      {
        ...{ backend: 'gpu', mode: 'webgpu', adapter: 'a card' },
        reason: 'auto takes gpu webgpu: an estimated 8 ms a step on gpu webgpu, 30 ms a step on wasm',
      },
    );
    const { backend, reason } = chooseBackend({ measurements }, () => small);
    assert.is(backend, 'wasm');
    assert.is(reason, 'auto takes wasm: an estimated 0.12 ms a step on wasm, 2 ms a step on gpu webgpu');
  });

  test('wasm where there is nothing to choose by', () => {
    const reasonOf = (...words: Parameters<typeof chooseBackend>) => {
      const { backend, reason } = chooseBackend(...words);
      assert.is(backend, 'wasm');
      return reason;
    };
    assert.is(
      reasonOf({}, () => large),
      autoRule,
    );
    assert.is(
      reasonOf({ note: 'it is ignored' }, () => large),
      'auto takes wasm: it is ignored',
    );
    assert.is(reasonOf({ measurements }, undefined), 'auto takes wasm: a GPU is for training alone');
    assert.is(
      reasonOf({ measurements: { backends: [wasm] } }, () => large),
      'auto takes wasm: quern doctor found no hardware GPU',
    );
    assert.is(
      reasonOf({ measurements: { backends: [] } }, () => large),
      'auto takes wasm: quern doctor found no hardware GPU',
    );
  });

  test('the work of a step is counted from its plan', () => {
    // [32, 784] · [784, 10] forward and [784, 32] · [32, 10] backward: 2 · 32 · 784 · 10 each, and an epilogue's little
    const { matmulFlops, convolutionFlops, kernels } = workOf(new Model(dense(10), [784], 0), {
      optimizer: sgd(),
      batchSize: 32,
    });
    assert.ok(matmulFlops >= 1003520 && matmulFlops < 1040000, String(matmulFlops));
    assert.is(convolutionFlops, 0);
    assert.ok(kernels >= 4 && kernels < 20, String(kernels));
  });
});

suite('measurements that are kept', (test) => {
  test('come back as they were', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'below', 'doctor.json');
      assert.equal(await readMeasurements(file), {});
      await writeMeasurements(file, measurements);
      assert.equal(await readMeasurements(file), { measurements });
    }));

  test('are ignored with a note when they are damaged, or of another machine or version', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'doctor.json');
      await writeMeasurements(file, measurements);
      const text = readFileSync(file, 'utf8');
      const whole = JSON.parse(text);
      assert.equal(whole.machine, await machineKey());
      const damaged = `${file} holds no measurements of this version and is ignored`;
      const noteOf = async (contents: string) => {
        writeFileSync(file, contents);
        const { measurements: kept, note } = await readMeasurements(file);
        assert.is(kept, undefined);
        return note;
      };
      assert.is(await noteOf(text.slice(0, 100)), damaged);
      assert.is(await noteOf('null'), damaged);
      assert.is(await noteOf(JSON.stringify({ ...whole, version: 0 })), damaged);
      for (const speed of [
        undefined,
        { ...wasm.speed, matmulRate: -1 },
        { ...wasm.speed, convolutionRate: 'x' },
      ]) {
        const backends = [{ ...wasm, speed }];
        assert.is(await noteOf(JSON.stringify({ ...whole, backends })), damaged);
      }
      for (const part of ['quern', 'processor', 'node']) {
        const machine = { ...whole.machine, [part]: 'other' };
        assert.is(
          await noteOf(JSON.stringify({ ...whole, machine })),
          `${file} was measured with another ${part} and is ignored; quern doctor measures anew`,
        );
      }
      assert.is((await readMeasurements(folder)).note, `${folder} cannot be read and is ignored`);
    }));
});

suite('opening auto', (test) => {
  const opened = async (...asked: Parameters<typeof openAuto>) => {
    const { backend, reason } = await openAuto(...asked);
    const { report } = backend;
    await backend.close();
    return { report, reason };
  };
  /** With a GPU of this kind among what was measured. */
  const withGpu = (changes: Partial<MeasuredBackend>, use: (file: string) => Promise<void>) =>
    inFolder(async (folder) => {
      const file = join(folder, 'doctor.json');
      await writeMeasurements(file, { backends: [wasm, { ...gpu, ...changes }] });
      await use(file);
    });

  test('without a file the fixed rule holds', async () => {
    const { report, reason } = await opened({ threads: 1 }, { work: () => large });
    assert.is(report.backend, 'wasm');
    assert.is(reason, autoRule);
  });

  test('what was measured is opened', () =>
    // a mode that runs everywhere stands for a card; like the modes of the CPU, it has no adapter
    inFolder(async (folder) => {
      const file = join(folder, 'doctor.json');
      const { adapter: _, ...card } = gpu;
      await writeMeasurements(file, { backends: [wasm, { ...card, mode: 'cpu' }] });
      const { report, reason } = await opened({}, { measurementsFile: file, work: () => large });
      assert.is(report.backend, 'gpu');
      assert.is(report.mode, 'cpu');
      assert.match(reason, /^auto takes gpu cpu: an estimated 8 ms a step on gpu cpu, 30 ms a step on wasm$/);
    }));

  test('another adapter is left for wasm', () =>
    withGpu({ mode: 'cpu' }, async (file) => {
      const { report, reason } = await opened({}, { measurementsFile: file, work: () => large });
      assert.is(report.backend, 'wasm');
      assert.is(reason, 'auto takes wasm: gpu cpu was measured on a card, now it is the CPU');
    }));

  test('one that is gone is left for wasm', () =>
    withGpu({ mode: 'vulkan' }, async (file) => {
      const { report, reason } = await opened({}, { measurementsFile: file, work: () => large });
      assert.is(report.backend, 'wasm');
      assert.match(
        reason,
        /^auto takes wasm: gpu vulkan was measured on a card and does not open: gpu: gpu\.js has no mode 'vulkan': /,
      );
    }));

  test('options of wasm ask for wasm', () =>
    withGpu({ mode: 'cpu' }, async (file) => {
      const { report, reason } = await opened({ threads: 1 }, { measurementsFile: file, work: () => large });
      assert.is(report.backend, 'wasm');
      assert.is(report.threads, 1);
      assert.is(reason, 'auto takes wasm: it was given options of wasm');
    }));
});
