/** Measurements that need a process of their own: how it starts, what memory it takes. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BackendError } from '../../src/core/errors.js';

export interface Answer<T> {
  /** What the child printed: one line of JSON. */
  readonly value: T;
  /** From before the child was started to its answer. */
  readonly seconds: number;
}

/**
 * Runs a module of this project in a new process and waits for its first line, then for its end.
 *
 * @param module relative to `dist/bench`, such as `support/children/firstStep.js`
 * @throws BackendError with the child's own words when it ends without an answer
 */
export function askChild<T>(module: string, words: readonly string[]): Promise<Answer<T>> {
  const path = fileURLToPath(new URL(`../${module}`, import.meta.url));
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, [path, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let answered: number | undefined;
    let text = '';
    let complaint = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) answered ??= performance.now();
    });
    child.stderr.on('data', (chunk) => {
      complaint += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (answered === undefined || code !== 0) {
        // among the lines of a stack, the one that says what is wrong
        const said = complaint.split('\n').find((line) => /^\w*Error\b/.test(line));
        const reason = said ?? `exit code ${code}`;
        reject(new BackendError(`bench: ${module} ended without an answer: ${reason}`));
        return;
      }
      resolve({ value: JSON.parse(text.split('\n')[0]!) as T, seconds: (answered - started) / 1000 });
    });
  });
}
