import { dtypeOf } from '../../core/dtype.js';
import { ModelError } from '../../core/errors.js';
import { formatShape, sameShape } from '../../core/shape.js';
import type { Engine } from '../../engine/engine.js';
import type { Leaf } from '../../tensor/tensor.js';
import type { StoredTensor } from './safetensors.js';

export type Tensors = ReadonlyMap<string, StoredTensor>;

/** Copies of the values of leaves, by the names that they are given here. */
export async function readTensors(engine: Engine, leaves: ReadonlyMap<string, Leaf>): Promise<Tensors> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, leaf] of leaves) {
    tensors.set(name, { shape: leaf.shape, data: (await engine.read(leaf)).data });
  }
  return tensors;
}

/**
 * Gives leaves the values of tensors of the same names.
 *
 * @throws ModelError, before anything is written, for a tensor that is missing, too many, or of another shape or dtype
 */
export async function writeTensors(
  engine: Engine,
  leaves: ReadonlyMap<string, Leaf>,
  tensors: Tensors,
): Promise<void> {
  for (const [name, { shape, dtype }] of leaves) {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new ModelError(`resume: the checkpoint has no tensor '${name}'`);
    const found = `${dtypeOf(tensor.data)}${formatShape(tensor.shape)}`;
    if (!sameShape(tensor.shape, shape) || dtypeOf(tensor.data) !== dtype) {
      throw new ModelError(
        `resume: tensor '${name}' of the checkpoint is another: ${found}, not ${dtype}${formatShape(shape)}`,
      );
    }
  }
  const unknown = [...tensors.keys()].find((name) => !leaves.has(name));
  if (unknown !== undefined) {
    throw new ModelError(`resume: the checkpoint has a tensor that this training has not: '${unknown}'`);
  }
  for (const [name, leaf] of leaves) await engine.write(leaf, tensors.get(name)!.data);
}
