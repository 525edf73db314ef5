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
import { formatShape, type Shape, sameShape, sizeOf } from '../../core/shape.js';
import { readFileWithin } from '../../data/readFile.js';
import { BoundedTrace, checkDescription, modelBounds } from '../../nn/bounds.js';
import type { Json, Layer } from '../../nn/layer.js';
import { Model } from '../../nn/model.js';
import { describeLayer, restoreLayer, sameDescription, unknownKind } from '../../nn/registry.js';
import { checkNormalization, type Normalization } from '../inference/normalization.js';
import { contentHash } from './contentHash.js';
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
  /** The numerics that decided the bits of its weights, as in the engine's report. */
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
  metadata.set('sha256', await contentHash(metadata, tensors));
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
    classes: list(text(/^.{1,1024}$/s, 'a text of 1 to 1024 characters'), 1, modelBounds.classes),
    normalization: object<Normalization>({ mean: number(), deviation: number() }, {}),
    dataset: text(),
    numerics: text(),
  },
  { recipe: text(), weightAveraging: number() },
);

function parseMetadata(metadata: ReadonlyMap<string, string>, path: string): Metadata {
  const { format, version: found, sha256: _hash, ...texts } = Object.fromEntries(metadata);
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

/** Throws DataError where the content has another hash than the file names. Files of version 0.1 name none. */
async function checkContent(
  metadata: ReadonlyMap<string, string>,
  tensors: ModelFile['tensors'],
  path: string,
): Promise<void> {
  const named = metadata.get('sha256');
  if (named === undefined) return;
  const others = new Map([...metadata].filter(([name]) => name !== 'sha256'));
  if ((await contentHash(others, tensors)) === named) return;
  throw new DataError(`${path}: damaged: its content has another SHA-256 than its header names`);
}

/** Asked where a file names a kind of layer that nobody has made known. */
export type OwnLayers = (
  kind: string,
  images: { readonly shape: Shape; readonly classes: readonly string[] },
) => Promise<Layer | undefined>;

/** The layer of a file: restored, or one that somebody gives, if it is the one that the file describes. */
async function layerOf(
  { architecture, inputShape, classes }: Metadata,
  ownLayers: OwnLayers | undefined,
): Promise<Layer> {
  checkDescription(architecture);
  if (inputShape.length > modelBounds.axes) {
    throw new ModelError(`axes of an input: ${inputShape.length}, at most ${modelBounds.axes} are taken`);
  }
  const size = sizeOf(inputShape);
  if (size > modelBounds.inputs) {
    throw new ModelError(
      `inputs of ${formatShape(inputShape)} have ${size} numbers, at most ${modelBounds.inputs} are taken`,
    );
  }
  const kind = unknownKind(architecture);
  const own = kind && (await ownLayers?.(kind, { shape: inputShape, classes }));
  if (own && unknownKind(architecture) && sameDescription(describeLayer(own), architecture)) return own;
  return restoreLayer(architecture);
}

/** The architecture of a file as a model with all its leaves. */
async function restoreModel(
  metadata: Metadata,
  { path, tensors }: Pick<ModelFile, 'path' | 'tensors'>,
  ownLayers: OwnLayers | undefined,
): Promise<Model> {
  const { inputShape, classes, normalization } = metadata;
  try {
    checkNormalization(normalization);
    const layer = await layerOf(metadata, ownLayers);
    const held = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
    const model = new Model(layer, inputShape, 0, new BoundedTrace(held));
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
 * Reads a model without the recipe that made it. Nothing in the file is run, and what it asks for is bounded
 * (`modelBounds`).
 *
 * @param ownLayers asked where the file names a kind of layer that nobody has made known: it may do so, or give the
 * whole
 *   layer, which is taken if it is described as the file says
 * @throws DataError when the file cannot be read, is damaged or no sound safetensors file; ModelError when it holds no
 * model of Quern, a layer that is not registered, more than is taken, or weights that are not those of its architecture
 */
export async function readModelFile(path: string, ownLayers?: OwnLayers): Promise<ModelFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFileWithin(path, largestFile);
  } catch (cause) {
    throw new DataError(`${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  await checkContent(metadata, tensors, path);
  const parsed = parseMetadata(metadata, path);
  const { architecture: _architecture, inputShape: _inputShape, ...details } = parsed;
  const model = await restoreModel(parsed, { path, tensors }, ownLayers);
  checkSameTensors(model, tensors, path);
  return { path, model, details, tensors };
}
