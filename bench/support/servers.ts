/** Servers of the queue, as Debian installs them: `redis-server` and `postgresql`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** The exit code of a child once it has ended. */
export const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('close', resolve));

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.end() !== undefined));
    socket.on('error', () => resolve(false));
  });

/** A server that keeps what it was told, so that it can be stopped and started again. */
export class Server {
  private process: ChildProcess | undefined;

  constructor(
    readonly url: (port: number, host?: string) => string,
    private readonly port: number,
    private readonly command: readonly string[],
  ) {}

  async start(): Promise<void> {
    const [program, ...words] = this.command;
    this.process = spawn(program!, words, { stdio: 'ignore' });
    for (let i = 0; i < 300 && !(await answers(this.port)); i++) await wait(100);
  }

  /** As Ctrl-C does: whoever is connected is cut off. */
  async stop(): Promise<void> {
    const ending = this.process && ended(this.process);
    this.process?.kill('SIGINT');
    await ending;
  }
}

function redis(port: number, folder: string): Server {
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--appendonly', 'yes', '--dir', folder];
  return new Server((at, host = '127.0.0.1') => `redis://${host}:${at}`, port, ['redis-server', ...words]);
}

function postgres(port: number): Server {
  const programs = '/usr/lib/postgresql';
  const bin = join(programs, readdirSync(programs).at(-1)!, 'bin');
  const data = mkdtempSync(join(tmpdir(), 'quern-bench-postgres-'));
  // it does not run as root
  const user = process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--clear-groups', '--'] : [];
  if (user.length > 0) spawnSync('chown', ['postgres', data]);
  const [program, ...words] = [...user, join(bin, 'initdb'), '-D', data, '-U', 'postgres', '-A', 'trust'];
  const made = spawnSync(program!, words, { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const options = ['-D', data, '-p', String(port), '-k', data, '-c', 'listen_addresses=127.0.0.1'];
  return new Server((at, host = '127.0.0.1') => `postgres://postgres@${host}:${at}/postgres`, port, [
    ...user,
    join(bin, 'postgres'),
    ...options,
  ]);
}

/** A server that is not started yet; its data go into `folder`, PostgreSQL's into a folder of its user. */
export function serverOf(kind: string, port: number, folder: string): Server {
  if (kind === 'redis') return redis(port, folder);
  if (kind === 'postgres') return postgres(port);
  throw new Error(`--on ${kind}: redis and postgres are known`);
}
