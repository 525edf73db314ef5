/** News of a running training, for those who watch its folder: `live.json` and `validation.json`. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isObject } from '../core/json.js';
import type { FitProgress } from '../training/fit/options.js';
import { readJson, runFiles } from './files.js';

/** A moment within an epoch. */
interface LivePoint {
  /** Epochs that are done, with the part of the one that runs: 1.5 is the middle of the second. */
  readonly at: number;
  /** Means over the epoch so far. */
  readonly loss: number;
  readonly accuracy: number;
}

export interface Live {
  readonly progress: FitProgress;
  readonly points: readonly LivePoint[];
  /** ISO 8601, UTC. */
  readonly written: string;
}

interface Mistake {
  /** Index in the images that are held out. */
  readonly index: number;
  readonly label: string;
  readonly taken: string;
  /** Of what it was taken for, 0 to 1. */
  readonly probability: number;
  /** Bytes of the image in base64. */
  readonly pixels: string;
}

/** The images that are held out, as the model saw them after an epoch. */
export interface LiveValidation {
  readonly epoch: number;
  readonly classes: readonly string[];
  /** Height, width and channels of an image. */
  readonly shape: readonly number[];
  /** By label, then by what it was taken for. */
  readonly confusion: readonly (readonly number[])[];
  /** The surest first. */
  readonly mistakes: readonly Mistake[];
}

const mostPoints = 600;
const everySeconds = 0.7;
/** Somebody who watches says so again every few seconds. */
const watchedFor = 30_000;

/** Half of the points tell as much of a long training. */
function thinned(points: readonly LivePoint[]): LivePoint[] {
  return points.length < mostPoints ? [...points] : points.filter((_, i) => i % 2 === 1);
}

/**
 * Writes what is there to see; what cannot be written is not told. A file that is lost with the power is no loss: nothing
 * waits for the disk. At once, not in another thread: a process that ends by `process.exit` does not wait for those, and
 * a file would appear behind what removes it.
 */
function writeQuickly(path: string, value: object): void {
  // A name by which a process that goes on with the run knows what was left half-written.
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  try {
    writeFileSync(temporary, JSON.stringify(value));
    renameSync(temporary, path);
  } catch {}
}

/** Tells of a training in its folder. What cannot be written is not told: it must not end a training. */
export class LiveWriter {
  private points: LivePoint[] = [];
  private written = Number.NEGATIVE_INFINITY;

  constructor(private readonly folder: string) {}

  progress(progress: FitProgress): void {
    const now = performance.now();
    if (now - this.written < everySeconds * 1000) return;
    this.written = now;
    const { epoch, step, steps, loss, accuracy } = progress;
    this.points = thinned([...this.points, { at: epoch - 1 + step / steps, loss, accuracy }]);
    const live: Live = { progress, points: this.points, written: new Date().toISOString() };
    writeQuickly(join(this.folder, runFiles.live), live);
  }

  /** Removes what tells of a training that runs, at once: for a process that ends. */
  remove(): void {
    for (const file of [runFiles.live, `.${runFiles.live}.tmp`, runFiles.watched])
      rmSync(join(this.folder, file), { force: true });
  }

  /** Tells whether somebody watches now. */
  async isWatched(): Promise<boolean> {
    const found = await stat(join(this.folder, runFiles.watched)).catch(() => undefined);
    return found !== undefined && Date.now() - found.mtimeMs < watchedFor;
  }

  validation(validation: LiveValidation): void {
    writeQuickly(join(this.folder, runFiles.validation), validation);
  }
}

/** Tells a training that somebody watches. */
export async function sayWatched(folder: string): Promise<void> {
  await writeFile(join(folder, runFiles.watched), '').catch(() => {});
}

async function readQuietly<T>(path: string): Promise<T | undefined> {
  const json = await readJson(path).catch(() => undefined);
  return isObject(json) ? (json as unknown as T) : undefined;
}

/** Reads the news of a training; undefined where there is none. */
export const readLive = (folder: string): Promise<Live | undefined> =>
  readQuietly<Live>(join(folder, runFiles.live));
export const readLiveValidation = (folder: string): Promise<LiveValidation | undefined> =>
  readQuietly<LiveValidation>(join(folder, runFiles.validation));
