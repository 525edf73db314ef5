/** The settings of a run and the machine it runs on: `config.json`. */

import { readFileSync } from 'node:fs';
import { arch, cpus, platform, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { differences, differenceText } from '../core/differences.js';
import { DataError, ModelError } from '../core/errors.js';
import { isObject } from '../core/json.js';
import {
  boolean,
  integer,
  list,
  members,
  number,
  object,
  type Schema,
  shown,
  text,
  withTodaysNames,
} from '../core/schema.js';
import type { Dataset } from '../data/dataset.js';
import { hashDataset } from '../data/hashDataset.js';
import type { BackendReport } from '../engine/backend.js';
import { readJson, runFiles } from './files.js';
import { line, reportMembers, reportOptions, sha256Text, share } from './schemas.js';

/** One split as it was loaded, after `--limit`. */
interface DataDescription {
  readonly count: number;
  /** Height, width and channels of an image. */
  readonly shape: readonly number[];
  /** SHA-256 of the pixels followed by the labels, in hexadecimal. */
  readonly sha256: string;
}

/** A file that a run depends on; its path is absolute. */
interface FileDescription {
  readonly path: string;
  readonly sha256: string;
}

/** A named part with its options as plain data. */
interface Named {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * The settings that decide the bytes of a training, besides the data. Two runs with equal settings, seed, data and
 * numerics have equal weights. What a recipe leaves out is not there.
 */
interface KnownSettings {
  readonly recipe: string;
  readonly dataset: string;
  /** The layers as the model's file describes them. */
  readonly architecture: unknown;
  readonly optimizer: Named & { readonly learningRate: number };
  readonly schedule?: Named | undefined;
  readonly epochs: number;
  readonly batchSize: number;
  readonly validation?: number | undefined;
  readonly normalization: { readonly mean: number; readonly deviation: number };
  readonly seed: number;
  /** Only the first images were used. */
  readonly limit?: number | undefined;
  /** The model whose weights it started from. */
  readonly from?: FileDescription | undefined;
  /** That model was imported: its layers are trained, not the recipe's. */
  readonly imported?: boolean | undefined;
}

/** With augmentation, label smoothing and whatever else `fit` takes as plain data. */
export interface RunSettings extends KnownSettings {
  readonly [setting: string]: unknown;
}

export interface RunConfig extends BackendReport {
  readonly version: 1;
  readonly settings: RunSettings;
  /** The recipe's file, absolute; absent for those that come with Quern. */
  readonly recipeFile?: FileDescription | undefined;
  /** The options of the command line, for `--resume`. */
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly data: {
    readonly train: DataDescription;
    readonly test: DataDescription;
    /** Of data of one's own that has such a part. */
    readonly validation?: DataDescription | undefined;
  };
  readonly versions: { readonly quern: string; readonly node: string; readonly v8: string };
  readonly machine: {
    readonly system: string;
    readonly architecture: string;
    readonly processor: string;
    readonly processors: number;
  };
  /** ISO 8601, UTC. */
  readonly started: string;
}

export async function describeData(dataset: Dataset): Promise<DataDescription> {
  const { count, shape } = dataset;
  return { count, shape, sha256: (await hashDataset(dataset)).both };
}

/** From dist/src/runs/ to the root of the package, in the repository as in an installation. */
const packagePath = fileURLToPath(new URL('../../../package.json', import.meta.url));

/** Versions and machine as they are now. */
export function describeSystem(): Pick<RunConfig, 'versions' | 'machine'> {
  const { version } = JSON.parse(readFileSync(packagePath, 'utf8')) as { version: string };
  const processors = cpus();
  return {
    versions: { quern: version, node: process.versions.node, v8: process.versions.v8 },
    machine: {
      system: `${platform()} ${release()}`,
      architecture: arch(),
      processor: processors[0]?.model.trim() ?? 'unknown',
      processors: processors.length,
    },
  };
}

const checkNamed = object<Named>({ name: line, options: members }, {}, 'keep');
const checkFile = object<FileDescription>({ path: line, sha256: sha256Text }, {}, 'keep');
const checkData = object<DataDescription>(
  { count: integer(1), shape: list(integer(1), 3, 3), sha256: sha256Text },
  {},
  'keep',
);

const checkSettings = object<KnownSettings>(
  {
    recipe: line,
    dataset: line,
    optimizer: object<KnownSettings['optimizer']>(
      { name: line, learningRate: number(), options: members },
      {},
      'keep',
    ),
    epochs: integer(1),
    batchSize: integer(1),
    normalization: object<KnownSettings['normalization']>({ mean: number(), deviation: number() }, {}),
    seed: integer(0),
  },
  {
    architecture: members,
    schedule: checkNamed,
    validation: share,
    limit: integer(1),
    from: checkFile,
    imported: boolean,
  },
  'keep',
) as Schema<RunSettings>;

const checkConfig = object<RunConfig>(
  {
    ...reportMembers,
    version: (value) => value as 1,
    settings: checkSettings,
    arguments: members,
    data: object<RunConfig['data']>({ train: checkData, test: checkData }, { validation: checkData }, 'keep'),
    versions: object<RunConfig['versions']>({ quern: line, node: line, v8: line }, {}, 'keep'),
    machine: object<RunConfig['machine']>(
      { system: line, architecture: line, processor: line, processors: integer(0) },
      {},
      'keep',
    ),
    started: text(/^\d{4}-\d\d-\d\dT[\d:.]{5,}Z$/, 'a time such as 2025-01-31T12:00:00.000Z'),
  },
  { ...reportOptions, recipeFile: checkFile },
  'keep',
);

/**
 * The configuration of a run; undefined where the folder holds none.
 *
 * @throws DataError when the file cannot be read, or a member is not what it must be; ModelError when it is no
 * configuration,
 *   or of another version
 */
export async function readConfig(folder: string): Promise<RunConfig | undefined> {
  const path = join(folder, runFiles.config);
  const json = await readJson(path);
  if (json === undefined) return undefined;
  if (!isObject(json) || !isObject(json.settings)) {
    throw new ModelError(`${path}: not the configuration of a run`);
  }
  if (json.version !== 1) {
    throw new ModelError(`${path}: a run of version ${shown(json.version)}, this Quern reads version 1`);
  }
  return checkConfig({ ...json, settings: withTodaysNames(json.settings) }, path);
}

/**
 * Sees that a run can go on to the bytes of one that was never interrupted.
 *
 * @param begun its configuration when it was begun
 * @param now what it would be now
 * @throws ModelError or DataError naming the first thing that is not the same
 */
export function checkSameRun(folder: string, begun: RunConfig, now: RunConfig): void {
  // first: what a version of Quern has changed shows in the settings too
  if (begun.numerics !== now.numerics) {
    throw new ModelError(
      `${folder}: it was begun with other arithmetic: ${begun.numerics}, here it is ${now.numerics}`,
    );
  }
  const [changed] = differences(begun.settings, now.settings);
  if (changed !== undefined) {
    throw new ModelError(`${folder}: its recipe has changed since it was begun: ${differenceText(changed)}`);
  }
  for (const split of ['train', 'validation', 'test'] as const) {
    const [was, is] = [begun.data[split]?.sha256, now.data[split]?.sha256];
    if (was === is) continue;
    throw new DataError(
      `${folder}: it was begun with other ${split} images: their SHA-256 was ${was} and is ${is}`,
    );
  }
}
