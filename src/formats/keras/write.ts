/** Keras 3's `.keras` and `.weights.h5`. https://keras.io/guides/serialization_and_saving */
import { at, last } from '../../core/lists.js';
import type { Json } from '../../nn/layer.js';
import type { Normalization } from '../../training/inference/normalization.js';
import { encodeHdf5, type Hdf5Dataset, type Hdf5Group } from '../hdf5/write.js';
import type { Network } from '../network.js';
import { zip } from '../zip.js';
import { isChain, type KerasLayer, kerasLayers } from './config.js';
import { kerasOrder, snakeCase } from './groups.js';

/** The version whose form is written; newer ones read it. */
const kerasVersion = '3.3.0';

const modules: Readonly<Record<string, string>> = {
  Sequential: 'keras',
  // where Keras itself finds it, and writes it from
  Functional: 'keras.src.models.functional',
};

const described = (className: string, config: Json): { [key: string]: Json } => ({
  module: modules[className] ?? 'keras.layers',
  class_name: className,
  config,
  registered_name: null,
});

const inputLayer = (network: Network) =>
  described('InputLayer', {
    batch_shape: [null, ...network.inputShape],
    dtype: 'float32',
    sparse: false,
    name: 'images',
  });

function configOf(network: Network, layers: readonly KerasLayer[], name: string): Json {
  if (isChain(layers)) {
    const list = layers.map(({ className, config }) => described(className, config));
    return described('Sequential', { name, trainable: true, layers: [inputLayer(network), ...list] });
  }
  const tensor = (source: string) => ({
    class_name: '__keras_tensor__',
    config: { shape: [], dtype: 'float32', keras_history: [source, 0, 0] },
  });
  const list = layers.map(({ className, config, inputs }) => ({
    ...described(className, config),
    name: config.name,
    inbound_nodes: [
      { args: inputs.length === 1 ? [tensor(at(inputs, 0))] : [inputs.map(tensor)], kwargs: {} },
    ],
  }));
  return described('Functional', {
    name,
    trainable: true,
    layers: [{ ...inputLayer(network), name: 'images', inbound_nodes: [] }, ...list],
    input_layers: ['images', 0, 0],
    output_layers: [last(layers).config.name, 0, 0],
  });
}

/** As Keras counts them. */
function counted(layers: readonly KerasLayer[]): readonly KerasLayer[] {
  if (isChain(layers)) return layers;
  const nodes = layers.map((layer) => ({ name: layer.config.name, inputs: layer.inputs, layer }));
  return kerasOrder({ nodes, output: last(nodes).name }).map(({ layer }) => layer);
}

/** Groups named by class and counter, each with the name of its layer. */
function weightsFile(layers: readonly KerasLayer[], name: string): Uint8Array {
  const counters = new Map<string, number>();
  const groups = new Map<string, Hdf5Group>();
  const values = (layer: string, datasets: ReadonlyMap<string, Hdf5Dataset>): Hdf5Group => ({
    members: new Map([['vars', { members: datasets, attributes: new Map([['name', layer]]) }]]),
  });
  for (const { className, config, weights } of counted(layers)) {
    const kind = snakeCase(className);
    const count = counters.get(kind) ?? 0;
    counters.set(kind, count + 1);
    const datasets = new Map(weights.map(([, floats], i) => [String(i), floats]));
    groups.set(count === 0 ? kind : `${kind}_${count}`, values(config.name, datasets));
  }
  return encodeHdf5({
    members: new Map([['layers', { members: groups }], ...values(name, new Map()).members]),
    attributes: new Map([['about', 'An image classifier trained with Quern.']]),
  });
}

/** The three files inside `.keras`. */
export interface KerasFiles {
  readonly config: Json;
  readonly weights: Uint8Array;
}

/** Architecture and weights, as Keras 3 has them. @throws ModelError for a layer that has no counterpart */
export function kerasFiles(network: Network, normalization: Normalization, name: string): KerasFiles {
  const layers = kerasLayers(network, normalization, 'keras3');
  return { config: configOf(network, layers, name), weights: weightsFile(layers, name) };
}

/**
 * The bytes of a `.keras` file.
 *
 * @param own what Quern keeps in it, which Keras does not look at
 */
export function encodeKeras({ config, weights }: KerasFiles, own: string): Uint8Array {
  const text = (value: Json | string) =>
    new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
  const metadata = {
    keras_version: kerasVersion,
    date_saved: '1980-01-01@00:00:00',
    quern: JSON.parse(own) as Json,
  };
  return zip(
    new Map([
      ['metadata.json', text(metadata)],
      ['config.json', text(config)],
      ['model.weights.h5', weights],
    ]),
    0,
  );
}
