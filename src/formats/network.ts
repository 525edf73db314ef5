/**
 * A model as other formats see it: one list of simple layers and joins, each with its weights. What exporters print,
 * and what importers make.
 */
import { ModelError, QuernError, sentenceOf } from '../core/errors.js';
import { formatShape, type Shape, sizeOf } from '../core/shape.js';
import type { Json, Layer } from '../nn/layer.js';
import { type GraphNode, graph, isJoin } from '../nn/layers/graph.js';
import { Model } from '../nn/model.js';
import { restoreLayer } from '../nn/registry.js';
import { sequential } from '../nn/sequential.js';
import { input } from '../tensor/leaves.js';
import type { StoredTensor } from '../training/files/safetensors.js';
import { savedLeaves } from '../training/files/weights.js';

export type Tensors = ReadonlyMap<string, StoredTensor>;

/** A layer without parts, or a join such as 'add'. */
export interface NetworkNode {
  /** Unique; with dots where a model has parts. */
  readonly name: string;
  /** Of a layer, as `restoreLayer` knows it, or of a join. */
  readonly kind: string;
  readonly options: { readonly [key: string]: Json };
  /** Names of nodes before it; 'input' is the network's input. */
  readonly inputs: readonly string[];
  /** By the names that the layer gives them: filter, bias, gamma. */
  readonly weights: Tensors;
  /** Of the output for one example. */
  readonly shape: Shape;
}

/** In the order in which they are computed; the last one is the output, logits. */
export interface Network {
  readonly inputShape: Shape;
  readonly nodes: readonly NetworkNode[];
}

/** A node whose name may be taken. */
type Adding = Pick<NetworkNode, 'name' | 'kind' | 'inputs' | 'shape'> &
  Partial<Pick<NetworkNode, 'options' | 'weights'>>;

/** Prints a model's layers as a network. */
class Flattening {
  readonly nodes: NetworkNode[] = [];
  /** Names of a network's ends are not for its nodes. */
  private readonly names = new Set(['input', 'images', 'logits', 'probabilities']);

  constructor(
    private readonly shapes: ReadonlyMap<string, Shape>,
    private readonly tensors: Tensors,
  ) {}

  walk(layer: Layer, path: string, from: string): string {
    const at = (name: string) => (path === '' ? name : `${path}.${name}`);
    switch (layer.kind) {
      case 'sequential':
        return Object.entries(layer.parts).reduce(
          (value, [name, part]) => this.walk(part, at(name), value),
          from,
        );
      case 'residual': {
        const { body, projection } = layer.parts;
        const shortcut = projection === undefined ? from : this.walk(projection, at('projection'), from);
        const end = this.walk(body!, at('body'), from);
        return this.add({
          name: at('sum'),
          kind: 'add',
          inputs: [shortcut, end],
          shape: this.shapes.get(path)!,
        });
      }
      case 'graph':
        return this.walkGraph(layer, path, from);
      default:
        return this.leaf(layer, path, from);
    }
  }

  private walkGraph(layer: Layer, path: string, from: string): string {
    const values = new Map([['input', from]]);
    let last = from;
    const nodes = layer.options.nodes as unknown as readonly GraphNode[];
    for (const { name, inputs, join } of nodes) {
      const at = path === '' ? name : `${path}.${name}`;
      const taken = inputs.map((source) => values.get(source)!);
      last =
        join === undefined
          ? this.walk(layer.parts[name]!, at, taken[0]!)
          : this.add({
              name: at,
              kind: join,
              inputs: taken,
              shape: joinedShape(
                join,
                taken.map((source) => this.shapeOf(source)),
              ),
            });
      values.set(name, last);
    }
    return last;
  }

