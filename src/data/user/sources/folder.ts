import { join } from 'node:path';
import { DataError } from '../../../core/errors.js';
import { pictureNames } from '../../images/formats.js';
import { className, isPartAlone, type Part, partNames, partOf, verbs } from '../names.js';
import type { Reading } from '../reading.js';
import type { Pictures, Sources } from '../source.js';
import { type Entries, entriesOf, picturesBelow } from './walk.js';

/** More folders are counted, not named. */
const mostNamed = 10;

/** The pictures in the folders of the classes, and in folders below those. */
async function picturesOf(
  directory: string,
  folders: readonly string[],
  reading: Reading,
): Promise<Pictures> {
  const pictures: { path: string; label: string }[] = [];
  const below: string[] = [];
  const empty: string[] = [];
  for (const folder of folders) {
    const label = className(folder);
    const found = await picturesBelow(join(directory, folder));
    if (found.pictures.length === 0) empty.push(folder);
    if (found.below > 0) below.push(`${folder} (${found.below})`);
    for (const path of found.pictures) pictures.push({ path, label });
  }
  if (below.length > 0) {
    reading.note(
      `${directory}: pictures in folders below those of the classes are taken too: ${below.join(', ')}`,
    );
  }
  if (pictures.length === 0 && empty.length > 0) {
    const more = empty.length > mostNamed ? ` and ${empty.length - mostNamed} more` : '';
    throw new DataError(
      `${directory}: there are no pictures in its folders: ${empty.slice(0, mostNamed).join(', ')}${more}`,
      { hint: 'Each holds the pictures of a class: PNG, JPEG, WebP and BMP are read.' },
    );
  }
  if (empty.length > 0) reading.note(`${directory}: no pictures, so no classes: ${empty.join(', ')}`);
  return { pictures };
}

/** Folders named for parts that hold folders of classes; undefined where the folders are classes themselves. */
async function partFolders(directory: string, { folders }: Entries): Promise<Map<Part, string> | undefined> {
  const parts = new Map<Part, string>();
  for (const folder of folders) {
    const part = isPartAlone(folder) ? partOf(folder) : undefined;
    if (part === undefined) continue;
    const within = await entriesOf(join(directory, folder));
    const holdsPictures = within.files.some((file) => pictureNames.test(file));
    // a class may be called train
    if (within.folders.length === 0 || holdsPictures) continue;
    if (parts.has(part)) {
      throw new DataError(
        `${directory}: two folders are to ${verbs[part]} with: ${parts.get(part)}, ${folder}`,
      );
    }
    parts.set(part, folder);
  }
  return parts.size === 0 ? undefined : parts;
}

/** Throws DataError where folders are named for parts, and hold pictures without classes. */
async function checkClasses(directory: string, { folders }: Entries): Promise<void> {
  if (folders.length === 0 || !folders.every(isPartAlone)) return;
  const within = await Promise.all(folders.map((folder) => picturesBelow(join(directory, folder))));
  if (within.every(({ pictures }) => pictures.length === 0)) return;
  throw new DataError(
    `${directory}: pictures in ${folders.join(', ')} are of no class: a folder for each class is expected in them`,
    { hint: 'Classes may also stand in a CSV file: names of pictures in one column, labels in another.' },
  );
}

/**
 * Finds the pictures of a folder that holds a folder for each class, or folders with those to train, validate and test
 * with, whatever they are called: train and test, Training and Testing, val.
 */
export async function readFolder(directory: string, reading: Reading): Promise<Sources> {
  const entries = await entriesOf(directory);
  const parts = await partFolders(directory, entries);
  if (parts === undefined) {
    const [only] = entries.folders;
    if (entries.folders.length === 1) {
      const within = await entriesOf(join(directory, only!));
      if (within.folders.length > 0 && !within.files.some((file) => pictureNames.test(file))) {
        reading.note(`${directory}: everything is in ${only}`);
        return readFolder(join(directory, only!), reading);
      }
    }
    await checkClasses(directory, entries);
    noteStray(directory, entries, reading);
    return { train: await picturesOf(directory, entries.folders, reading) };
  }
  const others = entries.folders.filter((folder) => ![...parts.values()].includes(folder));
  const odd = [...parts].some(([part, folder]) => part !== folder);
  const told = partNames.flatMap((part) =>
    parts.has(part) ? `${parts.get(part)} to ${verbs[part]} with` : [],
  );
  if (odd) reading.note(`${directory}: taken: ${told.join(', ')}`);
  if (others.length > 0) reading.note(`${directory}: not used: ${others.join(', ')}`);
  const sources = new Map<Part, Pictures>();
  for (const [part, folder] of parts) {
    const path = join(directory, folder);
    const within = await entriesOf(path);
    noteStray(path, within, reading);
    sources.set(part, await picturesOf(path, within.folders, reading));
  }
  return Object.fromEntries(sources);
}

/** Says that pictures lie beside the folders of the classes. */
function noteStray(directory: string, { files, folders }: Entries, reading: Reading): void {
  const stray = files.filter((file) => pictureNames.test(file)).length;
  if (stray > 0 && folders.length > 0) {
    reading.note(`${directory}: not used, for they are in no folder of a class: ${stray} pictures`);
  }
}
