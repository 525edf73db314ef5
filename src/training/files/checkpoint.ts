import { checkBytes, wrongKind } from '../../core/check.js';
import { DataError, ModelError } from '../../core/errors.js';
import {
  integer,
  list,
  members,
  nullable,
  number,
  object,
  parseJson,
  type Schema,
  text,
  withTodaysNames,
} from '../../core/schema.js';
import { sha256 } from '../../core/sha256.js';
import type { Json } from '../../nn/layer.js';
import type { Conditions } from '../fit/conditions.js';
import type { EpochRecord } from '../fit/options.js';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.js';

/** The values of a checkpoint beside its tensors. */
export interface CheckpointValues {
  readonly conditions: Conditions;
  /** Steps that are done, over all epochs. */
  readonly step: number;
  /** The epoch that is running, from 1: one more than there are when all are done. */
  readonly epoch: number;
  /** Steps of that epoch that are done: all of them if it has yet to be validated. */
  readonly stepsOfEpoch: number;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  /** Seconds that the epoch's steps took so far. */
  readonly secondsOfEpoch: number;
  /** Seconds of the whole training so far, validation included. */
  readonly seconds: number;
  /** Factor of the learning rate beside the schedule's. */
  readonly rateFactor: number;
  /** Why no step follows; null while steps follow, as after an interruption. */
  readonly ending: string | null;
  readonly history: readonly EpochRecord[];
  /** The memory of callbacks, by their names. */
  readonly callbacks: Readonly<Record<string, Json>>;
}

/** The state of a training between two steps: all that is needed to go on to the same bytes. */
export interface Checkpoint extends CheckpointValues {
  /** `weights/<path>`, `averages/<path>`, `state/<name>` and `callbacks/<name>/<path>`. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

const format = 'quern-checkpoint';
const version = '2';

/** Of all that a checkpoint holds: a file whose header is sound may have other numbers than were written. */
async function hashOf(training: string, tensors: Checkpoint['tensors']): Promise<string> {
  const hash = (bytes: Uint8Array) => sha256('checkpoint', bytes);
  const text = (value: string) => hash(new TextEncoder().encode(value));
  const parts = [...tensors].map(async ([name, { data }]) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return `${name} ${await hash(bytes)}`;
  });
  return text((await Promise.all([text(training), ...parts])).join('\n'));
}

/** The bytes of a checkpoint: a safetensors file, whose metadata holds as JSON what is no tensor, and a hash of all. */
export async function encodeCheckpoint(checkpoint: Checkpoint): Promise<Uint8Array> {
  if (!(checkpoint?.tensors instanceof Map)) {
    const hint = 'fit hands them to its option checkpoint, loadCheckpoint reads one.';
    throw wrongKind('checkpoint', 'a checkpoint', checkpoint, hint);
  }
  const { tensors, ...values } = checkpoint;
  const training = JSON.stringify(values);
  const metadata = new Map([
    ['format', format],
    ['version', version],
    ['sha256', await hashOf(training, tensors)],
    ['training', training],
  ]);
  return encodeSafetensors({ tensors, metadata });
}

const plainObject = members as Schema<Readonly<Record<string, Json>>>;

/** A whole epoch, as histories hold it. */
export const checkEpoch = object<EpochRecord>(
  {
    epoch: integer(1),
    step: integer(1),
    loss: number(),
    accuracy: number(),
    learningRate: number(),
    seconds: number(),
    imagesPerSecond: number(),
  },
  { validationLoss: number(), validationAccuracy: number() },
);

const checkValues = object<CheckpointValues>(
  {
    conditions: plainObject,
    step: integer(0),
    epoch: integer(1),
    stepsOfEpoch: integer(0),
    stepsPerEpoch: integer(1),
    epochs: integer(1),
    secondsOfEpoch: number(),
    seconds: number(),
    rateFactor: number(),
    ending: nullable(text()),
    history: list(checkEpoch),
    callbacks: plainObject,
  },
  {},
);

/**
 * Reads the bytes of a checkpoint.
 *
 * @param file names the file in errors
 * @throws DataError when the bytes are cut off, damaged or no sound safetensors file; ModelError when they hold no
 * checkpoint, or
 *   one of another version
 */
export async function decodeCheckpoint(bytes: Uint8Array, file: string): Promise<Checkpoint> {
  checkBytes('decodeCheckpoint: bytes', bytes);
  const { tensors, metadata } = decodeSafetensors(bytes, file);
  if (metadata.get('format') !== format) {
    throw new ModelError(`${file}: not a checkpoint of Quern: the header's __metadata__ does not say so`);
  }
  const found = metadata.get('version');
  if (found !== version) {
    throw new ModelError(`${file}: a checkpoint of version ${found}, this Quern reads version ${version}`);
  }
  const training = metadata.get('training') ?? '';
  if (metadata.get('sha256') !== (await hashOf(training, tensors))) {
    throw new DataError(`${file}: damaged: its content has another SHA-256 than its header names`);
  }
  const checked = parseJson(training, `${file}: training`, checkValues);
  return { ...checked, conditions: withTodaysNames(checked.conditions), tensors };
}
