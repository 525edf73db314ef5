/** Layers to plain data and back, as model files hold them: kind, options and parts; not the weights. */
import { checkFunction, checkText } from '../core/check.js';
import { ModelError, QuernError, sentenceOf, UsageError } from '../core/errors.js';
import type { PaddingOption } from '../tensor/ops/geometry.js';
import type { Json, Layer } from './layer.js';
import * as activations from './layers/activations.js';
import { type AffineOptions, affine } from './layers/affine.js';
import { type BatchNormOptions, batchNorm } from './layers/batchNorm.js';
import { type Conv2dOptions, conv2d } from './layers/conv2d.js';
import { type DenseOptions, dense } from './layers/dense.js';
import { type DepthwiseConv2dOptions, depthwiseConv2d } from './layers/depthwiseConv2d.js';
import { dropout } from './layers/dropout.js';
import { flatten } from './layers/flatten.js';
import { type GraphNode, graph, type JoinKind } from './layers/graph.js';
import { type LayerNormOptions, layerNorm } from './layers/layerNorm.js';
import { averagePool2d, globalAveragePool2d, globalMaxPool2d, maxPool2d } from './layers/pool.js';
import { residual } from './layers/residual.js';
import { type SeparableConv2dOptions, separableConv2d } from './layers/separableConv2d.js';
import { permute, reshape, zeroPad2d } from './layers/shapes.js';
import { checkLayer, sequential } from './sequential.js';

/**
 * Makes a layer of a kind from its `options` and `parts`. What it makes has equal options: `restoreLayer` compares
 * them, so that a file with an option that the kind does not know is refused.
 */
export type LayerFactory = (options: Layer['options'], parts: Layer['parts']) => Layer;

/** The options of a file, as the function that checks them takes them. */
const as = <Options>(options: Layer['options']) => options as Options;

const builtIn: Readonly<Record<string, LayerFactory>> = {
  dense: ({ units, ...options }) => dense(units as number, as<DenseOptions>(options)),
  conv2d: ({ filters, kernelSize, ...options }) =>
    conv2d(filters as number, kernelSize as [number, number], as<Conv2dOptions>(options)),
  depthwiseConv2d: ({ kernelSize, ...options }) =>
    depthwiseConv2d(kernelSize as [number, number], as<DepthwiseConv2dOptions>(options)),
  separableConv2d: ({ filters, kernelSize, ...options }) =>
    separableConv2d(filters as number, kernelSize as [number, number], as<SeparableConv2dOptions>(options)),
  batchNorm: (options) => batchNorm(as<BatchNormOptions>(options)),
  layerNorm: (options) => layerNorm(as<LayerNormOptions>(options)),
  maxPool2d: ({ window, ...options }) => maxPool2d(window as [number, number], options),
  averagePool2d: ({ window, ...options }) => averagePool2d(window as [number, number], options),
  globalAveragePool2d,
  globalMaxPool2d,
  affine: (options) => affine(as<AffineOptions>(options)),
  flatten,
  reshape: ({ shape }) => reshape(shape as number[]),
  permute: ({ axes }) => permute(axes as number[]),
  zeroPad2d: ({ padding }) => zeroPad2d(padding as unknown as Exclude<PaddingOption, string>),
  dropout: ({ rate }) => dropout(rate as number),
  relu: activations.relu,
  leakyRelu: ({ slope }) => activations.leakyRelu(slope as number),
  sigmoid: activations.sigmoid,
  tanh: activations.tanh,
  gelu: activations.gelu,
  silu: activations.silu,
  elu: ({ alpha }) => activations.elu(alpha as number),
  selu: activations.selu,
  clip: ({ low, high }) => activations.clip(low as number, high as number),
  hardSigmoid: ({ slope, offset }) => activations.hardSigmoid(slope as number, offset as number),
  hardSilu: activations.hardSilu,
  softsign: activations.softsign,
  softplus: activations.softplus,
  softmax: ({ axis }) => activations.softmax(axis as number),
  sequential: (_, parts) => sequential(Object.keys(parts).map((_name, i) => parts[`layers.${i}`]!)),
  graph: ({ nodes }, parts) => graph(restoreNodes(nodes, parts)),
  residual: (_, { body, projection }) => residual(body!, projection === undefined ? {} : { projection }),
};