  private leaf(layer: Layer, path: string, from: string): string {
    if (Object.keys(layer.parts).length > 0) {
      throw new ModelError(
        `export: ${path}: a layer '${layer.kind}' with parts has no counterpart elsewhere`,
      );
    }
    const prefix = path === '' ? '' : `${path}.`;
    const own = [...this.tensors].filter(
      ([name]) => name.startsWith(prefix) && !name.slice(prefix.length).includes('.'),
    );
    const weights = new Map(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
    return this.add({
      name: path === '' ? 'model' : path,
      kind: layer.kind,
      options: layer.options,
      inputs: [from],
      shape: this.shapes.get(path)!,
      weights,
    });
  }

  private shapeOf(name: string): Shape {
    return this.nodes.find((node) => node.name === name)?.shape ?? this.shapes.get('input')!;
  }

  private add({ name: wanted, kind, options = {}, inputs, shape, weights = new Map() }: Adding): string {
    // a layer that is applied twice
    let name = wanted;
    for (let i = 2; this.names.has(name); i++) name = `${wanted}_${i}`;
    this.names.add(name);
    this.nodes.push({ name, kind, options, inputs, weights, shape });
    return name;
  }
}

export function joinedShape(join: string, shapes: readonly Shape[]): Shape {
  const [first, ...others] = shapes as [Shape, ...Shape[]];
  if (join === 'concatenate') {
    return [...first.slice(0, -1), shapes.reduce((sum, shape) => sum + shape.at(-1)!, 0)];
  }
  return others.reduce((a, b) => (sizeOf(b) > sizeOf(a) ? b : a), first);
}

/**
 * The network of a model.
 *
 * @throws ModelError for a layer of one's own that has parts
 */
export function networkOf(model: Model, tensors: Tensors): Network {
  const shapes = new Map<string, Shape>([['input', model.inputShape]]);
  model.apply(input('input', [1, ...model.inputShape]), {
    observe: ({ path, output }) => shapes.set(path, output.shape.slice(1)),
  });
  const flattening = new Flattening(shapes, tensors);
  flattening.walk(model.layer, '', 'input');
  return { inputShape: model.inputShape, nodes: flattening.nodes };
}

/** What an importer knows of a node before the shapes are worked out. */
export type Draft = Omit<NetworkNode, 'shape'>;

function layerOf({ name, kind, options }: Draft): Layer {
  try {
    return restoreLayer(Object.keys(options).length === 0 ? { kind } : { kind, options }, name);
  } catch (cause) {
    throw new ModelError(`node '${name}' cannot be made: ${sentenceOf(cause)}`, { cause });
  }
}

const isChain = (nodes: readonly Draft[]) =>
  nodes.every(
    ({ kind, inputs }, i) =>
      !isJoin(kind) && inputs.length === 1 && inputs[0] === (i === 0 ? 'input' : nodes[i - 1]!.name),
  );

/** Names that paths can hold: dots separate parts. */
function pathNames(nodes: readonly Draft[]): Map<string, string> {
  const taken = new Set(['input']);
  const names = new Map([['input', 'input']]);
  for (const { name } of nodes) {
    const plain = name.replace(/[^\w-]+/g, '_').replace(/^_+|_+$/g, '') || 'node';
    let free = plain;
    for (let i = 2; taken.has(free); i++) free = `${plain}_${i}`;
    taken.add(free);
    names.set(name, free);
  }
  return names;
}

/** Above what any image classifier needs in one place, and small enough to plan. */
const largestValue = 2 ** 26;
const mostNodes = 10_000;

/**
 * Makes a model of nodes: a sequential where they are a chain, else a graph.
 *
 * @param what begins the errors: the file
 * @throws ModelError for layers or weights that do not fit each other
 */
export function modelOf(
  nodes: readonly Draft[],
  inputShape: Shape,
  what: string,
): { model: Model; tensors: Map<string, StoredTensor> } {
  if (nodes.length === 0) throw new ModelError(`${what}: the model has no layer`);
  if (nodes.length > mostNodes) throw new ModelError(`${what}: ${nodes.length} layers are over ${mostNodes}`);
  if (sizeOf(inputShape) > largestValue) {
    throw new ModelError(`${what}: an input of ${formatShape(inputShape)} is over ${largestValue} numbers`);
  }
  const chain = isChain(nodes);
  const names = chain ? new Map(nodes.map(({ name }, i) => [name, `layers.${i}`])) : pathNames(nodes);
  let model: Model;
  try {
    const layer = chain
      ? sequential(nodes.map(layerOf))
      : graph(
          nodes.map((node) => ({
            name: names.get(node.name)!,
            inputs: node.inputs.map((source) => names.get(source) ?? source),
            ...(isJoin(node.kind) ? { join: node.kind } : { layer: layerOf(node) }),
          })),
        );
    model = new Model(layer, inputShape);
  } catch (cause) {
    if (!(cause instanceof QuernError)) throw cause;
    throw new ModelError(`${what}: the model cannot be made: ${sentenceOf(cause)}`, { cause });
  }
  const found = new Map<string, StoredTensor>();
  for (const node of nodes) {
    for (const [name, tensor] of node.weights) found.set(`${names.get(node.name)}.${name}`, tensor);
  }
  const tensors = new Map<string, StoredTensor>();
  for (const { name, shape } of savedLeaves(model)) {
    const tensor = found.get(name);
    if (tensor === undefined)
      throw new ModelError(`${what}: there are no values for ${name} ${formatShape(shape)}`);
    tensors.set(name, tensor);
  }
  return { model, tensors };
}
