import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { inFolder } from '../data/support.js';

export const main = join(import.meta.dirname, '../../src/cli/main.js');

/** In place of the user's own list of recipes. */
const config = join(tmpdir(), `quern-test-config-${process.pid}`);
process.once('exit', () => rmSync(config, { recursive: true, force: true }));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface QuernOptions {
  readonly cwd?: string | undefined;
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Options of node itself. */
  readonly node?: readonly string[] | undefined;
  /** Kills it (SIGKILL) after so many milliseconds. */
  readonly killAfter?: number | undefined;
  /** Given the process when it has started. */
  readonly onStart?: ((child: ChildProcess) => void) | undefined;
  /** Told of all that stderr has said so far. */
  readonly onError?: ((text: string, child: ChildProcess) => void) | undefined;
}

/** Runs the command line as its users do. */
export function quern(words: readonly string[], options: QuernOptions = {}): Promise<Ended> {
  const { cwd, environment, node = [], killAfter, onStart, onError } = options;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...node, main, ...words], {
      cwd,
      env: { ...process.env, FORCE_COLOR: undefined, QUERN_CONFIG: config, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onStart?.(child);
    const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      onError?.(stderr, child);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

let runs = 0;

/**
 * The same within this process, for what ends before it does anything: a process of its own takes ten times as long. One
 * at a time.
 */
export async function quernHere(words: readonly string[]): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const { argv, exitCode } = process;
  const { log, error } = console;
  console.log = (...values) => {
    said.stdout += `${format(...values)}\n`;
  };
  console.error = (...values) => {
    said.stderr += `${format(...values)}\n`;
  };
  process.argv = [process.execPath, main, ...words];
  process.exitCode = 0;
  try {
    // A module runs once for each address.
    await import(`${pathToFileURL(main)}?${++runs}`);
    return { code: Number(process.exitCode), ...said };
  } finally {
    Object.assign(console, { log, error });
    process.argv = argv;
    process.exitCode = exitCode;
  }
}

/** A recipe on the fixture, as its users write one. */
export const recipeText = (changes = '') => `
  import { adam, dense, defineRecipe, flatten, relu, sequential } from 'quern';
  export default defineRecipe({
    name: 'tiny', title: 'Tiny', dataset: 'fixture', epochs: 2, batchSize: 64,
    optimizer: adam({ learningRate: 0.02 }),
    layer: () => sequential([flatten(), dense(12), relu(), dense(10)]),
    ${changes}
  });`;

/** Runs in a folder of its own that holds `tiny.mjs`. */
export function inProject(run: (folder: string) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    writeFileSync(join(folder, 'tiny.mjs'), recipeText());
    await run(folder);
  });
}

/**
 * A training that several tests begin with: done once, by the first. Each runs in a folder of its own with all that it left,
 * as if it had been trained there.
 *
 * @param words what follows `train`
 * @param files texts by name, beside `tiny.mjs`
 */
export function trainedOnce(
  words: readonly string[],
  files: Readonly<Record<string, string>> = {},
): (run: (folder: string, stdout: string) => Promise<void>) => Promise<void> {
  let kept: Promise<{ readonly folder: string; readonly stdout: string }> | undefined;
  const train = async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quern-test-trained-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const texts = { 'tiny.mjs': recipeText(), ...files };
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
    const { code, stderr, stdout } = await quern(['train', ...words], { cwd: folder });
    if (code !== 0) throw new Error(stderr);
    return { folder, stdout };
  };
  return async (run) => {
    kept ??= train();
    const { folder, stdout } = await kept;
    await inFolder(async (own) => {
      cpSync(folder, own, { recursive: true });
      for (const file of readdirSync(own, { recursive: true, encoding: 'utf8' })) {
        if (!file.endsWith('config.json')) continue;
        const path = join(own, file);
        writeFileSync(path, readFileSync(path, 'utf8').replaceAll(folder, own));
      }
      await run(own, stdout);
    });
  };
}

/** Mounts a small file system in memory; why not, if it cannot. */
export function mountSmall(folder: string, size: string): string | undefined {
  if (process.platform !== 'linux') return 'only on Linux';
  const words = ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder];
  const { status, stderr, error } = spawnSync('mount', words, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

/** Runs in a folder with a small disk below it, `disk`. */
export function withSmallDisk(size: string, run: (folder: string) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const reason = mountSmall(disk, size);
    if (reason !== undefined) throw new Error(reason);
    try {
      await run(folder);
    } finally {
      spawnSync('umount', [disk]);
    }
  });
}

/** Tells why there can be no small disk. */
export function whyNoSmallDisk(): string | undefined {
  const probe = mkdtempSync(join(tmpdir(), 'quern-mount-'));
  const reason = mountSmall(probe, '64k');
  if (reason === undefined) spawnSync('umount', [probe]);
  rmSync(probe, { recursive: true });
  return reason === undefined ? undefined : `a small file system cannot be mounted: ${reason}`;
}

export const onReference = ['--backend', 'reference'];

/** What a run without validation leaves. */
export const runFiles = [
  'checkpoints',
  'config.json',
  'curve.json',
  'history.csv',
  'history.jsonl',
  'model.safetensors',
  'result.json',
];
