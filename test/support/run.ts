/**
 * Runs every `*.test.js` below dist/test, each in a process of its own, two at a time, and prints the totals.
 *
 *     node dist/test/support/run.js [part of a path …]
 *
 * A file that registers no test, or dies before its totals, is a failure.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const filters = process.argv.slice(2);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => filters.length === 0 || filters.some((part) => file.includes(part)))
  .sort();

interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

function runFile(file: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, ['--expose-gc', join(root, file)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0' },
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.stderr.on('data', (chunk) => {
      text += chunk;
    });
    child.on('close', (code) => {
      const sum = (label: string) =>
        [...text.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce(
          (total, m) => total + Number(m[1]),
          0,
        );
      const outcome = {
        passed: sum('Passed'),
        failed: sum('Total') - sum('Passed'),
        skipped: sum('Skipped'),
      };
      if (outcome.failed === 0 && (code !== 0 || outcome.passed + outcome.skipped === 0)) outcome.failed = 1;
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const name = relative(root, join(root, file));
      console.log(`${outcome.failed === 0 ? 'ok  ' : 'FAIL'} ${name} ${outcome.passed} in ${seconds} s`);
      for (const line of text.split('\n')) if (line.startsWith('skipped: ')) console.log(`     ${line}`);
      if (outcome.failed > 0) console.log(text.trimEnd());
      resolve(outcome);
    });
  });
}

const totals: Outcome = { passed: 0, failed: 0, skipped: 0 };
const queue = [...files];
async function work(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const outcome = await runFile(file);
    totals.passed += outcome.passed;
    totals.failed += outcome.failed;
    totals.skipped += outcome.skipped;
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
if (files.length === 0) {
  console.error(`no test file matches ${filters.join(', ')}`);
  totals.failed = 1;
}
console.log(`${files.length} files, ${totals.skipped} skipped`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;
