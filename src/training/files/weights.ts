import { float32Of } from '../../core/dtype.js';
import { ModelError } from '../../core/errors.js';
import { sha256 } from '../../core/sha256.js';
import { formatShape, sameShape } from '../../core/shape.js';
import type { Engine } from '../../engine/engine.js';
import type { Model } from '../../nn/model.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { StoredTensor } from './safetensors.js';

/** Values of a model's leaves by path: parameters in the order of their use, then untrained values such as running means. */
export type Weights = Map<string, Float32Array>;

/** The leaves that a model file holds. */
export function savedLeaves(model: Model): Leaf[] {
  return [...model.parameters, ...model.states];
}

/** Copies of a model's values as they are now. */
export async function readWeights(engine: Engine, model: Model): Promise<Weights> {
  const weights: Weights = new Map();
  for (const leaf of savedLeaves(model)) {
    weights.set(leaf.name, float32Of((await engine.read(leaf)).data));
  }
  return weights;
}

/** Gives a model of the same architecture in the same engine the values of another. */
export async function copyWeights(engine: Engine, from: Model, to: Model): Promise<void> {
  const targets = savedLeaves(to);
  for (const [i, leaf] of savedLeaves(from).entries()) {
    await engine.write(targets[i]!, float32Of((await engine.read(leaf)).data));
  }
}

/** Gives a model values that `readWeights` has read of it, or of another of the same architecture. */
export async function setWeights(engine: Engine, model: Model, weights: Weights): Promise<void> {
  for (const leaf of savedLeaves(model)) {
    const value = weights.get(leaf.name);
    if (value === undefined) throw new ModelError(`setWeights: there is no value for ${leaf.name}`);
    await engine.write(leaf, value);
  }
}

/**
 * Gives a model the values of another of the same architecture.
 *
 * @param what names the source in errors, such as the path of a file
 * @throws ModelError naming what differs
 */
export async function writeWeights(
  engine: Engine,
  model: Model,
  tensors: ReadonlyMap<string, StoredTensor>,
  what: string,
): Promise<void> {
  checkSameTensors(model, tensors, what);
  for (const leaf of savedLeaves(model)) await engine.write(leaf, tensors.get(leaf.name)!.data);
}

/**
 * The SHA-256 of the values' bytes, one after the other: of what follows the header of a model file. In hexadecimal.
 *
 * @throws UsageError on a web page without a secure context, where browsers hide their hashes
 */
export async function hashWeights(weights: Weights): Promise<string> {
  const parts = [...weights.values()].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  return sha256('weightsSha256', ...parts);
}

/** The most differences that an error names. */
const named = 3;

/** Throws ModelError, naming what differs, unless the tensors are those of the model: names, shapes, float32. */
export function checkSameTensors(
  model: Model,
  tensors: ReadonlyMap<string, StoredTensor>,
  what: string,
): void {
  const leaves = savedLeaves(model);
  const names = new Set(leaves.map(({ name }) => name));
  const differences = leaves.flatMap(({ name, shape }) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) return [`${name} ${formatShape(shape)} is missing`];
    if (!(tensor.data instanceof Float32Array)) return [`${name} is not float32`];
    if (sameShape(tensor.shape, shape)) return [];
    return [`${name} is ${formatShape(tensor.shape)}, not ${formatShape(shape)}`];
  });
  for (const name of tensors.keys()) if (!names.has(name)) differences.push(`${name} is not in the model`);
  if (differences.length === 0) return;
  const more = differences.length > named ? `; and ${differences.length - named} more` : '';
  throw new ModelError(
    `${what}: the weights are of another architecture: ${differences.slice(0, named).join('; ')}${more}`,
  );
}

/**
 * Throws ModelError, naming the first, unless all numbers are finite: what such a model tells of an image means nothing.
 *
 * @param what names the source in errors, such as the path of a file
 */
export function checkFinite(tensors: ReadonlyMap<string, StoredTensor>, what: string): void {
  for (const [name, { data }] of tensors) {
    let bad = 0;
    for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) bad++;
    if (bad === 0) continue;
    throw new ModelError(
      `${what}: the model is not finite: ${bad} of ${data.length} numbers of ${name} are not`,
      {
        hint: 'Its training has diverged: a lower learning rate is the usual cure, or gradients that are clipped.',
      },
    );
  }
}

/** Throws ModelError unless all probabilities are numbers: weights may be finite and what they give not. */
export function checkProbabilities(probabilities: Float32Array, what: string): void {
  const bad = probabilities.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
  if (bad === 0) return;
  throw new ModelError(
    `${what}: the model is not finite on these images: ${bad} of ${probabilities.length} probabilities are no numbers`,
    { hint: 'Its weights are too large: its training has diverged.' },
  );
}