/** The nodes of a graph as `graph` takes them; it looks at names and joins itself. */
function restoreNodes(nodes: Json | undefined, parts: Layer['parts']): GraphNode[] {
  if (!Array.isArray(nodes)) throw new ModelError('graph: nodes must be a list');
  return nodes.map((value: Json, i) => {
    const { name, inputs, join } = objectOf(`node ${i} of a graph`, value);
    if (typeof name !== 'string' || !Array.isArray(inputs)) {
      throw new ModelError(`graph: node ${i} has no name or no inputs`);
    }
    const part = Object.hasOwn(parts, name) ? parts[name] : undefined;
    return {
      name,
      inputs: inputs.map(String),
      ...(part === undefined ? {} : { layer: part }),
      ...(join === undefined ? {} : { join: join as JoinKind }),
    };
  });
}

const registered = new Map<string, LayerFactory>();

/**
 * Makes a layer of your own known to `restoreLayer`, so that model files with it can be loaded:
 *
 *     registerLayer('swish', ({ beta }) => swish(beta as number));
 *
 * @throws UsageError if the kind is taken by another factory
 */
export function registerLayer(kind: string, factory: LayerFactory): void {
  checkText('registerLayer: kind', kind);
  checkFunction('registerLayer: factory', factory);
  const known = Object.hasOwn(builtIn, kind) ? builtIn[kind] : registered.get(kind);
  if (known !== undefined && known !== factory) throw new UsageError(`registerLayer: '${kind}' is taken`);
  registered.set(kind, factory);
}

/** The first kind of layer in a description that nobody has made known; undefined where all are. */
export function unknownKind(description: Json): string | undefined {
  const { kind, parts } = objectOf('a layer', description);
  if (typeof kind === 'string' && !Object.hasOwn(builtIn, kind) && !registered.has(kind)) return kind;
  for (const part of Object.values(objectOf('the parts', parts))) {
    const unknown = unknownKind(part);
    if (unknown !== undefined) return unknown;
  }
  return undefined;
}

/** Tells whether two descriptions are of the same layer. */
export const sameDescription = (a: Json, b: Json): boolean => canonical(a) === canonical(b);

/** A layer as plain data: `{ kind, options?, parts? }`, what is empty left out. */
export function describeLayer(layer: Layer): Json {
  checkLayer('describeLayer: what it is given', layer);
  const { kind, options, parts } = layer;
  const described = Object.entries(parts).map(([name, part]) => [name, describeLayer(part)] as const);
  return {
    kind,
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(described.length === 0 ? {} : { parts: Object.fromEntries(described) }),
  };
}

function objectOf(what: string, value: Json | undefined): { readonly [key: string]: Json } {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ModelError(`restoreLayer: ${what} must be an object`);
  }
  return value as { readonly [key: string]: Json };
}

/** Property names sorted, so that equal data gives equal text. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_key, part) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/**
 * The layer that `describeLayer` has described.
 *
 * @throws ModelError for an unknown kind, and for options or parts that the kind does not take
 */
export function restoreLayer(description: Json, path = ''): Layer {
  const at = path === '' ? 'the model' : path;
  const { kind, options, parts } = objectOf(at, description);
  if (typeof kind !== 'string') throw new ModelError(`restoreLayer: ${at} names no kind of layer`);
  const factory = Object.hasOwn(builtIn, kind) ? builtIn[kind] : registered.get(kind);
  if (factory === undefined) {
    throw new ModelError(`restoreLayer: ${at} is of the unknown kind '${kind}'`, {
      hint: `A layer of your own is made known by registerLayer('${kind}', factory).`,
    });
  }
  const given = objectOf(`the options of ${at}`, options);
  const layers: Record<string, Layer> = {};
  for (const [name, part] of Object.entries(objectOf(`the parts of ${at}`, parts))) {
    layers[name] = restoreLayer(part, path === '' ? name : `${path}.${name}`);
  }
  let layer: Layer;
  try {
    layer = factory(given, layers);
  } catch (cause) {
    const hint = cause instanceof QuernError ? cause.hint : undefined;
    throw new ModelError(`restoreLayer: ${at}: ${sentenceOf(cause)}`, {
      cause,
      ...(hint !== undefined && { hint }),
    });
  }
  for (const [name, value] of Object.entries(given)) {
    if (canonical(layer.options[name] ?? null) !== canonical(value)) {
      throw new ModelError(
        `restoreLayer: ${at}: ${kind} does not take the option '${name}' as it is in the file`,
      );
    }
  }
  const extra = Object.keys(layers).find((name) => layer.parts[name] === undefined);
  if (extra !== undefined) throw new ModelError(`restoreLayer: ${at}: ${kind} has no part '${extra}'`);
  return layer;
}
