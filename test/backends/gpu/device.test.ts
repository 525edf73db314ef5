import * as assert from 'uvu/assert';
import gpuJs from '#gpu.js';
import type { GpuSource } from '../../../kernels/gpu.js';
import { GpuBuffer } from '../../../src/backends/gpu/buffer.js';
import type { RunKernel } from '../../../src/backends/gpu/device.js';
import { HostDevice } from '../../../src/backends/gpu/hostDevice.js';
import { hostModes } from '../../../src/backends/gpu/modes.js';
import { openMode } from '../../../src/backends/gpu/open.js';
import { BackendError } from '../../../src/core/errors.js';
import { provideTestDisplay } from '../../support/display.js';
import { reasonOf } from '../../support/runCase.js';
import { suite } from '../../support/suite.js';
import { provideTestWebGpu } from '../../support/webgpu.js';

function doubled(body: string, [columns, rows]: readonly [number, number] = [3, 2]): GpuSource {
  return { source: `function doubled(x0) { ${body} }`, output: [columns, rows], columns: [columns] };
}

const twice = 'return x0[this.thread.y][this.thread.x] * 2;';

/** What `action` throws; gpu.js's lines on the console go nowhere meanwhile. */
async function failure(action: () => Promise<unknown>): Promise<Error> {
  const { warn, error } = console;
  console.warn = console.error = () => {};
  try {
    await action();
  } catch (thrown) {
    assert.instance(thrown, BackendError);
    return thrown as Error;
  } finally {
    Object.assign(console, { warn, error });
  }
  return assert.unreachable('should have been refused') as never;
}

// gpu.js looks for a display once, when it first opens anything
await provideTestDisplay();
const noWebGpu = await provideTestWebGpu();
const webGpu = noWebGpu === undefined ? await openMode('webgpu') : noWebGpu;
const headlessGl = await openMode('headlessgl').catch(reasonOf);

for (const [mode, device] of [
  ...hostModes.map((mode) => [mode, new HostDevice(mode)] as const),
  ['webgpu', webGpu] as const,
  ['headlessgl', headlessGl] as const,
]) {
  suite(`backends/gpu/device in gpu.js's mode ${mode}`, (test) => {
    if (typeof device === 'string') {
      test.unavailable('everything', device);
      return;
    }
    test.after(() => device.close());

    const elements = async (run: RunKernel, values: Float32Array) =>
      device.read(await run([GpuBuffer.ofHost(values)]));

    test('gives a buffer of its own per run, whatever the number of rows', async () => {
      for (const output of [
        [3, 2],
        [6, 1],
        [1, 6],
      ] as const) {
        const run = await device.compile(doubled(twice, output), [6]);
        const input = Float32Array.of(1, 2, 3, 4, 5, 6);
        const first = await elements(run, input);
        const second = await elements(run, Float32Array.of(0, 0, 0, 0, 0, 1));
        assert.equal(first, Float32Array.of(2, 4, 6, 8, 10, 12));
        assert.equal(second, Float32Array.of(0, 0, 0, 0, 0, 2));
        assert.equal(input, Float32Array.of(1, 2, 3, 4, 5, 6));
      }
    });

    test('compiles equal texts over equal tables once', async () => {
      const run = await device.compile(doubled(twice), [6]);
      assert.is(await device.compile(doubled(twice), [6]), run);
      assert.is.not(await device.compile(doubled(twice), [9]), run);
      assert.is.not(await device.compile(doubled(twice, [3, 1]), [6]), run);
    });

    test('more rows than an axis of threads has', async () => {
      const rows = 600_000;
      const source = 'function count() { return this.thread.y * 2 + this.thread.x; }';
      const run = await device.compile({ source, output: [2, rows], columns: [] }, []);
      const counted = await device.read(await run([]));
      assert.is(counted.length, 2 * rows);
      assert.ok(counted.every((value, i) => value === i));
    });

    test('what the device has been asked is done when it has settled', async () => {
      const run = await device.compile(doubled(twice), [6]);
      const buffer = await run([GpuBuffer.ofHost(Float32Array.of(1, 2, 3, 4, 5, 6))]);
      await device.settle();
      assert.equal(await device.read(buffer), Float32Array.of(2, 4, 6, 8, 10, 12));
    });

    test('memory is used again once nobody holds it, and never before', async () => {
      const run = await device.compile(doubled(twice), [6]);
      const values = GpuBuffer.ofHost(Float32Array.of(1, 1, 1, 1, 1, 1));
      const held = await run([values]);
      const quadrupled = await run([held]);
      const again = await run([quadrupled]);
      quadrupled.release();
      const last = await run([held]);
      assert.equal(await device.read(again), new Float32Array(6).fill(8));
      assert.equal(await device.read(last), new Float32Array(6).fill(4));
      assert.equal(await device.read(held), new Float32Array(6).fill(2));
    });

    test('a text that gpu.js does not take is an error with its cause', async () => {
      const error = await failure(() => device.compile(doubled('return y[0];'), [6]));
      const where = device.adapter === undefined ? `gpu.js's mode ${mode}` : `${mode} on ${device.adapter}`;
      const start = `gpu: doubled [2, 3] cannot be made in ${where}: `;
      assert.is(error.message.slice(0, start.length), start);
      assert.instance(error.cause, Error);
    });
  });
}

suite('backends/gpu/device', (test) => {
  test('a kernel that gpu.js runs in another mode is an error', async () => {
    const device = new HostDevice('webasm');
    // What gpu.js does itself for results that its webasm mode cannot store.
    const kernels = gpuJs.WebAssemblyKernel.prototype as unknown as { translateSource: () => boolean };
    const { translateSource } = kernels;
    kernels.translateSource = () => false;
    try {
      const error = await failure(() => device.compile(doubled(twice), [6]));
      assert.match(
        error.message,
        /^gpu: doubled \[2, 3\] fell back to another mode \(return type .* is not .*\) in gpu\.js's mode webasm$/,
      );
    } finally {
      kernels.translateSource = translateSource;
    }
    await device.close();
  });
});
