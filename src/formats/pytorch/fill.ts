/** Fills given layers with the tensors of a state dict, which tells of no architecture. */
import { ModelError } from '../../core/errors.js';
import { formatShape, type Shape, sizeOf } from '../../core/shape.js';
import type { Json, Layer } from '../../nn/layer.js';
import { Model } from '../../nn/model.js';
import { describeLayer, restoreLayer } from '../../nn/registry.js';
import type { StoredTensor } from '../../training/files/safetensors.js';
import { savedLeaves } from '../../training/files/weights.js';
import { type NetworkNode, networkOf } from '../network.js';
import { depthwiseOutLast, type Floats, filterOutLast, inverse, reordered, transposed } from '../weights.js';
import { FlattenedOrders } from './flattened.js';
import type { NamedFloats } from './tensors.js';

/** The tensors of one module. */
interface Module {
  readonly name: string;
  readonly weight?: Floats | undefined;
  readonly bias?: Floats | undefined;
  readonly running_mean?: Floats | undefined;
  readonly running_var?: Floats | undefined;
}

const parts = ['weight', 'bias', 'running_mean', 'running_var'] as const;

/** Wrappers put these before every name. */
const wrappers = /^(module\.|_orig_mod\.)+/;

function modulesOf(tensors: NamedFloats): Module[] {
  const modules = new Map<string, { [part: string]: Floats }>();
  for (const [full, floats] of tensors) {
    const name = full.replace(wrappers, '');
    const dot = name.lastIndexOf('.');
    const part = name.slice(dot + 1);
    if (part === 'num_batches_tracked') continue;
    const known = parts.some((each) => each === part);
    const key = known ? name.slice(0, Math.max(0, dot)) : name;
    modules.set(key, { ...modules.get(key), [known ? part : 'weight']: floats });
  }
  return [...modules].map(([name, own]) => ({ name, ...own }));
}

type Converted = Readonly<Record<string, Floats>>;

const same = (a: Shape | undefined, b: Shape) => a !== undefined && a.join() === b.join();

interface Place {
  readonly node: NetworkNode;
  readonly order: Int32Array | undefined;
}

const placed = (floats: Floats, order: Int32Array | undefined) =>
  order ? reordered(floats, inverse(order)) : floats;

/** The module's tensors as those of the layer, or undefined where they do not fit. */
type Fit = (module: Module, place: Place) => Converted | undefined;

const shapeOf = ({ node }: Place, name: string): Shape => node.weights.get(name)?.shape ?? [];

function withBias(module: Module, place: Place, weights: Converted): Converted | undefined {
  const wanted = place.node.weights.has('bias');
  if (wanted !== (module.bias !== undefined)) return undefined;
  if (!wanted) return weights;
  return same(module.bias!.shape, shapeOf(place, 'bias')) ? { ...weights, bias: module.bias! } : undefined;
}

const conv2d: Fit = (module, place) => {
  const [height, width, channels, filters] = shapeOf(place, 'filter');
  if (!same(module.weight?.shape, [filters!, channels!, height!, width!])) return undefined;
  return withBias(module, place, { filter: filterOutLast(module.weight!) });
};

const depthwise =
  (name: string): Fit =>
  (module, place) => {
    const [height, width, channels, multiplier] = shapeOf(place, name);
    if (!same(module.weight?.shape, [channels! * multiplier!, 1, height!, width!])) return undefined;
    const weights = { [name]: depthwiseOutLast(module.weight!, channels!) };
    return name === 'filter'
      ? withBias(module, place, weights)
      : module.bias === undefined
        ? weights
        : undefined;
  };

const pointwise: Fit = (module, place) => {
  const [, , channels, filters] = shapeOf(place, 'pointwiseFilter');
  if (!same(module.weight?.shape, [filters!, channels!, 1, 1])) return undefined;
  return withBias(module, place, { pointwiseFilter: filterOutLast(module.weight!) });
};

const dense: Fit = (module, place) => {
  const [inputs, units] = shapeOf(place, 'kernel');
  if (!same(module.weight?.shape, [units!, inputs!])) return undefined;
  return withBias(module, place, { kernel: placed(transposed(module.weight!, [1, 0]), place.order) });
};

const norm: Fit = ({ weight, bias, running_mean: mean, running_var: variance }, place) => {
  const { node, order } = place;
  const still = node.kind === 'batchNorm';
  const size = [node.shape.at(-1)!];
  const given = { gamma: weight, beta: bias, movingMean: mean, movingVariance: variance };
  if (still !== (mean !== undefined && variance !== undefined)) return undefined;
  const stated = Object.entries(given).filter((entry): entry is [string, Floats] => entry[1] !== undefined);
  // PyTorch has factor and addend of a normalization together: one of them may do nothing
  const idle: Readonly<Record<string, number>> = { gamma: 1, beta: 0 };
  const entries = stated.filter(
    ([name, { data }]) => node.weights.has(name) || !data.every((value) => value === idle[name]),
  );
  if (entries.length !== node.weights.size) return undefined;
  if (!entries.every(([name, floats]) => node.weights.has(name) && same(floats.shape, size)))
    return undefined;
  return Object.fromEntries(entries.map(([name, floats]) => [name, placed(floats, order)]));
};

