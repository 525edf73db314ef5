/** Commands and the library where a process may have 64 files open. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import * as assert from 'uvu/assert';
import { inFolder } from '../../data/support.js';
import { suite } from '../../support/suite.js';
import { main } from '../support.js';

const index = join(import.meta.dirname, '../../../src/index.js');

/** Three hundred pictures of two classes: bright above, bright below. */
function writePictures(folder: string): void {
  for (const name of ['above', 'below']) {
    mkdirSync(join(folder, name));
    const data = Uint8Array.from({ length: 784 }, (_, i) => (i < 392 === (name === 'above') ? 200 : 0));
    const bytes = encode({ width: 28, height: 28, channels: 1, data });
    for (let i = 0; i < 150; i++) writeFileSync(join(folder, name, `${i}.png`), bytes);
  }
}

/** Runs node as `ulimit -n 64` lets it. */
function limited(cwd: string, ...words: readonly string[]): string {
  const command = ['ulimit -n 64; exec "$@"', 'sh', process.execPath, ...words];
  const { status, stdout, stderr } = spawnSync('sh', ['-c', ...command], { cwd, encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return stdout;
}

suite('64 open files', (test) => {
  if (process.platform === 'win32') {
    test.unavailable('commands and the library', 'Windows has no ulimit');
    return;
  }

  test('train, evaluate and predict on more pictures than may be open', () =>
    inFolder(async (folder) => {
      mkdirSync(join(folder, 'pictures'));
      writePictures(join(folder, 'pictures'));
      const train = ['train', 'mnist-mlp', '--data', 'pictures', '--epochs', '2', '--out', 'run'];
      assert.match(limited(folder, main, ...train, '--quiet'), /test accuracy +100\.00%/);
      assert.match(limited(folder, main, 'evaluate', 'run', '--data', 'pictures', '--split', 'all'), /300/);
      limited(folder, main, 'predict', 'run', 'pictures', '--out', 'predictions.csv');
      assert.is(readFileSync(join(folder, 'predictions.csv'), 'utf8').trim().split('\n').length, 301);
    }));

  test('the library is imported and trains', () =>
    inFolder(async (folder) => {
      const program = `
        const { dense, fit, flatten, loadDataset, openEngine, sequential, sgd } = await import('${index}');
        const { train } = await loadDataset('fixture');
        const engine = await openEngine({ threads: 2 });
        const run = await fit(engine, sequential([flatten(), dense(10)]), train, { optimizer: sgd(), epochs: 1 });
        console.log(run.history.length);
        await engine.close();`;
      assert.is(limited(folder, '--input-type=module', '-e', program).trim(), '1');
    }));
});
