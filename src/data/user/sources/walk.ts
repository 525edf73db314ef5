/** Folders of pictures, as they lie on disk: links are followed, what systems leave behind is not there. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, reasonOf } from '../../../core/errors.js';
import { pictureNames } from '../../images/formats.js';

/** Hidden ones, and what archivers, cameras and notebooks put beside pictures. */
const isLeftOver = (name: string) =>
  name.startsWith('.') || /^(__MACOSX|@eaDir|__pycache__|\$RECYCLE\.BIN|lost\+found)$/i.test(name);

/** Folders that are gone into below each other. */
const deepest = 16;

export interface Entries {
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/** Lists a folder in the order of the names. Throws DataError when it cannot be read. */
export async function entriesOf(directory: string): Promise<Entries> {
  try {
    const entries = (await readdir(directory, { withFileTypes: true }))
      .filter(({ name }) => !isLeftOver(name))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const [folders, files]: [string[], string[]] = [[], []];
    for (const entry of entries) {
      const isLink = entry.isSymbolicLink();
      const link = isLink ? await stat(join(directory, entry.name)).catch(() => undefined) : undefined;
      (entry.isDirectory() || link?.isDirectory() ? folders : files).push(entry.name);
    }
    return { folders, files };
  } catch (cause) {
    throw new DataError(`${directory}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

interface Walked {
  /** Paths of pictures, those of a folder before those of the folders in it. */
  readonly pictures: readonly string[];
  /** How many of them are in folders below. */
  readonly below: number;
}

/** All pictures in a folder and below it. A link that leads back to a folder that is being walked is not followed. */
export async function picturesBelow(directory: string): Promise<Walked> {
  const pictures: string[] = [];
  let below = 0;
  const walk = async (folder: string, above: readonly string[]): Promise<void> => {
    const real = await realpath(folder);
    if (above.includes(real) || above.length > deepest) return;
    const { folders, files } = await entriesOf(folder);
    const own = files.filter((file) => pictureNames.test(file));
    for (const file of own) pictures.push(join(folder, file));
    if (above.length > 0) below += own.length;
    for (const name of folders) await walk(join(folder, name), [...above, real]);
  };
  await walk(directory, []);
  return { pictures, below };
}
