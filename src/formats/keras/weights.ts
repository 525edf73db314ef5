/** Where Keras's files keep the weights of each layer. */
import { DataError } from '../../core/errors.js';
import type { Hdf5File } from '../hdf5/read.js';
import type { Floats } from '../weights.js';
import { kerasOrder, snakeCase } from './groups.js';
import type { KerasModel, KerasNode } from './model.js';

/** By the path of the layer: names of models and layers, with slashes. */
export type LayerWeights = ReadonlyMap<string, readonly Floats[]>;

const mostVariables = 1000;

/**
 * Keras 3: `layers/conv2d_1/vars/0`. Groups are named by class and counter, not by layer; newer files tell the layer's
 * name beside.
 */
export function variableWeights(file: Hdf5File, model: KerasModel, root = '', prefix = ''): LayerWeights {
  const found = new Map<string, readonly Floats[]>();
  const base = `${root}layers/`;
  const groups = file.members(base);
  const byName = new Map(groups.map((group) => [file.text(`${base}${group}/vars`, 'name'), group]));
  const named = model.nodes.every(({ name, className }) => className === 'InputLayer' || byName.has(name));
  const counters = new Map<string, number>();
  for (const node of model.sequential ? model.nodes : kerasOrder(model)) {
    const kind = snakeCase(node.className);
    const count = counters.get(kind) ?? 0;
    counters.set(kind, count + 1);
    const counted = count === 0 ? kind : `${kind}_${count}`;
    const group = `${base}${named ? (byName.get(node.name) ?? counted) : counted}`;
    const path = `${prefix}${node.name}`;
    if (node.inner !== undefined) {
      for (const entry of variableWeights(file, node.inner, `${group}/`, `${path}/`)) found.set(...entry);
      continue;
    }
    const floats: Floats[] = [];
    for (let i = 0; i < mostVariables; i++) {
      const each = file.floats(`${group}/vars/${i}`);
      if (each === undefined) break;
      floats.push(each);
    }
    found.set(path, floats);
  }
  return found;
}

/** Keras 2, and `.h5` of Keras 3: lists of names as attributes. */
export function legacyWeights(file: Hdf5File, model: KerasModel, what: string): LayerWeights {
  const root = file.members('').includes('model_weights') ? 'model_weights/' : '';
  const found = new Map<string, readonly Floats[]>();
  for (const node of model.nodes) {
    const group = `${root}${node.name}`;
    const names = file.texts(group, 'weight_names') ?? [];
    const floats = names.map((name) => {
      const each = file.floats(`${group}/${name}`);
      if (each === undefined) throw new DataError(`${what}: there is no dataset '${group}/${name}'`);
      return each;
    });
    if (node.inner === undefined) found.set(node.name, floats);
    else for (const entry of dealtOut(node.inner, floats, `${node.name}/`)) found.set(...entry);
  }
  return found;
}

/** Trainable weights of a layer, by its class; the others follow those of the whole model. */
const stillCounts: Readonly<Record<string, number>> = { BatchNormalization: 2, Normalization: 3 };

/** The list of a whole model: first what is trained of every layer, then what is not. */
function dealtOut(model: KerasModel, floats: readonly Floats[], prefix: string): LayerWeights {
  const leaves: [string, KerasNode][] = [];
  const collect = (nodes: readonly KerasNode[], path: string) => {
    for (const node of nodes) {
      if (node.inner !== undefined) collect(node.inner.nodes, `${path}${node.name}/`);
      else leaves.push([`${path}${node.name}`, node]);
    }
  };
  collect(model.nodes, prefix);
  let next = 0;
  const take = (count: number) => {
    next += count;
    return floats.slice(next - count, next);
  };
  const trained = leaves.map(([, node]) => take(trainedCount(node)));
  return new Map(
    leaves.map(([path, node], i) => [path, [...trained[i]!, ...take(stillCounts[node.className] ?? 0)]]),
  );
}

function trainedCount({ className, config }: KerasNode): number {
  const bias = config.use_bias === false ? 0 : 1;
  switch (className) {
    case 'Conv2D':
    case 'DepthwiseConv2D':
    case 'Dense':
      return 1 + bias;
    case 'SeparableConv2D':
      return 2 + bias;
    case 'BatchNormalization':
    case 'LayerNormalization':
      return (config.scale === false ? 0 : 1) + (config.center === false ? 0 : 1);
    default:
      return 0;
  }
}
