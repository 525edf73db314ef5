/** Fills given layers with the weights of a `.weights.h5`, whose groups are named by class and counter. */
import { ModelError } from '../../core/errors.js';
import { formatShape, sizeOf } from '../../core/shape.js';
import { Model } from '../../nn/model.js';
import type { StoredTensor } from '../../training/files/safetensors.js';
import { savedLeaves } from '../../training/files/weights.js';
import type { ImportOptions } from '../foreign.js';
import type { Hdf5File } from '../hdf5/read.js';
import { networkOf } from '../network.js';
import { kerasOrder } from './groups.js';

/** The groups of each kind of layer, and the names of its weights in Keras's order. */
const groups: Readonly<Record<string, readonly [group: string, weights: readonly string[]]>> = {
  conv2d: ['conv2d', ['filter', 'bias']],
  depthwiseConv2d: ['depthwise_conv2d', ['filter', 'bias']],
  separableConv2d: ['separable_conv2d', ['depthwiseFilter', 'pointwiseFilter', 'bias']],
  dense: ['dense', ['kernel', 'bias']],
  batchNorm: ['batch_normalization', ['gamma', 'beta', 'movingMean', 'movingVariance']],
  layerNorm: ['layer_normalization', ['gamma', 'beta']],
};

/**
 * The model of the layers with the weights of the file, the n-th layer of a kind with the n-th group of its class.
 *
 * @throws ModelError naming the layer that a group does not fit
 */
export function fillFromKeras(
  file: Hdf5File,
  { layer, inputShape }: NonNullable<ImportOptions['layers']>,
  what: string,
): { readonly model: Model; readonly tensors: ReadonlyMap<string, StoredTensor> } {
  const model = new Model(layer, inputShape);
  const leaves = savedLeaves(model);
  const empty = new Map(
    leaves.map(({ name, shape }) => [name, { shape, data: new Float32Array(sizeOf(shape)) }]),
  );
  const { nodes } = networkOf(model, empty);
  const counters = new Map<string, number>();
  const found = new Map<string, StoredTensor>();
  for (const node of kerasOrder({ nodes, output: nodes.at(-1)!.name })) {
    if (node.weights.size === 0) continue;
    const [group, names] = groups[node.kind] ?? [];
    if (group === undefined || names === undefined) {
      throw new ModelError(`${what}: layer ${node.name} (${node.kind}) has no counterpart in Keras`);
    }
    const count = counters.get(group) ?? 0;
    counters.set(group, count + 1);
    const path = `layers/${group}${count === 0 ? '' : `_${count}`}/vars`;
    for (const [i, name] of names.filter((each) => node.weights.has(each)).entries()) {
      const { shape } = node.weights.get(name)!;
      const floats = file.floats(`${path}/${i}`);
      if (floats?.shape.join() !== shape.join()) {
        const there = floats === undefined ? 'nothing' : formatShape(floats.shape);
        throw new ModelError(
          `${what}: ${node.name}.${name} ${formatShape(shape)}: the file has ${there} at ${path}/${i}`,
        );
      }
      found.set(`${node.name}.${name}`, floats);
    }
  }
  return { model, tensors: new Map(leaves.map(({ name }) => [name, found.get(name)!])) };
}
