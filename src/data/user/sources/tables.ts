/** CSV files, alone or several in a folder: pixels and labels, or names of pictures and labels. */
import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { DataError } from '../../../core/errors.js';
import { type Part, partOf, verbs } from '../names.js';
import type { Reading } from '../reading.js';
import type { Pictures, Raw, Sources } from '../source.js';
import { lacksLabels, openTable, rawOfTable, readPaths, type Table } from './csv.js';
import { entriesOf } from './walk.js';

export const tableFile = /\.(csv|tsv|csv\.gz|tsv\.gz)$/i;

const stemOf = (file: string) => basename(file).replace(tableFile, '');

/** The folder that names of pictures are below: that of the table, or one in it. */
export async function baseOf(directory: string, path: string): Promise<string> {
  if (isAbsolute(path)) return '';
  const { folders } = await entriesOf(directory);
  for (const base of [directory, ...folders.map((folder) => join(directory, folder))]) {
    const found = await stat(join(base, path)).catch(() => undefined);
    if (found !== undefined) return base;
  }
  return directory;
}

async function picturesOf(table: Table, reading: Reading): Promise<Pictures> {
  const { file, roles } = table;
  if (roles.label === undefined) {
    throw new DataError(`${file}: which column holds the labels is not clear`, {
      hint: `${reading.nameOf('label')} names it, or gives its number from 1.`,
    });
  }
  const found = readPaths(table, reading);
  if (found.length === 0) throw new DataError(`${file}: there are no images in it`);
  const base = await baseOf(dirname(file), found[0]!.path);
  reading.note(
    `${file}: names of pictures and their labels; the pictures are in ${base || 'the folders that it names'}`,
  );
  return {
    pictures: found.map(({ path, label }) => ({ path: isAbsolute(path) ? path : join(base, path), label })),
  };
}

const sourceOf = async (table: Table, reading: Reading): Promise<Raw | Pictures> =>
  table.roles.paths === undefined ? rawOfTable(table, reading) : picturesOf(table, reading);

/** Reads one table to train with. */
export async function readTable(file: string, reading: Reading): Promise<Sources> {
  return { train: await sourceOf(await openTable(file, reading, true), reading) };
}

/** A table beside the one that is trained on: its columns are the same, or its labels are missing. */
async function openBeside(file: string, first: Table, reading: Reading): Promise<Table | undefined> {
  const table = await openTable(file, reading, false);
  const sameNames = String(table.names) === String(first.names);
  if (table.count === first.count && sameNames) return { ...table, roles: first.roles };
  if (lacksLabels(first, table)) {
    reading.note(`${file}: it has no labels, so nothing is tested with it: it is for \`quern predict\``);
    return undefined;
  }
  return openTable(file, reading, true);
}

/** The tables of a folder by their parts; undefined where its tables are none of images. */
export async function readTables(
  directory: string,
  files: readonly string[],
  hasFolders: boolean,
  reading: Reading,
): Promise<Sources | undefined> {
  const named = new Map<Part, string>();
  const others: string[] = [];
  for (const file of files) {
    const part = partOf(stemOf(file));
    if (part === undefined) others.push(file);
    else if (named.has(part)) {
      throw new DataError(
        `${directory}: two tables are to ${verbs[part]} with: ${named.get(part)}, ${file}`,
        {
          hint: 'Name a file itself to read that alone.',
        },
      );
    } else named.set(part, file);
  }
  if (!named.has('train') && others.length > 0 && (others.length === 1 || named.size > 0)) {
    const [only] = others;
    const table = await openLone(join(directory, only!), hasFolders, reading);
    if (table === undefined) return undefined;
    named.set('train', others.shift()!);
  }
  if (named.size === 0) {
    if (hasFolders) return undefined;
    throw new DataError(`${directory}: which table is to train with is not clear: ${files.join(', ')}`, {
      hint: 'Tables may be called train.csv and test.csv; or name one itself.',
    });
  }
  if (others.length > 0) reading.note(`${directory}: not used: ${others.join(', ')}`);
  return readNamed(directory, named, reading);
}

/** Beside folders of pictures a table counts only where it names pictures. */
async function openLone(file: string, hasFolders: boolean, reading: Reading): Promise<Table | undefined> {
  if (!hasFolders) return openTable(file, reading.silent(), false);
  try {
    const table = await openTable(file, reading.silent(), false);
    return table.roles.paths === undefined ? undefined : table;
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

async function readNamed(
  directory: string,
  named: ReadonlyMap<Part, string>,
  reading: Reading,
): Promise<Sources> {
  const sources = new Map<Part, Raw | Pictures>();
  let first: Table | undefined;
  for (const part of ['train', 'validation', 'test'] as const) {
    const name = named.get(part);
    if (name === undefined) continue;
    const file = join(directory, name);
    const table =
      first === undefined ? await openTable(file, reading, true) : await openBeside(file, first, reading);
    if (table === undefined) continue;
    first ??= table;
    sources.set(part, await sourceOf(table, reading));
  }
  return Object.fromEntries(sources);
}
