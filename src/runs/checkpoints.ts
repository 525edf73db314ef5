/** The checkpoints of a run: the last one and the one before it. */
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, ModelError, reasonOf } from '../core/errors.js';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../training/checkpoint.js';
import { writeWhole } from '../training/files.js';

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

  constructor(readonly folder: string) {
    this.bestModel = join(folder, names.best);
  }

  /**
   * Writes a checkpoint as the last one; the one that was it stays as the previous. At any moment one of the two is there
   * and whole.
   *
   * @throws ModelError naming the path when the system refuses: what was there before still is
   */
  async save(checkpoint: Checkpoint): Promise<void> {
    const path = (name: string) => join(this.folder, name);
    const bytes = encodeCheckpoint(checkpoint);
    await this.make();
    await writeWhole(path(`${names.last}.new`), bytes);
    await rename(path(names.last), path(names.previous)).catch(ignoreAbsent);
    await rename(path(`${names.last}.new`), path(names.last));
  }

  /** Makes the folder. Throws ModelError when the system refuses. */
  async make(): Promise<void> {
    await mkdir(this.folder, { recursive: true }).catch((cause) => {
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
        const checkpoint = decodeCheckpoint(bytes, path);
        return { path, checkpoint, damage: failures[0]?.message };
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
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

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
