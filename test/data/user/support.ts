import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encode } from 'fast-png';
import * as assert from 'uvu/assert';
import type { Dataset } from '../../../src/data/dataset.js';
import {
  loadUserDataset,
  type UserDataset,
  type UserDatasetOptions,
} from '../../../src/data/user/loadUserDataset.js';
import { rejects } from '../../support/messages.js';
import { inFolder } from '../support.js';

export type Files = Readonly<Record<string, Uint8Array | string>>;

/** Writes files, by their paths below the folder. */
export function put(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

export function png(width: number, height: number, data: readonly number[], channels = 1): Uint8Array {
  return encode({ width, height, data: Uint8Array.from(data), channels, depth: 8 });
}

export interface Loaded {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** Loads what is at `path` among the files. */
export async function load(files: Files, path: string, options?: UserDatasetOptions): Promise<Loaded> {
  let loaded: Loaded | undefined;
  await inFolder(async (folder) => {
    put(folder, files);
    loaded = await loadUserDataset(join(folder, path), { onNote: () => {}, ...options });
  });
  return loaded!;
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** Fails unless loading fails with this message, in which @ is the folder. */
export async function fails(
  files: Files,
  path: string,
  type: ErrorClass,
  message: string,
  options?: UserDatasetOptions,
): Promise<void> {
  await inFolder(async (folder) => {
    put(folder, files);
    await rejects(
      () => loadUserDataset(join(folder, path), { onNote: () => {}, ...options }),
      type,
      message.replaceAll('@', folder),
    );
  });
}

/** Images of a dataset, each with the name of its class. */
export function contentOf({ images, labels, classes, shape, count }: Dataset): [string, ...number[]][] {
  assert.is(images.length, count * shape[0] * shape[1] * shape[2]);
  const size = images.length / count;
  return Array.from(labels, (label, i) => [classes[label]!, ...images.subarray(i * size, (i + 1) * size)]);
}

/** What is loaded, and what was said of it, with @ for the folder. */
export async function loadWithNotes(
  files: Files,
  path: string,
  options: UserDatasetOptions = {},
  arrange = (_: string) => {},
) {
  const notes: string[] = [];
  let loaded: UserDataset | undefined;
  await inFolder(async (folder) => {
    put(folder, files);
    arrange(folder);
    const onNote = (text: string) => void notes.push(text.replaceAll(folder, '@'));
    loaded = await loadUserDataset(join(folder, path), { ...options, onNote });
  });
  return { ...loaded!, notes };
}
