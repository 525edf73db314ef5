/** The checkpoints of a run: the last one and the one before it. */
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, ModelError, reasonOf } from '../core/errors.js';
import { codeOf, makeFolder, writeWhole } from '../core/files.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../training/files/checkpoint.js';

const names = {
  last: 'last.safetensors',
  previous: 'previous.safetensors',
  best: 'best.safetensors',
} as const;

export interface LoadedCheckpoint {
  readonly path: string;
  readonly checkpoint: Checkpoint;
  /** Why it is not the last one. */
  readonly damage?: string | undefined;
}

export class Checkpoints {
  /** The model of the epoch that validated best: a model file, unlike the other two. */
  readonly bestModel: string;
  /** Then the one before it is the only whole one, and stays until there is a new one. */
  private lastIsDamaged = false;

  constructor(readonly folder: string) {
    this.bestModel = join(folder, names.best);
  }

  /**
   * Writes a checkpoint as the last one and keeps the one before it as the previous. At any moment one of the two is there
   * and whole.
   *
   * @throws ModelError naming the path when the system refuses: what was there before still is
   */
  async save(checkpoint: Checkpoint): Promise<void> {
    const path = (name: string) => join(this.folder, name);
    const bytes = await encodeCheckpoint(checkpoint);
    await this.make();
    await writeWhole(path(`${names.last}.new`), bytes).catch((cause: Error) => {
      const hint =
        'What was saved before is whole: once that is mended, `quern train --resume` goes on from there.';
      throw new ModelError(cause.message, { cause, hint });
    });
    if (!this.lastIsDamaged) await rename(path(names.last), path(names.previous)).catch(ignoreAbsent);
    await rename(path(`${names.last}.new`), path(names.last));
    this.lastIsDamaged = false;
  }

  /** Makes the folder. Throws ModelError when the system refuses. */
  async make(): Promise<void> {
    await makeFolder(this.folder).catch((cause) => {
      throw new ModelError(`${this.folder}: cannot be made: ${reasonOf(cause)}`, { cause });
    });
  }

  /**
   * The last checkpoint, or the one before it where the last is damaged; undefined where there is none.
   *
   * @throws DataError or ModelError naming the file when there are only damaged ones
   */
  async load(): Promise<LoadedCheckpoint | undefined> {
    const failures: Error[] = [];
    for (const name of [names.last, names.previous]) {
      const path = join(this.folder, name);
      try {
        const bytes = await readFile(path);
        const checkpoint = await decodeCheckpoint(bytes, path);
        this.lastIsDamaged = failures.length > 0;
        return { path, checkpoint, damage: failures[0]?.message };
      } catch (error) {
        const code = codeOf(error);
        if (code === 'ENOENT' || code === 'ENOTDIR') continue;
        failures.push(
          code === undefined
            ? (error as Error)
            : new DataError(`${path}: cannot be read: ${reasonOf(error)}`, { cause: error }),
        );
      }
    }
    if (failures.length > 0) throw failures[0];
    return undefined;
  }
}

function ignoreAbsent(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}
