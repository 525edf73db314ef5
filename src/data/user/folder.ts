import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, reasonOf } from '../../core/errors.js';
import { readPicture } from '../images/images.js';
import { type Picture, resize, withChannels } from '../images/picture.js';
import { decodePng } from '../images/png.js';
import { allocateImages, type Examples, type ImageShape, type Parts } from './examples.js';

/** Pictures that are under way at once: reading one waits while others are decoded. */
const atOnce = 16;

const pictureNames = /\.(png|jpe?g|gif|bmp|webp|tiff?)$/i;

export interface Entries {
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/** What is in a folder, in the order of the names; hidden files are not. Throws DataError when it cannot be read. */
export async function entriesOf(directory: string): Promise<Entries> {
  try {
    const entries = (await readdir(directory, { withFileTypes: true }))
      .filter(({ name }) => !name.startsWith('.'))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    return { folders, files };
  } catch (cause) {
    throw new DataError(`${directory}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

interface Found {
  readonly path: string;
  readonly label: string;
}

/** The pictures in the folders of the classes. */
async function picturesOf(directory: string, classes: readonly string[]): Promise<Found[]> {
  const found: Found[] = [];
  for (const label of classes) {
    const { files } = await entriesOf(join(directory, label));
    const own = files.filter((file) => pictureNames.test(file));
    if (own.length === 0)
      throw new DataError(`${join(directory, label)}: there are no pictures of this class`);
    for (const file of own) found.push({ path: join(directory, label, file), label });
  }
  return found;
}

async function decode(path: string): Promise<Picture> {
  if (!/\.png$/i.test(path)) {
    throw new DataError(`${path}: pictures must be PNG files`, {
      hint: 'ImageMagick converts others: mogrify -format png *.jpg',
    });
  }
  return decodePng(await readPicture(path), path);
}

async function readExamples(
  directory: string,
  classes: readonly string[],
  shape: ImageShape | undefined,
): Promise<Examples> {
  const found = await picturesOf(directory, classes);
  const labels = found.map(({ label }) => label);
  if (found.length === 0) return { images: new Uint8Array(0), shape: shape ?? [1, 1, 1], labels };
  let wanted = shape;
  if (wanted === undefined) {
    const { height, width, channels } = await decode(found[0]!.path);
    wanted = [height, width, channels];
  }
  const [height, width, channels] = wanted;
  const images = allocateImages(found.length, wanted, directory);
  for (let start = 0; start < found.length; start += atOnce) {
    await Promise.all(
      found.slice(start, start + atOnce).map(async ({ path }, i) => {
        const picture = withChannels(await decode(path), channels);
        images.set(resize(picture, height, width), (start + i) * height * width * channels);
      }),
    );
  }
  return { images, shape: wanted, labels };
}

/**
 * Reads a folder that holds a folder of PNG pictures for each class, or two of those named train and test.
 *
 * @param shape of all images; default: that of the first picture
 */
export async function readFolder(directory: string, shape: ImageShape | undefined): Promise<Parts> {
  const { folders } = await entriesOf(directory);
  if (!folders.includes('train')) return { train: await readExamples(directory, folders, shape) };
  const part = async (name: string, form: ImageShape | undefined) => {
    const path = join(directory, name);
    return readExamples(path, (await entriesOf(path)).folders, form);
  };
  const train = await part('train', shape);
  return { train, ...(folders.includes('test') && { test: await part('test', train.shape) }) };
}
