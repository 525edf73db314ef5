import { WebAssemblyKernel } from 'gpu.js';
import * as assert from 'uvu/assert';
import type { GpuSource } from '../../kernels/gpu.js';
import { GpuDevice, gpuModes } from '../../src/backends/gpu/device.js';
import { BackendError } from '../../src/core/errors.js';
import { suite } from '../support/suite.js';

function doubled(body: string, [columns, rows]: readonly [number, number] = [3, 2]): GpuSource {
  return { source: `function doubled(x0) { ${body} }`, output: [columns, rows], columns: [columns] };
}

const twice = 'return x0[this.thread.y][this.thread.x] * 2;';

/** What `action` throws; gpu.js's lines on the console go nowhere meanwhile. */
function failure(action: () => unknown): Error {
  const { warn, error } = console;
  console.warn = console.error = () => {};
  try {
    action();
  } catch (thrown) {
    assert.instance(thrown, BackendError);
    return thrown as Error;
  } finally {
    Object.assign(console, { warn, error });
  }
  return assert.unreachable('should have been refused') as never;
}

for (const mode of gpuModes) {
  suite(`backends/gpu/device in gpu.js's mode ${mode}`, (test) => {
    const device = new GpuDevice(mode);
    test.after(() => device.close());

    test('gives a buffer of its own per run, whatever the number of rows', () => {
      for (const output of [
        [3, 2],
        [6, 1],
        [1, 6],
      ] as const) {
        const run = device.compile(doubled(twice, output), [6]);
        const input = Float32Array.of(1, 2, 3, 4, 5, 6);
        const first = run([input]);
        const second = run([Float32Array.of(0, 0, 0, 0, 0, 1)]);
        assert.equal(first, Float32Array.of(2, 4, 6, 8, 10, 12));
        assert.equal(second, Float32Array.of(0, 0, 0, 0, 0, 2));
        assert.equal(input, Float32Array.of(1, 2, 3, 4, 5, 6));
      }
    });

    test('compiles equal texts over equal tables once', () => {
      const run = device.compile(doubled(twice), [6]);
      assert.is(device.compile(doubled(twice), [6]), run);
      assert.is.not(device.compile(doubled(twice), [9]), run);
      assert.is.not(device.compile(doubled(twice, [3, 1]), [6]), run);
    });

    test('a text that gpu.js does not take is an error with its cause', () => {
      const error = failure(() => device.compile(doubled('return y[0];'), [6]));
      assert.is(error.message, `gpu: doubled does not compile in gpu.js's mode ${mode}`);
      assert.instance(error.cause, Error);
    });
  });
}

suite('backends/gpu/device', (test) => {
  test('a kernel that gpu.js runs in another mode is an error', async () => {
    const device = new GpuDevice('webasm');
    // What gpu.js does itself for results that its webasm mode cannot store.
    const kernels = WebAssemblyKernel.prototype as unknown as { translateSource: () => boolean };
    const { translateSource } = kernels;
    kernels.translateSource = () => false;
    try {
      const error = failure(() => device.compile(doubled(twice), [6]));
      assert.match(
        error.message,
        /^gpu: doubled fell back from gpu\.js's mode webasm to cpu: return type .* is not/,
      );
    } finally {
      kernels.translateSource = translateSource;
    }
    await device.close();
  });
});
