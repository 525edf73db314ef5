/** Finds the kind of data at a path. */
import { open, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DataError, reasonOf } from '../../../core/errors.js';
import { foreignKind } from '../../foreign.js';
import { formatOf, pictureNames } from '../../images/formats.js';
import type { Reading } from '../reading.js';
import type { Sources } from '../source.js';
import { arrayFile, companionOf, readArrays } from './arrayFiles.js';
import { sourcesOfArrays } from './arrays.js';
import { readFolder } from './folder.js';
import { isIdxImages, readIdxFile, readIdxFolder } from './idxPair.js';
import { readTable, readTables, tableFile } from './tables.js';
import { entriesOf } from './walk.js';

const hint =
  'It may be a folder with a folder of pictures for each class, a CSV file, an npz file, or idx files; docs/data.md has the forms.';

type SourceKind = 'folder' | 'table' | 'arrays' | 'idx' | 'picture';

/** The first bytes of a file, by which it is known. */
async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const bytes = new Uint8Array(512);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

const isIdx = (bytes: Uint8Array) =>
  bytes[0] === 0 && bytes[1] === 0 && (bytes[2] === 8 || bytes[2] === 12) && bytes[3]! >= 3 && bytes[3]! <= 4;

/**
 * Finds the kind of a path by its name and, where that says nothing, its first bytes.
 *
 * @param hint what it may be
 * @throws DataError naming what it is instead
 */
export async function kindOf(path: string, hint: string): Promise<SourceKind> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  });
  if (found.isDirectory()) return 'folder';
  if (!found.isFile())
    throw new DataError(`${path}: cannot be read: no file: it is a device, a pipe or a socket`);
  if (tableFile.test(path)) return 'table';
  if (arrayFile.test(path)) return 'arrays';
  if (isIdxImages(basename(path))) return 'idx';
  if (pictureNames.test(path)) return 'picture';
  const bytes = await firstBytes(path);
  if (isIdx(bytes)) return 'idx';
  if (formatOf(bytes) !== undefined) return 'picture';
  const foreign = foreignKind(bytes, path);
  throw new DataError(
    `${path}: ${foreign === undefined ? 'this is no kind of file that images are read from' : `this is ${foreign}, images are not read from it`}`,
    { hint },
  );
}

/** Finds out what a path holds, and reads everything but pictures, which are merely found. */
export async function readSources(path: string, reading: Reading): Promise<Sources> {
  const kind = await kindOf(path, hint);
  if (kind === 'table') return readTable(path, reading);
  if (kind === 'idx') return readIdxFile(path);
  if (kind === 'arrays') {
    const arrays = await readArrays([path]);
    const companion = arrays.length === 1 ? await companionOf(path) : undefined;
    if (companion !== undefined) reading.note(`${path}: ${companion} belongs to it`);
    return sourcesOfArrays(
      companion === undefined ? arrays : [...arrays, ...(await readArrays([companion]))],
      path,
      reading,
    );
  }
  if (kind === 'picture') {
    throw new DataError(`${path}: one picture is no dataset`, {
      hint: '`quern predict` tells what is in it; a dataset is a folder with a folder of pictures for each class.',
    });
  }
  return readDirectory(path, reading);
}

async function readDirectory(path: string, reading: Reading): Promise<Sources> {
  const { folders, files } = await entriesOf(path);
  if (files.some(isIdxImages)) return readIdxFolder(path, files);
  const tables = files.filter((file) => tableFile.test(file));
  if (tables.length > 0) {
    const found = await readTables(path, tables, folders.length > 0, reading);
    if (found !== undefined) return found;
    reading.note(`${path}: not used: ${tables.join(', ')}`);
  }
  const arrays = files.filter((file) => arrayFile.test(file));
  if (arrays.length > 0) {
    return sourcesOfArrays(await readArrays(arrays.map((file) => join(path, file))), path, reading);
  }
  if (folders.length > 0) return readFolder(path, reading);
  const pictures = files.filter((file) => pictureNames.test(file)).length;
  if (pictures > 0) {
    throw new DataError(
      `${path}: ${pictures} pictures are of no class: a folder for each class is expected in it`,
      {
        hint: 'Classes may also stand in a CSV file: names of pictures in one column, labels in another.',
      },
    );
  }
  throw new DataError(`${path}: there are no images in this folder`, { hint });
}
