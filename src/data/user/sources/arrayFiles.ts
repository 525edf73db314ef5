/** Arrays in files of numpy's: .npz archives, .npy files, alone or several in a folder. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readBounded } from '../../idx.js';
import { pairKey, roleOf } from '../names.js';
import type { StoredArray } from './arrays.js';
import { unpackZip } from './zip.js';

export const arrayFile = /\.np[yz]$/i;

const stemOf = (file: string) => basename(file).replace(arrayFile, '');

/** Those of one file. An array without a name of its own has that of the file. */
async function arraysOfFile(file: string): Promise<StoredArray[]> {
  const bytes = await readBounded(file);
  if (/\.npy$/i.test(file)) return [{ name: stemOf(file), bytes, where: file }];
  const members = [...(await unpackZip(bytes, file, '.npy'))];
  return members.map(([name, data]) => ({
    name: members.length === 1 && /^arr_\d+$/.test(name) ? stemOf(file) : name,
    bytes: data,
    where: `${file}: ${name}`,
  }));
}

/** All arrays of some files. */
export async function readArrays(files: readonly string[]): Promise<StoredArray[]> {
  const arrays: StoredArray[] = [];
  for (const file of files) arrays.push(...(await arraysOfFile(file)));
  return arrays;
}

/** The file of labels beside a file of images, or the other way round: `x_train.npy` and `y_train.npy`. */
export async function companionOf(file: string): Promise<string | undefined> {
  const role = roleOf(stemOf(file));
  if (role === undefined) return undefined;
  const beside = (await readdir(dirname(file))).filter(
    (name) => arrayFile.test(name) && name !== basename(file),
  );
  const found = beside.filter((name) => {
    const other = roleOf(stemOf(name));
    return other !== undefined && other !== role && pairKey(stemOf(name)) === pairKey(stemOf(file));
  });
  return found.length === 1 ? join(dirname(file), found[0]!) : undefined;
}
