/**
 * Runs every `*.test.js` below dist/test, each in a process of its own, two at a time, and prints the totals.
 *
 *     node dist/test/support/run.js [part of a path …]
 *
 * A file that registers no test, dies before its totals, or takes more than ten minutes is a failure.
 */
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runFile } from './runFile.js';

/** Seconds that a file may take. */
const limit = 600;

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const filters = process.argv.slice(2);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => filters.length === 0 || filters.some((part) => file.includes(part)))
  .sort();

const totals = { passed: 0, failed: 0, skipped: 0 };
const queue = [...files];
async function work(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const { passed, failed, skipped, seconds, text } = await runFile(join(root, file), limit);
    console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${file} ${passed} in ${seconds.toFixed(1)} s`);
    for (const line of text.split('\n')) if (line.startsWith('skipped: ')) console.log(`     ${line}`);
    if (failed > 0) console.log(text.trimEnd());
    totals.passed += passed;
    totals.failed += failed;
    totals.skipped += skipped;
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