const affine: Fit = ({ weight, bias, running_mean: mean }, { node }) => {
  const given = Object.entries({ gain: weight, offset: bias });
  const entries = given.filter((entry): entry is [string, Floats] => entry[1] !== undefined);
  const fits = mean === undefined && entries.length === node.weights.size;
  return fits && entries.every(([, floats]) => same(floats.shape, [node.shape.at(-1)!]))
    ? Object.fromEntries(entries)
    : undefined;
};

/** What each kind of layer takes: a module, or two. */
const fits: Readonly<Record<string, readonly Fit[]>> = {
  conv2d: [conv2d],
  depthwiseConv2d: [depthwise('filter')],
  separableConv2d: [depthwise('depthwiseFilter'), pointwise],
  dense: [dense],
  batchNorm: [norm],
  layerNorm: [norm],
  affine: [affine],
};

export interface LayersToFill {
  readonly layer: Layer;
  readonly inputShape: Shape;
}

interface Filled {
  readonly model: Model;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly notes: readonly string[];
}

/** The layer with another epsilon in every batch normalization: that of a recipe need not be PyTorch's. */
function withEpsilon(layer: Layer, epsilon: number): { readonly layer: Layer; readonly changed: boolean } {
  let changed = false;
  const visit = (value: Json): Json => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(visit);
    const entries = Object.entries(value).map(([name, part]): [string, Json] => [name, visit(part)]);
    const made = Object.fromEntries(entries) as { [key: string]: Json };
    const options = made.options as { [key: string]: Json } | undefined;
    if (made.kind !== 'batchNorm' || options === undefined || options.epsilon === epsilon) return made;
    changed = true;
    return { ...made, options: { ...options, epsilon } };
  };
  const description = visit(describeLayer(layer));
  return changed ? { layer: restoreLayer(description), changed } : { layer, changed };
}

/** PyTorch's own, which no state dict tells of. */
const usualEpsilon = 1e-5;

/**
 * Gives layers the tensors of a state dict. Modules are taken in the order of the file, each by the first layer that it
 * fits; a normalization takes the one that follows its convolution's.
 *
 * @param options.epsilon of batch normalization; default 1e-5, as in PyTorch; null for that of the layers
 * @throws ModelError naming the layer that no tensor fits, or the tensors that no layer takes
 */
export function fillLayers(
  tensors: NamedFloats,
  { layer, inputShape }: LayersToFill,
  what: string,
  options: { readonly epsilon?: number | null | undefined } = {},
): Filled {
  const epsilon = options.epsilon === undefined ? usualEpsilon : options.epsilon;
  const adapted = epsilon === null ? { layer, changed: false } : withEpsilon(layer, epsilon);
  const model = new Model(adapted.layer, inputShape);
  const empty = new Map(
    savedLeaves(model).map(({ name, shape }) => [name, { shape, data: new Float32Array(sizeOf(shape)) }]),
  );
  const network = networkOf(model, empty);
  const orders = new FlattenedOrders(network, true);
  const modules = modulesOf(tensors);
  const free = new Set(modules);
  const takenBy = new Map<string, Module>();
  const found = new Map<string, StoredTensor>();
  for (const node of network.nodes.filter(({ weights }) => weights.size > 0)) {
    for (const fit of fits[node.kind] ?? []) {
      const place = { node, order: orders.of(node.inputs[0]!) };
      const before = modules.indexOf(takenBy.get(node.inputs[0]!)!);
      const candidates = [...modules.slice(before + 1), ...modules.slice(0, before + 1)].filter((each) =>
        free.has(each),
      );
      const taken = candidates.find((each) => fit(each, place) !== undefined);
      if (taken === undefined) throw misfit(what, node, candidates);
      free.delete(taken);
      takenBy.set(node.name, taken);
      for (const [name, floats] of Object.entries(fit(taken, place)!))
        found.set(`${node.name}.${name}`, floats);
    }
  }
  if (free.size > 0) {
    const names = [...free]
      .slice(0, 3)
      .map(({ name, weight }) => `${name} ${formatShape(weight?.shape ?? [])}`);
    throw new ModelError(
      `${what}: no layer takes ${names.join(', ')}${free.size > 3 ? ` and ${free.size - 3} more` : ''}`,
    );
  }
  const pairs = [...takenBy].map(
    ([name, module]) => `${name} ← ${module.name === '' ? 'the whole' : module.name}`,
  );
  const notes = [
    ...(adapted.changed ? [`epsilon of batch normalization: ${epsilon}`] : []),
    `layers and modules: ${pairs.join(', ')}`,
  ];
  const ordered = new Map(savedLeaves(model).map(({ name }) => [name, found.get(name)!]));
  return { model, tensors: ordered, notes };
}

function misfit(what: string, { name, kind, weights }: NetworkNode, left: readonly Module[]): ModelError {
  const shapes = [...weights].map(([part, { shape }]) => `${part} ${formatShape(shape)}`).join(', ');
  const next = left[0];
  const found =
    next === undefined
      ? 'no tensor is left'
      : `the next is ${next.name} ${formatShape(next.weight?.shape ?? [])}`;
  return new ModelError(`${what}: nothing in the file fits layer ${name} (${kind}: ${shapes}): ${found}`);
}
