import { access, mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ModelError, UsageError } from '../core/errors.js';
import { reasonOf, writeWhole } from '../training/files.js';
import type { EpochRecord } from '../training/fitOptions.js';

const files = { config: 'config.json', model: 'model.safetensors', history: 'history.jsonl' } as const;

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function holdsRun(path: string): Promise<boolean> {
  const found = await Promise.all(Object.values(files).map((file) => exists(join(path, file))));
  return found.includes(true);
}

/** Where the model of an argument lies: in a run folder under its own name, else the path is the file's. */
export async function modelPathOf(argument: string): Promise<string> {
  const inside = join(argument, files.model);
  return (await exists(inside)) ? inside : argument;
}

/** `runs/mnist-mlp-2025-01-31T12-00-00`, in UTC; with a number behind it if that is taken. */
async function freeFolder(recipe: string): Promise<string> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const first = join('runs', `${recipe}-${time}`);
  let path = first;
  for (let i = 2; await exists(path); i++) path = `${first}-${i}`;
  return path;
}

/** Where a training leaves its configuration, its history and its model. Every file is whole at any moment. */
export class RunFolder {
  readonly modelPath: string;
  private lines = '';
  private begun = false;

  private constructor(
    readonly path: string,
    /** The outermost folder that had to be made. */
    private readonly made: string | undefined,
  ) {
    this.modelPath = join(path, files.model);
  }

  /**
   * Makes the folder and sees that it can be written, before any work is done.
   *
   * Throws UsageError when it holds a run already, unless `force`; ModelError when it cannot be written.
   */
  static async open(out: string | undefined, recipe: string, force: boolean): Promise<RunFolder> {
    const path = out ?? (await freeFolder(recipe));
    if (!force && (await holdsRun(path))) {
      throw new UsageError(`${path}: it holds a run already; --force replaces it`);
    }
    const probe = join(path, `.probe-${process.pid}`);
    try {
      const made = await mkdir(path, { recursive: true });
      await writeFile(probe, '', { flag: 'wx' });
      await rm(probe);
      return new RunFolder(path, made);
    } catch (cause) {
      throw new ModelError(`${path}: the run folder cannot be written: ${reasonOf(cause)}`, { cause });
    }
  }

  /** Removes what an earlier run has left, the model first, and writes the configuration. */
  async begin(config: object): Promise<void> {
    this.begun = true;
    for (const file of [files.model, files.history]) await rm(join(this.path, file), { force: true });
    await writeWhole(join(this.path, files.config), `${JSON.stringify(config, undefined, 2)}\n`);
  }

  /** Adds a line to the history. */
  async record(epoch: EpochRecord): Promise<void> {
    this.lines += `${JSON.stringify(epoch)}\n`;
    await writeWhole(join(this.path, files.history), this.lines);
  }

  /** Removes the folders that `open` has made, unless the run has begun. */
  async abandon(): Promise<void> {
    if (this.begun || this.made === undefined) return;
    for (let path = this.path; ; path = dirname(path)) {
      const removed = await rmdir(path).then(
        () => true,
        () => false,
      );
      if (!removed || path === this.made || dirname(path) === path) return;
    }
  }
}
