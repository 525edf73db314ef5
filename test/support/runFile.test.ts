import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { inFolder } from '../data/support.js';
import { runFile } from './runFile.js';
import { suite } from './suite.js';

const hanging = `
  import { spawn } from 'node:child_process';
  console.log('it begins');
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'a-child-that-stays'], { detached: true, stdio: 'inherit' });
  setInterval(() => {}, 1000);`;

suite('a file of tests', (test) => {
  test('one that hangs is ended with what it has started, which is told, and counts as failed', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'hanging.mjs');
      writeFileSync(path, hanging);
      const { passed, failed, seconds, text } = await runFile(path, 3);
      assert.equal([passed, failed], [0, 1]);
      assert.ok(seconds >= 3 && seconds < 60, String(seconds));
      assert.match(
        text,
        /^it begins\n\nit hung: after 3 seconds these processes were there:\n {2}\d+ .*hanging\.mjs\n {2}\d+ .*a-child-that-stays\n$/,
      );
      const left = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout;
      assert.not.match(left, new RegExp(`${path}`));
    }));

  test('one without a test, one that fails and one that passes', () =>
    inFolder(async (folder) => {
      const outcome = async (name: string, program: string) => {
        writeFileSync(join(folder, name), program);
        const { passed, failed, skipped } = await runFile(join(folder, name), 60);
        return [passed, failed, skipped];
      };
      const told = (total: number, passed: number) =>
        `console.log('  Total:     ${total}\\n  Passed:    ${passed}\\n  Skipped:   0');`;
      assert.equal(await outcome('none.mjs', ''), [0, 1, 0]);
      assert.equal(await outcome('fails.mjs', `${told(3, 2)} process.exitCode = 1;`), [2, 1, 0]);
      assert.equal(await outcome('dies.mjs', `${told(3, 3)} process.exit(1);`), [3, 1, 0]);
      assert.equal(await outcome('passes.mjs', told(3, 3)), [3, 0, 0]);
    }));
});
