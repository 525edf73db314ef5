import { readFile, stat } from 'node:fs/promises';
import { DataError, ModelError, QuernError, reasonOf, sentenceOf } from '../../core/errors.js';
import { writeWhole } from '../../core/files.js';
import {
  anything,
  integer,
  list,
  number,
  object,
  parseJson,
  type Schema,
  text,
  withTodaysNames,
} from '../../core/schema.js';
import { formatShape, type Shape, sameShape } from '../../core/shape.js';
import type { Json } from '../../nn/layer.js';
import { Model } from '../../nn/model.js';
import { describeLayer, restoreLayer } from '../../nn/registry.js';
import { checkNormalization, type Normalization } from '../inference/normalization.js';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.js';
import { checkSameTensors, savedLeaves, type Weights } from './weights.js';

/** The rest of a model file, beside architecture and weights. */
export interface ModelDetails {
  /** Names of the classes, in the order of the outputs. */
  readonly classes: readonly string[];
  readonly normalization: Normalization;
  /** Name of the dataset that the model was trained on. */
  readonly dataset: string;
  /** Name of the recipe that trained it. */
  readonly recipe?: string | undefined;
  /** Decay of the moving average that the weights are; absent for weights as they were trained. */
  readonly weightAveraging?: number | undefined;
  /** What decided the bits of its weights, as the engine's report names it. */
  readonly numerics: string;
}

/** A model as a file holds it. */
export interface ModelFile {
  readonly path: string;
  readonly model: Model;
  readonly details: ModelDetails;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

const version = '1';
/** Far above any model of images of 28 by 28 pixels, and what Node reads at once. */
const largestFile = 2 ** 30;

/**
 * Writes a model as safetensors: float32 tensors by path, and in `__metadata__` the architecture, the shape of an
 * image and the details, each as JSON. The file is whole at any moment.
 *
 * @throws ModelError naming the path when it cannot be written
 */
export async function writeModelFile(
  path: string,
  model: Model,
  weights: Weights,
  details: ModelDetails,
): Promise<void> {
  const { recipe, weightAveraging, ...others } = details;
  const texts = {
    architecture: describeLayer(model.layer),
    inputShape: model.inputShape,
    ...others,
    ...(recipe === undefined ? {} : { recipe }),
    ...(weightAveraging === undefined ? {} : { weightAveraging }),
  };
  const metadata = new Map([
    ['format', 'quern'],
    ['version', version],
    ...Object.entries(texts).map(([name, value]): [string, string] => [name, JSON.stringify(value)]),
  ]);
  const tensors = new Map(
    savedLeaves(model).map(({ name, shape }) => [name, { shape, data: weights.get(name)! }]),
  );
  await writeWhole(path, encodeSafetensors({ tensors, metadata }));
}

/** Looked at when the layers are restored. */
const architecture = anything as Schema<Json>;

interface Metadata extends ModelDetails {
  readonly architecture: Json;
  readonly inputShape: Shape;
}

const checkMetadata = object<Metadata>(
  {
    architecture,
    inputShape: list(integer(1), 1),
    classes: list(text(), 1),
    normalization: object<Normalization>({ mean: number(), deviation: number() }, {}),
    dataset: text(),
    numerics: text(),
  },
  { recipe: text(), weightAveraging: number() },
);

function parseMetadata(metadata: ReadonlyMap<string, string>, path: string): Metadata {
  const { format, version: found, ...texts } = Object.fromEntries(metadata);
  if (format !== 'quern') {
    throw new ModelError(`${path}: not a model of Quern: the header's __metadata__ does not say so`);
  }
  if (found !== version) {
    throw new ModelError(`${path}: a model file of version ${found}, this Quern reads version ${version}`);
  }
  const where = `${path}: __metadata__`;
  const values = Object.entries(texts).map(([name, json]) => [
    name,
    parseJson(json, `${where}.${name}`, anything),
  ]);
  return checkMetadata(withTodaysNames(Object.fromEntries(values)), where);
}

/** The architecture of a file as a model with all its leaves. */
function restoreModel({ architecture, inputShape, classes, normalization }: Metadata, path: string): Model {
  try {
    checkNormalization(normalization);
    const model = new Model(restoreLayer(architecture), inputShape);
    if (!sameShape(model.outputShape, [classes.length])) {
      throw new ModelError(`it gives ${formatShape(model.outputShape)} for ${classes.length} classes`);
    }
    return model;
  } catch (cause) {
    throw new ModelError(`${path}: the model cannot be restored: ${sentenceOf(cause)}`, {
      cause,
      ...(cause instanceof QuernError && cause.hint !== undefined && { hint: cause.hint }),
    });
  }
}

/**
 * Reads a model without the recipe that made it.
 *
 * @throws DataError when the file cannot be read or is no sound safetensors file; ModelError when it holds no model of
 * Quern, a layer that is not registered, or weights that are not those of its architecture
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > largestFile) throw new Error(`${size} bytes, the limit is ${largestFile}`);
    bytes = await readFile(path);
  } catch (cause) {
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  const { architecture, inputShape, ...details } = parseMetadata(metadata, path);
  const model = restoreModel({ architecture, inputShape, ...details }, path);
  checkSameTensors(model, tensors, path);
  return { path, model, details, tensors };
}
