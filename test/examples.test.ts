import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { suite } from './support/suite.js';

/** What an example prints. A failing one rejects with its error. */
async function outputOf(name: string): Promise<string> {
  const path = fileURLToPath(new URL(`../examples/${name}.js`, import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path], { timeout: 60_000 });
  assert.is(stderr, '');
  return stdout;
}

suite('examples', (test) => {
  test('custom-loop learns the spirals', async () => {
    const output = await outputOf('custom-loop');
    const [, loss, accuracy] = /after 600 steps: loss (\S+), accuracy (\S+)/.exec(output) ?? [];
    assert.ok(Number(loss) < 0.05, output);
    assert.ok(Number(accuracy) > 0.98, output);
  });

  test('custom-layer has its parameters where they belong', async () => {
    const output = await outputOf('custom-layer');
    // 3·3·16·16 + 16 of the convolution, 16 + 16 of the normalization
    assert.match(
      output,
      /layers\.1\.body\.layers\.0 {2}example\.layerNormalization {2}\[28, 28, 16\] {2} +32 /,
    );
    assert.match(output, /layers\.1\.body\.layers\.2 {2}conv2d +\[28, 28, 16\] {2} +2,320 /);
    assert.match(
      output,
      /^restored from JSON: layers\.0\.filter, layers\.0\.bias, layers\.1\.body\.layers\.0\.scale, /m,
    );
  });

  test('custom-op has the gradients that it says', async () => {
    const output = await outputOf('custom-op');
    const rows = [...output.matchAll(/: (\S+), by differences (\S+)/g)];
    assert.is(rows.length, 2);
    for (const [, analytic, numeric] of rows) {
      assert.not(Number(analytic) === 0);
      assert.ok(Math.abs(Number(analytic) / Number(numeric) - 1) < 1e-5, output);
    }
  });

  test('softsign has the gradient that it says', async () => {
    const [, error] = /^the gradient is right to (\S+)$/m.exec(await outputOf('softsign')) ?? [];
    assert.ok(Number(error) < 1e-5, error);
  });
});
