/** Images of one's own without labels, or with labels that are not looked at: for a model to tell their classes. */
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { pictureReader } from '../images/images.js';
import { type ImageShape, pictureOf, toPicture } from '../images/picture.js';
import { type Prepared, preparePicture } from '../images/prepare.js';
import { partOf } from './names.js';
import { type Numbers, scaleOf, toPixels } from './pixels/scale.js';
import type { Reading } from './reading.js';
import { arrayFile, readArrays } from './sources/arrayFiles.js';
import { imagesOfArrays } from './sources/arrays.js';
import { openTable, readPaths, readRows } from './sources/csv.js';
import { isIdxImages, readIdxImages } from './sources/idxPair.js';
import { kindOf } from './sources/sources.js';
import { baseOf, tableFile } from './sources/tables.js';
import { entriesOf, picturesBelow } from './sources/walk.js';

const hint = 'PNG, JPEG, WebP and BMP pictures are read, folders of them, CSV, npz, npy and idx files.';

/** An image and what it is called: its path, or its number in its file, from 1. */
export interface NamedImage extends Prepared {
  readonly name: string;
}

/** Images that come one by one. */
export interface ImageStream {
  readonly count: number;
  /** That they are read from. */
  readonly files: readonly string[];
  /** Throws DataError, where what is bad is not left out, after the last. */
  readonly images: AsyncIterable<NamedImage>;
}

/** Pictures are read when they are asked for: one is in memory at a time, and the file of the next. */
async function* streamOfPictures(
  pictures: readonly { readonly path: string; readonly name: string }[],
  shape: ImageShape,
  reading: Reading,
): AsyncGenerator<NamedImage> {
  const read = pictureReader(pictures.map(({ path }) => path));
  for (const { name } of pictures) {
    try {
      const samples = await read();
      yield { name, ...preparePicture(toPicture(samples, shape[2]), shape, reading.options) };
    } catch (error) {
      reading.addBad(error);
    }
  }
}

interface StoredImages {
  readonly numbers: Numbers;
  readonly shape: ImageShape;
  readonly names?: readonly string[] | undefined;
}

/** Images that are in memory already. */
function streamOfStored(
  { numbers, shape: own, names }: StoredImages,
  shape: ImageShape,
  path: string,
  reading: Reading,
): ImageStream {
  const pixels = toPixels(numbers, scaleOf([numbers], path, reading), reading);
  const size = own[0] * own[1] * own[2];
  const count = size === 0 ? 0 : pixels.length / size;
  const images = async function* (): AsyncGenerator<NamedImage> {
    for (let i = 0; i < count; i++) {
      const picture = pictureOf(pixels.subarray(i * size, (i + 1) * size), own);
      yield { name: names?.[i] ?? String(i + 1), ...preparePicture(picture, shape, reading.options) };
    }
  };
  return { count, files: [path], images: images() };
}

async function openTableImages(path: string, shape: ImageShape, reading: Reading): Promise<ImageStream> {
  const table = await openTable(path, reading, false);
  if (table.roles.paths === undefined) return streamOfStored(readRows(table, reading), shape, path, reading);
  const found = readPaths(table, reading);
  const base = await baseOf(join(path, '..'), found[0]?.path ?? '');
  const pictures = found.map(({ path: name }) => ({ name, path: join(base, name) }));
  const files = [path, ...pictures.map((picture) => picture.path)];
  return { count: pictures.length, files, images: streamOfPictures(pictures, shape, reading) };
}

/** The array to test with, where there are several. */
async function openArrayImages(path: string, shape: ImageShape, reading: Reading): Promise<ImageStream> {
  const all = imagesOfArrays(await readArrays([path]), path, reading);
  const [first] = all;
  const chosen = all.length === 1 ? first : all.find(({ name }) => partOf(name) === 'test');
  if (chosen !== undefined) {
    if (all.length > 1) reading.note(`${path}: of its arrays of images ${chosen.name} is taken`);
    return streamOfStored(chosen.raw, shape, path, reading);
  }
  throw new DataError(
    `${path}: it holds several arrays of images: ${all.map(({ name }) => name).join(', ')}`,
    {
      hint: 'A file of one of them tells which is meant, or the name x_test.',
    },
  );
}

async function openFolderImages(path: string, shape: ImageShape, reading: Reading): Promise<ImageStream> {
  const { pictures } = await picturesBelow(path);
  if (pictures.length > 0) {
    const named = pictures.map((picture) => ({ name: picture, path: picture }));
    return { count: named.length, files: pictures, images: streamOfPictures(named, shape, reading) };
  }
  const { files } = await entriesOf(path);
  const readable = files.filter((file) => tableFile.test(file) || arrayFile.test(file) || isIdxImages(file));
  const tests = readable.filter((file) => partOf(file) === 'test');
  const chosen = readable.length === 1 ? readable : tests;
  if (chosen.length === 1) {
    if (readable.length > 1) reading.note(`${path}: ${chosen[0]} is taken`);
    return openUserImages(join(path, at(chosen, 0)), shape, reading);
  }
  throw new DataError(
    `${path}: there are no pictures in this folder${readable.length > 1 ? `, and several files of images: ${readable.join(', ')}` : ''}`,
    { ...(readable.length > 1 && { hint: 'Name the one that is meant.' }) },
  );
}

/**
 * Opens the images of a picture, a folder of pictures, a CSV, npz, npy or idx file, in their order, brought to the form
 * that a model takes. Bad pictures are collected by `reading`, which settles them when all have been read.
 *
 * @throws DataError naming what cannot be read
 */
export async function openUserImages(
  path: string,
  shape: ImageShape,
  reading: Reading,
): Promise<ImageStream> {
  const kind = await kindOf(path, hint);
  if (kind === 'folder') return openFolderImages(path, shape, reading);
  if (kind === 'table') return openTableImages(path, shape, reading);
  if (kind === 'arrays') return openArrayImages(path, shape, reading);
  if (kind === 'idx') return streamOfStored(await readIdxImages(path), shape, path, reading);
  return { count: 1, files: [path], images: streamOfPictures([{ name: path, path }], shape, reading) };
}
