import { DataError, UsageError } from '../../core/errors.js';
import { leading } from '../../core/lists.js';
import type { Dataset } from '../dataset.js';
import { pictureReader } from '../images/images.js';
import { type ImageShape, pictureOf, type Samples, toPicture } from '../images/picture.js';
import { preparePicture } from '../images/prepare.js';
import { verbs } from './names.js';
import { type Scale, toPixels } from './pixels/scale.js';
import type { Reading } from './reading.js';
import type { Pictures, Raw } from './source.js';

export type { ImageShape } from '../images/picture.js';

/** Images of one size and the names of their classes, as a file has them. */
export interface Examples {
  /** `[count, height, width, channels]` */
  readonly images: Uint8Array;
  readonly shape: ImageShape;
  /** `[count]` */
  readonly labels: readonly string[];
}

const largestBytes = 2 ** 31;
/** Labels are kept as one byte each. */
const mostClasses = 256;

const shapeText = (shape: readonly number[]) => shape.join(' x ');

/** Throws UsageError unless sides are from 1 to 4096 and there are 1 or 3 channels. */
export function checkShape(shape: ImageShape, what: string): void {
  const [height, width, channels] = shape;
  const side = (size: number) => Number.isInteger(size) && size >= 1 && size <= 4096;
  if (shape.length === 3 && side(height) && side(width) && (channels === 1 || channels === 3)) return;
  throw new UsageError(
    `loadUserDataset: ${what} must be [height, width, channels], sides up to 4096 and 1 or 3 channels: [${shape.join(', ')}]`,
  );
}

/** Memory for so many images. Throws DataError naming `where` if that is more than 2 GB. */
export function allocateImages(
  count: number,
  [height, width, channels]: ImageShape,
  where: string,
  reading: Reading,
): Uint8Array {
  const bytes = count * height * width * channels;
  if (bytes <= largestBytes) return new Uint8Array(bytes);
  throw new DataError(
    `${where}: too large: ${count} images of ${shapeText([height, width, channels])} take ${bytes} bytes, the limit is ${largestBytes}`,
    { hint: `A smaller ${reading.nameOf('shape')} takes less.` },
  );
}

/** Images that are in memory, as pixels of one form. */
export function examplesOfRaw(
  raw: Raw,
  { scale, wanted, where }: { scale: Scale; wanted: ImageShape | undefined; where: string },
  reading: Reading,
): Examples {
  const { options } = reading;
  const { shape: own, labels } = raw;
  const shape = wanted ?? own;
  const images = toPixels(raw.numbers, scale, reading);
  const asStored = shapeText(own) === shapeText(shape);
  if (asStored && !options.invert && !options.centerDigits) return { images, shape, labels };
  const [from, to] = leading(
    [own, shape].map((sides) => sides[0] * sides[1] * sides[2]),
    2,
  );
  const count = from === 0 ? 0 : images.length / from;
  const made = allocateImages(count, shape, where, reading);
  for (let i = 0; i < count; i++) {
    const picture = pictureOf(images.subarray(i * from, (i + 1) * from), own);
    made.set(preparePicture(picture, shape, options).pixels, i * to);
  }
  return { images: made, shape, labels };
}

/** Pictures, decoded one by one: one alone may take 128 MB. */
export async function examplesOfPictures(
  { pictures }: Pictures,
  wanted: ImageShape | undefined,
  where: string,
  reading: Reading,
): Promise<Examples> {
  const { options } = reading;
  let shape = wanted;
  let images: Uint8Array = new Uint8Array(0);
  const labels: string[] = [];
  const read = pictureReader(pictures.map(({ path }) => path));
  for (const { label } of pictures) {
    const pixels = await readPixels(read, (samples) => {
      shape ??= [samples.height, samples.width, samples.colored ? 3 : 1];
      return preparePicture(toPicture(samples, shape[2]), shape, options).pixels;
    }).catch((error: unknown) => reading.addBad(error));
    if (pixels === undefined) continue;
    if (labels.length === 0) images = allocateImages(pictures.length, shape!, where, reading);
    images.set(pixels, labels.length * pixels.length);
    labels.push(label);
  }
  reading.settleBad(where);
  const form = shape ?? [1, 1, 1];
  return { images: images.subarray(0, labels.length * form[0] * form[1] * form[2]), shape: form, labels };
}

const readPixels = async (read: () => Promise<Samples>, prepare: (samples: Samples) => Uint8Array) =>
  prepare(await read());

/** Names in order: as numbers if all are whole numbers, else by their letters. */
function sortedNames(names: Iterable<string>): string[] {
  const sorted = [...new Set(names)].sort();
  return sorted.every((name) => /^-?\d{1,15}$/.test(name))
    ? sorted.sort((a, b) => Number(a) - Number(b))
    : sorted;
}

/** The classes of a part to train on. Throws DataError naming `where` unless there are 2 to 256. */
export function classesOf({ labels }: Pick<Examples, 'labels'>, where: string, reading: Reading): string[] {
  const classes = sortedNames(labels);
  if (classes.length >= 2 && classes.length <= mostClasses) return classes;
  const hint =
    classes.length < 2
      ? undefined
      : `Labels are the names of classes, not measurements; ${reading.nameOf('label')} names the column of a CSV file that holds them.`;
  throw new DataError(
    `${where}: there must be 2 to ${mostClasses} classes: ${labels.length} images to train on have ${classes.length}`,
    { ...(hint !== undefined && { hint }) },
  );
}

/** Finds the class of each label: by its name, else by its name in other letters, where that is one alone. */
function numberOfLabel(classes: readonly string[]): (label: string) => number | undefined {
  const exact = new Map(classes.map((name, i): [string, number] => [name, i]));
  const folded = new Map<string, number | undefined>();
  for (const [i, name] of classes.entries()) {
    const key = name.toLowerCase();
    folded.set(key, folded.has(key) ? undefined : i);
  }
  return (label) => exact.get(label) ?? folded.get(label.toLowerCase());
}

/**
 * A part as a dataset.
 *
 * @throws DataError naming `where` for a label that is none of the classes, or no images
 */
export function toDataset(
  { images, shape, labels }: Examples,
  { split, name, classes }: Pick<Dataset, 'split' | 'name' | 'classes'>,
  where: string,
  { context }: Reading,
): Dataset {
  if (labels.length === 0) throw new DataError(`${where}: there are no images to ${verbs[split]} with`);
  const numberOf = numberOfLabel(classes);
  const indices = labels.map((label, i) => {
    const number = numberOf(label);
    if (number !== undefined) return number;
    if (context.unknownClass !== undefined) throw context.unknownClass(label, name);
    throw new DataError(
      `${where}: image ${i + 1} to ${verbs[split]} with is of a class that no image to train on has, '${label}': the classes are ${classes.join(', ')}`,
    );
  });
  return { name, split, images, labels: Uint8Array.from(indices), count: labels.length, shape, classes };
}
