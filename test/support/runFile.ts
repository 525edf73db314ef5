/** Runs a file of tests in a process of its own, within a limit of time. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface FileRun extends Outcome {
  readonly seconds: number;
  /** All that it printed, and what hung. */
  readonly text: string;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly words: string;
}

/** A process and all that it has started, where the system tells. */
function familyOf(pid: number): Process[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' });
  const all = [...(stdout ?? '').matchAll(/^ *(\d+) +(\d+) (.*)$/gm)].map(
    ([, own, parent, words]): Process => ({ pid: Number(own), parent: Number(parent), words: words! }),
  );
  const family = all.filter((each) => each.pid === pid);
  for (const member of family) family.push(...all.filter(({ parent }) => parent === member.pid));
  return family;
}

/** Ends a file that hangs with all that it has started. Gives a text about them. */
function endHanging(child: ChildProcess, limit: number): string {
  const family = familyOf(child.pid!);
  for (const { pid } of family.slice(1)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended meanwhile
    }
  }
  child.kill('SIGKILL');
  const lines = family.map(({ pid, words }) => `  ${pid} ${words}`);
  return [`it hung: after ${limit} seconds these processes were there:`, ...lines].join('\n');
}

const sum = (text: string, label: string) =>
  [...text.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce(
    (total, m) => total + Number(m[1]),
    0,
  );

/**
 * Runs a file. One that registers no test, dies before its totals or takes longer than it may is a failure.
 *
 * @param limit in seconds
 */
export function runFile(path: string, limit: number): Promise<FileRun> {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, ['--expose-gc', path], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0' },
    });
    let text = '';
    const take = (chunk: Buffer) => {
      text += chunk;
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      text += `\n${endHanging(child, limit)}\n`;
    }, limit * 1000);
    child.on('close', (code) => {
      clearTimeout(timer);
      const passed = sum(text, 'Passed');
      const skipped = sum(text, 'Skipped');
      const told = sum(text, 'Total') - passed;
      const silent = hung || code !== 0 || passed + skipped === 0;
      const failed = told === 0 && silent ? 1 : told;
      resolve({ passed, failed, skipped, seconds: (performance.now() - started) / 1000, text });
    });
  });
}
