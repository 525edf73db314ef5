/** Architectures of Keras 2, Keras 3 and tfjs as one list of layers with their inputs. */
import { DataError, ModelError } from '../../core/errors.js';
import { listOf, type Members, numberOf, objectOf, textOf } from './members.js';

export interface KerasNode {
  readonly className: string;
  readonly name: string;
  readonly config: Members;
  /** Names of layers; empty for the input. */
  readonly inputs: readonly string[];
  /** Of an operation of keras.ops: what it is given in order, tensors as null. */
  readonly operands?: readonly unknown[] | undefined;
  /** Of an input layer, or the first of a sequential: without the batch. */
  readonly shape?: readonly unknown[] | undefined;
  /** Of a model that is a layer. */
  readonly inner?: KerasModel | undefined;
}

export interface KerasModel {
  readonly name: string;
  readonly sequential: boolean;
  /** Sorted: every layer stands behind its inputs. */
  readonly nodes: readonly KerasNode[];
  readonly output: string;
}

const deepest = 10;

/** The names in an inbound node, whichever version wrote it. */
function historyOf(value: unknown, depth = 0): [string, number][] {
  if (depth > deepest) throw new DataError('inbound nodes within inbound nodes');
  if (Array.isArray(value)) {
    // ['conv2d', 0, 0] or ['conv2d', 0, 0, {}]
    const [name, index] = value as unknown[];
    if (typeof name === 'string' && typeof index === 'number') return [[name, index]];
    return value.flatMap((part) => historyOf(part, depth + 1));
  }
  const { class_name: className, config } = objectOf(value);
  return className === '__keras_tensor__' ? historyOf(objectOf(config).keras_history, depth + 1) : [];
}

function inputsOf(layer: Members, what: string): string[] {
  const nodes = listOf(layer.inbound_nodes);
  if (nodes.length > 1)
    throw new ModelError(`${what}: a layer that is applied ${nodes.length} times is not read`);
  const [node] = nodes;
  const sources = historyOf(Array.isArray(node) ? node : objectOf(node).args);
  return sources.map(([name, index]) => {
    if (index !== 0) throw new ModelError(`${what}: a layer that is applied several times is not read`);
    return name;
  });
}

/** What an operation is given beside tensors decides what it computes. */
function operandsOf({ module, config, inbound_nodes: nodes }: Members): readonly unknown[] | undefined {
  const { args, kwargs } = objectOf(listOf(nodes)[0]);
  // an .h5 names no modules; operations have names alone, layers say more
  const bare = module === undefined && args !== undefined && Object.keys(objectOf(config)).join() === 'name';
  if (!bare && !/^keras\.src\.ops\b/.test(textOf(module) ?? '')) return undefined;
  const isTensor = (value: unknown) => objectOf(value).class_name === '__keras_tensor__';
  return [...listOf(args), ...Object.values(objectOf(kwargs))].map((value) =>
    isTensor(value) ? null : value,
  );
}

/** The shape of an example, where a layer says what it takes. */
function shapeIn(layer: Members, config: Members): readonly unknown[] | undefined {
  const built = objectOf(layer.build_config).input_shape;
  const found = config.batch_shape ?? config.batch_input_shape ?? built;
  return Array.isArray(found) ? found.slice(1) : undefined;
}

const isModel = (className: string) => ['Sequential', 'Functional', 'Model'].includes(className);

function sorted(nodes: readonly KerasNode[], what: string): KerasNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  if (byName.size !== nodes.length) throw new DataError(`${what}: two layers have one name`);
  const done = new Set<string>();
  const result: KerasNode[] = [];
  let waiting = [...nodes];
  while (waiting.length > 0) {
    const before = result.length;
    // in the order of the file, wherever that has every layer behind its inputs
    for (const node of waiting) {
      if (!node.inputs.every((name) => done.has(name) || !byName.has(name))) continue;
      done.add(node.name);
      result.push(node);
    }
    if (result.length === before)
      throw new DataError(`${what}: the layers wait for each other: ${waiting[0]!.name}`);
    waiting = waiting.filter(({ name }) => !done.has(name));
  }
  return result;
}

/**
 * The layers of a configuration.
 *
 * @param what begins the errors
 * @throws DataError for what is no configuration, ModelError for what is not read
 */
export function kerasModel(description: unknown, what: string, depth = 0): KerasModel {
  if (depth > deepest) throw new DataError(`${what}: models within models, over ${deepest} deep`);
  const { class_name: className, config: given } = objectOf(description);
  if (typeof className !== 'string') throw new DataError(`${what}: the configuration names no class`);
  if (!isModel(className)) {
    throw new ModelError(
      `${what}: a model of the class '${className}' is code of its own, which is not run`,
      {
        hint: 'Sequential and functional models are read. Export it from Keras to ONNX otherwise.',
      },
    );
  }
  // the first Keras files have a list in place of the sequential's configuration
  const config = Array.isArray(given) ? { layers: given } : objectOf(given);
  const layers = listOf(objectOf(config).layers).map(objectOf);
  if (layers.length === 0) throw new DataError(`${what}: the configuration has no layers`);
  const sequential = className === 'Sequential';
  let previous: string | undefined;
  const nodes = layers.map((layer): KerasNode => {
    const own = objectOf(layer.config);
    const kind = textOf(layer.class_name) ?? '';
    const name = textOf(layer.name) ?? textOf(own.name) ?? '';
    const at = `${what}: ${kind} '${name}'`;
    const inputs = sequential ? (previous === undefined ? [] : [previous]) : inputsOf(layer, at);
    previous = name;
    const inner = isModel(kind) ? kerasModel(layer, at, depth + 1) : undefined;
    const operands = operandsOf(layer);
    return { className: kind, name, config: own, inputs, operands, shape: shapeIn(layer, own), inner };
  });
  const outputs = sequential ? [] : historyOf(objectOf(config).output_layers);
  if (!sequential && outputs.length !== 1) {
    throw new ModelError(`${what}: the model has ${outputs.length} outputs, an image classifier has one`);
  }
  const built = listOf(
    objectOf(config).build_input_shape ?? objectOf(objectOf(description).build_config).input_shape,
  );
  const first = nodes[0]!;
  if (sequential && first.shape === undefined && built.length > 0)
    nodes[0] = { ...first, shape: built.slice(1) };
  return {
    name: textOf(objectOf(config).name) ?? 'model',
    sequential,
    nodes: sequential ? nodes : sorted(nodes, what),
    output: sequential ? previous! : outputs[0]![0],
  };
}

/** The shape of an example that a model takes. */
export function inputShapeOf({ nodes }: KerasModel, what: string): number[] {
  const inputs = nodes.filter(({ className }) => className === 'InputLayer');
  if (inputs.length > 1)
    throw new ModelError(`${what}: the model has ${inputs.length} inputs, an image classifier has one`);
  const from = inputs[0] ?? nodes[0]!;
  const shape = from.shape ?? (from.inner === undefined ? undefined : inputShapeOf(from.inner, what));
  if (shape === undefined)
    throw new DataError(`${what}: the model was never built: nothing tells the shape of its input`);
  const extents = shape.map((extent) => numberOf(extent, 0));
  if (extents.some((extent) => extent < 1) || extents.length < 1 || extents.length > 3) {
    throw new ModelError(`${what}: its input [${shape.map(String).join(', ')}] is no image of a fixed size`);
  }
  return extents;
}
