import { randomUUID } from 'node:crypto';
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ModelError, reasonOf, UsageError } from '../core/errors.js';
import { codeOf, createWhole, exists, jsonText, makeFolder, writeWhole } from '../core/files.js';
import { encodeCheckpoint } from '../training/files/checkpoint.js';
import { encodeSafetensors } from '../training/files/safetensors.js';
import type { NonFinite } from '../training/fit/nonFinite.js';
import type { EpochRecord } from '../training/fit/options.js';
import { Checkpoints } from './checkpoints.js';
import { runFiles } from './files.js';
import { historyLines, historyTable } from './history.js';
import { removeLeftovers, takeLock } from './lock.js';
import type { TrainingResult } from './result.js';

/** Files that make a folder somebody's run, and all that a run leaves, in the order in which a new run removes them. */
const marks = [runFiles.config, runFiles.model, runFiles.history];
const remains = [
  runFiles.result,
  runFiles.failure,
  runFiles.tags,
  runFiles.nonFinite,
  runFiles.model,
  runFiles.checkpoints,
  runFiles.history,
  runFiles.historyTable,
  runFiles.curve,
  runFiles.live,
  runFiles.validation,
];

async function holdsRun(path: string): Promise<boolean> {
  const found = await Promise.all(marks.map((file) => exists(join(path, file))));
  return found.includes(true);
}

interface Made {
  readonly path: string;
  /** The outermost folder that had to be made. */
  readonly made: string | undefined;
}

/** Makes `parent/name`, or `name-2` and so on if that is taken: only one process gets a folder. */
async function makeFree(parent: string, name: string): Promise<Made> {
  const madeParent = await makeFolder(parent);
  for (let i = 1; ; i++) {
    const path = join(parent, i === 1 ? name : `${name}-${i}`);
    try {
      await mkdir(path);
      return { path, made: madeParent ?? path };
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** `runs/mnist-mlp-2025-01-31T12-00-00`, in UTC. */
function makeDefault(recipe: string): Promise<Made> {
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  return makeFree('runs', `${recipe}-${time}`);
}

async function makeNamed(path: string): Promise<Made> {
  return { path, made: await makeFolder(path) };
}

const taken = (path: string) =>
  new UsageError(`${path}: it holds a run already; --force replaces it, --resume goes on with it`);

/** Where a training leaves what it is and what it has made. Every file is whole at any moment. */
export class RunFolder {
  readonly modelPath: string;
  readonly checkpoints: Checkpoints;
  private history: EpochRecord[] = [];
  private begun = false;
  private unlock = async () => {};

  private constructor(
    readonly path: string,
    private readonly made: string | undefined,
    private readonly force: boolean,
  ) {
    this.modelPath = join(path, runFiles.model);
    this.checkpoints = new Checkpoints(join(path, runFiles.checkpoints));
  }

  /**
   * Makes the folder and sees that it can be written, before any work is done.
   *
   * @throws UsageError when it holds a run already, unless `force`; ModelError when it cannot be written
   */
  static async open(out: string | undefined, recipe: string, force: boolean): Promise<RunFolder> {
    if (out !== undefined && !force && (await holdsRun(out))) throw taken(out);
    try {
      const { path, made } = await (out === undefined ? makeDefault(recipe) : makeNamed(out));
      const probe = join(path, `.probe-${randomUUID()}`);
      await writeFile(probe, '', { flag: 'wx' });
      // another process may have swept it
      await rm(probe, { force: true });
      return new RunFolder(path, made, force);
    } catch (cause) {
      throw new ModelError(`${out ?? 'runs'}: the run folder cannot be written: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  /**
   * Takes the folder of a run that shall go on, and removes what it has left half-written.
   *
   * @throws UsageError when another process is training it; ModelError when it cannot be written
   */
  static async reopen(path: string): Promise<RunFolder> {
    const folder = new RunFolder(path, undefined, false);
    folder.unlock = await takeLock(path);
    folder.begun = true;
    await removeLeftovers(path);
    await removeLeftovers(folder.checkpoints.folder);
    return folder;
  }

  /**
   * Writes the configuration, which makes the folder this run's. With `force` it first removes what an earlier run has
   * left.
   *
   * @throws UsageError when another process has begun a run there since `open`, unless `force`, or trains there
   */
  async begin(config: object): Promise<void> {
    this.begun = true;
    const path = join(this.path, runFiles.config);
    if (this.force) {
      this.unlock = await takeLock(this.path);
      await removeLeftovers(this.path);
      for (const file of remains) await rm(join(this.path, file), { force: true, recursive: true });
      return writeWhole(path, jsonText(config));
    }
    if (!(await createWhole(path, jsonText(config)))) throw taken(this.path);
    this.unlock = await takeLock(this.path);
    await removeLeftovers(this.path);
  }

  /** Goes on from a history: that of the checkpoint, which may end before what the files tell. */
  async goOn(history: readonly EpochRecord[]): Promise<void> {
    this.history = [...history];
    await rm(join(this.path, runFiles.failure), { force: true });
    await this.writeHistory();
  }

  /** The epochs so far. */
  get epochs(): readonly EpochRecord[] {
    return this.history;
  }

  /** Adds an epoch to the history. */
  async record(epoch: EpochRecord): Promise<void> {
    this.history.push(epoch);
    await this.writeHistory();
  }

  /**
   * Keeps what is needed to reproduce a step whose numbers are not finite: the checkpoint before it, and its batch.
   *
   * @returns where it is
   */
  async keepNonFinite(found: NonFinite): Promise<string> {
    const { before, images, labels, indices, ...facts } = found;
    const folder = join(this.path, runFiles.nonFinite);
    const count = labels.length;
    const tensors = new Map([
      ['images', { shape: [count, images.length / count], data: images }],
      ['labels', { shape: [count], data: labels }],
      ['indices', { shape: [count], data: indices }],
    ]);
    // what could not be found out is null
    const texts = Object.entries(facts).map(([name, value]): [string, string] => [
      name,
      JSON.stringify(value ?? null),
    ]);
    const metadata = new Map(texts);
    await makeFolder(folder);
    await writeWhole(join(folder, 'before.safetensors'), await encodeCheckpoint(before));
    await writeWhole(join(folder, 'batch.safetensors'), encodeSafetensors({ tensors, metadata }));
    return folder;
  }

  async finish(result: TrainingResult): Promise<void> {
    await writeWhole(join(this.path, runFiles.result), jsonText(result));
  }

  /**
   * Notes why the run could not go on. Says nothing when that cannot be written: there is an error to report already.
   */
  async fail(message: string): Promise<void> {
    if (!this.begun) return;
    const text = jsonText({ message, when: new Date().toISOString() });
    await writeWhole(join(this.path, runFiles.failure), text).catch(() => {});
  }

  /** Lets others have the folder. Removes the folders that `open` has made, unless the run has begun. */
  async close(): Promise<void> {
    // it tells of a training that runs
    for (const file of [runFiles.live, runFiles.watched])
      if (this.begun) await rm(join(this.path, file), { force: true });
    await this.unlock();
    if (this.begun || this.made === undefined) return;
    for (let path = this.path; ; path = dirname(path)) {
      const removed = await rmdir(path).then(
        () => true,
        () => false,
      );
      if (!removed || resolve(path) === resolve(this.made) || dirname(path) === path) return;
    }
  }

  private async writeHistory(): Promise<void> {
    await writeWhole(join(this.path, runFiles.history), historyLines(this.history));
    await writeWhole(join(this.path, runFiles.historyTable), historyTable(this.history));
  }
}
