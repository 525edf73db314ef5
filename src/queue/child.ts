/** A process that trains, watched by the one that started it: it ends with it, and within its bounds. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** Limits of a training. */
export interface Bounds {
  /** Of memory, in megabytes. */
  readonly memory: number;
  /** In seconds. */
  readonly time: number;
}

interface ChildOptions {
  /** Node's own options and the program, such as the path of the command line. */
  readonly command: readonly string[];
  readonly words: readonly string[];
  readonly bounds: Bounds;
  /** Ends it: at the next step, and at once when it does not end within five seconds. */
  readonly signal: AbortSignal;
  /** Told of lines on its stderr. */
  readonly onLine?: ((line: string) => void) | undefined;
}

export interface ChildEnd {
  readonly code: number | null;
  /** The last that it complained of, without `quern: `. */
  readonly complaint: string;
  /** Seconds of processors; undefined where it was killed. */
  readonly processorSeconds?: number | undefined;
  /** Why it was killed; undefined where it was not. */
  readonly exceeded?: string | undefined;
}

const patience = 5000;

/** Resident memory in megabytes; undefined where the system does not tell. */
async function memoryOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(text)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

/** Kills a process that takes more than it may. Gives what ends the watch, and the reason if it was killed. */
function watch(child: ChildProcess, { memory, time }: Bounds): { end(): void; reason(): string | undefined } {
  let reason: string | undefined;
  const began = performance.now();
  const timer = setInterval(async () => {
    const used = child.pid === undefined ? undefined : await memoryOf(child.pid);
    if (used !== undefined && used > memory)
      reason = `it took ${Math.round(used)} MB of memory, more than ${memory}`;
    if ((performance.now() - began) / 1000 > time) reason = `it took more than ${time} seconds`;
    if (reason !== undefined) child.kill('SIGKILL');
  }, 1000);
  timer.unref();
  return { end: () => clearInterval(timer), reason: () => reason };
}

/** The environment of a child: nothing that opens a queue or a store. */
function childEnvironment(): NodeJS.ProcessEnv {
  const hidden = /^(QUERN_QUEUE|QUERN_STORE|AWS_|PG|REDIS)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !hidden.test(name)));
}

/** Runs a process to its end. It has a channel to this process, and ends when that breaks. */
export function runChild({ command, words, bounds, signal, onLine }: ChildOptions): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    // A group of its own: Ctrl-C reaches the parent alone, which hands it on once.
    const child = spawn(process.execPath, [...command, ...words], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: childEnvironment(),
      detached: true,
    });
    const guard = watch(child, bounds);
    let complaint = '';
    let rest = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        if (line.startsWith('quern: ')) complaint = line.slice('quern: '.length);
        onLine?.(line);
      }
    });
    let processorSeconds: number | undefined;
    child.on('message', (message: { readonly processorSeconds?: number }) => {
      processorSeconds = message.processorSeconds;
    });
    const kill = () => child.kill('SIGKILL');
    const stop = () => {
      child.kill('SIGINT');
      setTimeout(kill, patience).unref();
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    process.once('exit', kill);
    const done = () => {
      guard.end();
      signal.removeEventListener('abort', stop);
      process.off('exit', kill);
    };
    child.on('error', (error) => {
      done();
      reject(error);
    });
    child.on('close', (code) => {
      done();
      resolve({ code, complaint, processorSeconds, exceeded: guard.reason() });
    });
  });
}
