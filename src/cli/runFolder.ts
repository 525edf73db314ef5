import { randomUUID } from 'node:crypto';
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ModelError, reasonOf, UsageError } from '../core/errors.js';
import { exists } from '../data/exists.js';
import { writeWhole } from '../training/files.js';
import type { EpochRecord } from '../training/fitOptions.js';

const files = { config: 'config.json', model: 'model.safetensors', history: 'history.jsonl' } as const;

async function holdsRun(path: string): Promise<boolean> {
  const found = await Promise.all(Object.values(files).map((file) => exists(join(path, file))));
  return found.includes(true);
}

/** Where the model of an argument lies: in a run folder under its own name, else the path is the file's. */
export async function modelPathOf(argument: string): Promise<string> {
  const inside = join(argument, files.model);
  return (await exists(inside)) ? inside : argument;
}

interface Made {
  readonly path: string;
  /** The outermost folder that had to be made. */
  readonly made: string | undefined;
}

const isTaken = (error: unknown) => (error as NodeJS.ErrnoException).code === 'EEXIST';

/** Makes `parent/name`, or `name-2` and so on if that is taken: only one process gets a folder. */
async function makeFree(parent: string, name: string): Promise<Made> {
  const madeParent = await mkdir(parent, { recursive: true });
  for (let i = 1; ; i++) {
    const path = join(parent, i === 1 ? name : `${name}-${i}`);
    try {
      await mkdir(path);
      return { path, made: madeParent ?? path };
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }
}

/** `runs/mnist-mlp-2025-01-31T12-00-00`, in UTC. */
function makeDefault(recipe: string): Promise<Made> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return makeFree('runs', `${recipe}-${time}`);
}

async function makeNamed(path: string): Promise<Made> {
  return { path, made: await mkdir(path, { recursive: true }) };
}

const taken = (path: string) => new UsageError(`${path}: it holds a run already; --force replaces it`);

/** Where a training leaves its configuration, its history and its model. The last two are whole at any moment. */
export class RunFolder {
  readonly modelPath: string;
  private lines = '';
  private begun = false;

  private constructor(
    readonly path: string,
    private readonly made: string | undefined,
    private readonly force: boolean,
  ) {
    this.modelPath = join(path, files.model);
  }

  /**
   * Makes the folder and sees that it can be written, before any work is done.
   *
   * Throws UsageError when it holds a run already, unless `force`; ModelError when it cannot be written.
   */
  static async open(out: string | undefined, recipe: string, force: boolean): Promise<RunFolder> {
    if (out !== undefined && !force && (await holdsRun(out))) throw taken(out);
    try {
      const { path, made } = await (out === undefined ? makeDefault(recipe) : makeNamed(out));
      const probe = join(path, `.probe-${randomUUID()}`);
      await writeFile(probe, '', { flag: 'wx' });
      await rm(probe);
      return new RunFolder(path, made, force);
    } catch (cause) {
      throw new ModelError(`${out ?? 'runs'}: the run folder cannot be written: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  /**
   * Writes the configuration, which makes the folder this run's. With `force` it first removes what an earlier run has
   * left, the model first.
   *
   * Throws UsageError when another process has begun a run there since `open`, unless `force`.
   */
  async begin(config: object): Promise<void> {
    this.begun = true;
    const path = join(this.path, files.config);
    const text = `${JSON.stringify(config, undefined, 2)}\n`;
    if (this.force) {
      for (const file of [files.model, files.history]) await rm(join(this.path, file), { force: true });
      return writeWhole(path, text);
    }
    try {
      await writeFile(path, text, { flag: 'wx' });
    } catch (cause) {
      if (isTaken(cause)) throw taken(this.path);
      throw new ModelError(`${path}: cannot be written: ${reasonOf(cause)}`, { cause });
    }
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
      if (!removed || resolve(path) === resolve(this.made) || dirname(path) === path) return;
    }
  }
}
