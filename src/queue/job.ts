/** A piece of a training, as it lies in a queue. It is data from elsewhere: nothing of it is believed unchecked. */

import { createHash } from 'node:crypto';
import { DataError } from '../core/errors.js';
import {
  boolean,
  integer,
  list,
  members,
  nullable,
  number,
  object,
  oneOf,
  type Schema,
  text,
} from '../core/schema.js';
import type { Value } from '../core/value.js';
import { checkResult, type TrainingResult } from '../runs/result.js';
import { checkEpoch } from '../training/files/checkpoint.js';
import type { EpochRecord } from '../training/fit/options.js';

/** A recipe that comes with Quern, or a file by its hash: what a worker runs of it stands on its own command line. */
interface JobRecipe {
  readonly name: string;
  /** SHA-256 of the recipe's file; absent for those that come with Quern. */
  readonly sha256?: string | undefined;
}

/** Facts told about somebody's own images, as on the command line of a training. */
export interface Preparation {
  /** The shape of their lists of pixels, such as `20x30x1`. */
  readonly storedShape?: string | undefined;
  readonly label?: string | undefined;
  /** Black and white, such as `0,16`. */
  readonly pixelRange?: string | undefined;
  readonly invert?: boolean | undefined;
  readonly centerDigits?: boolean | undefined;
  readonly skipBad?: boolean | undefined;
}

/** The settings that decide the bytes of a training. */
export interface TrainingDescription {
  readonly recipe: JobRecipe;
  readonly set?: Readonly<Record<string, Value>> | undefined;
  readonly seed: number;
  readonly epochs?: number | undefined;
  readonly validation?: number | undefined;
  readonly validationByWriter?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly imageShape?: string | undefined;
  readonly preparation?: Preparation | undefined;
  /** Whether the images are somebody's own, which a worker has to be given; else they are the recipe's dataset. */
  readonly ownData: boolean;
  /** SHA-256 of the images and labels. */
  readonly train: string;
  readonly test: string;
  readonly backend: string;
  readonly numerics: string;
  /** Version of Quern. */
  readonly quern: string;
}

export interface TrainingJob {
  readonly version: 1;
  /** Names the folder of the run where it is kept: `trial-007`. */
  readonly label: string;
  readonly training: TrainingDescription;
  /** The epoch at which it pauses; 0: it is trained to the end and then measured on the test set. */
  readonly until: number;
  /** The store that has its checkpoint and is given its result, by the store's own mark. */
  readonly store: string;
}

/** The result of a job. */
export interface JobResult {
  readonly history: readonly EpochRecord[];
  /** As in the run's folder, without the path of its model; null where the training failed. */
  readonly result: Omit<TrainingResult, 'model'> | null;
  /** Why the training failed: with these settings it always does. */
  readonly failure: string | null;
  /** Of the processor, for this part alone. */
  readonly processorSeconds: number | null;
  /** The worker's name. */
  readonly worker: string;
}

const name = text(/^[\w-][\w.-]{0,99}$/, 'a name of letters, digits, dots and dashes');
const hash = text(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal');
const line = text(/^[^\n]{1,200}$/, 'a line of at most 200 letters');

const fraction: Schema<number> = (value, path) => {
  if (typeof value === 'number' && value > 0 && value < 1) return value;
  throw new DataError(`${path} must be a fraction between 0 and 1`);
};

const mostSettings = 50;

const settings: Schema<Readonly<Record<string, Value>>> = (value, path) => {
  const entries = Object.entries(members(value, path));
  const known = (each: unknown) =>
    typeof each === 'boolean' ||
    (typeof each === 'number' && Number.isFinite(each)) ||
    (typeof each === 'string' && /^[\w.-]{1,100}$/.test(each));
  if (
    entries.length <= mostSettings &&
    entries.every(([key, each]) => /^[\w.]{1,100}$/.test(key) && known(each))
  )
    return value as Readonly<Record<string, Value>>;
  throw new DataError(`${path} must be at most ${mostSettings} numbers and names, true or false`);
};

const imageForm = text(/^\d{1,4}x\d{1,4}x[13]$/, 'a form such as 32x32x3');

const checkTraining = object<TrainingDescription>(
  {
    recipe: object<JobRecipe>({ name }, { sha256: hash }),
    seed: integer(0),
    ownData: boolean,
    train: hash,
    test: hash,
    backend: oneOf('wasm', 'reference', 'gpu'),
    numerics: line,
    quern: line,
  },
  {
    set: settings,
    epochs: integer(1),
    validation: fraction,
    validationByWriter: boolean,
    limit: integer(1),
    imageShape: imageForm,
    preparation: object<Preparation>(
      {},
      {
        storedShape: imageForm,
        label: line,
        pixelRange: text(/^-?[\d.e+-]{1,30},-?[\d.e+-]{1,30}$/, 'two numbers such as 0,16'),
        invert: boolean,
        centerDigits: boolean,
        skipBad: boolean,
      },
    ),
  },
);

/** Throws DataError naming the member of a job that is not what it should be. */
export const checkJob: (value: unknown, path: string) => TrainingJob = object<TrainingJob>(
  {
    version: (value, path) => {
      if (value === 1) return 1;
      throw new DataError(
        `${path} is ${JSON.stringify(value)?.slice(0, 20)}, this Quern takes jobs of version 1`,
      );
    },
    label: name,
    training: checkTraining,
    until: integer(0),
    store: name,
  },
  {},
);

/** Throws DataError naming the member of a result that is not what it should be. */
export const checkJobResult: (value: unknown, path: string) => JobResult = object<JobResult>(
  {
    history: list(checkEpoch),
    result: nullable((value, path) => {
      const { model: _, ...kept } = checkResult({ ...members(value, path), model: 'model' }, path);
      return kept;
    }),
    failure: nullable(text(/^/)),
    processorSeconds: nullable(number(0)),
    worker: line,
  },
  {},
);

/** JSON with the members in the order of their names, so that equal data have equal text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}

/** Names a training by what decides its bytes. */
export function trainingId(training: TrainingDescription): string {
  return createHash('sha256').update(canonical(training)).digest('hex').slice(0, 32);
}

/** Names a job: the same part of the same training has the same, whoever asks for it. */
export function jobId({ training, until }: Pick<TrainingJob, 'training' | 'until'>): string {
  return `${trainingId(training)}-${until === 0 ? 'end' : until}`;
}

/** Where things lie in a store. */
export const storeNames = {
  mark: 'store.json',
  result: (id: string) => `results/${id}.json`,
  checkpoint: (training: string) => `checkpoints/${training}.safetensors`,
  model: (training: string) => `models/${training}.safetensors`,
  recipe: (sha256: string) => `recipes/${sha256}.mjs`,
} as const;

/** The queue of a version and an arithmetic: a worker of another never sees its jobs. */
export function queueName({
  quern,
  numerics,
  backend,
}: Pick<TrainingDescription, 'quern' | 'numerics' | 'backend'>): string {
  return `quern-${createHash('sha256').update(canonical({ quern, numerics, backend })).digest('hex').slice(0, 16)}`;
}
