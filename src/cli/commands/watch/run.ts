import { setTimeout } from 'node:timers/promises';
import { UsageError } from '../../../core/errors.js';
import { exists } from '../../../core/files.js';
import { startWatchServer } from '../../../watch/server.js';
import { readWatched } from '../../../watch/watched.js';
import { Interrupt } from '../../terminal/interrupt.js';
import { print } from '../../terminal/output.js';
import { watchText } from './text.js';

export interface WatchArguments {
  readonly folder: string;
  readonly terminal: boolean;
  readonly port: number;
}

const alternate = '\u001b[?1049h\u001b[?25l';
const normal = '\u001b[?25h\u001b[?1049l';

/** The whole screen until Ctrl-C; the last picture stays where the command was given. */
async function watchInTerminal(folder: string, signal: AbortSignal): Promise<void> {
  const { stdout } = process;
  const size = () => ({ width: stdout.columns || 80, height: (stdout.rows || 24) - 1 });
  if (!stdout.isTTY) {
    print(watchText(await readWatched(folder), { width: 120, height: 200 }));
    return;
  }
  let last = '';
  const leave = () => stdout.write(normal);
  process.once('exit', leave);
  stdout.write(alternate);
  try {
    while (!signal.aborted) {
      last = watchText(await readWatched(folder), size());
      // each line is cleared to its end, and what is below the last
      stdout.write(
        `\u001b[H${last
          .split('\n')
          .map((line) => `${line}\u001b[K`)
          .join('\n')}\u001b[J`,
      );
      await setTimeout(1000, undefined, { signal }).catch(() => {});
    }
  } finally {
    leave();
    process.off('exit', leave);
    print(last);
  }
}

/** Shows runs while they are trained, until Ctrl-C. */
export async function runWatch({ folder, terminal, port }: WatchArguments): Promise<void> {
  if (folder !== 'runs' && !(await exists(folder)))
    throw new UsageError(`watch: ${folder}: there is no such folder`);
  const interrupt = new Interrupt(() => {});
  try {
    if (terminal) return await watchInTerminal(folder, interrupt.signal);
    const server = await startWatchServer(folder, port);
    print(`${server.url}\nCtrl-C ends it`);
    await new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve()));
    await server.close();
  } finally {
    interrupt.end();
  }
}
