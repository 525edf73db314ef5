/** Layers models of tfjs: model.json and the weights beside it. https://www.tensorflow.org/js/guide/save_load */
import { last } from '../../core/lists.js';
import type { Json } from '../../nn/layer.js';
import type { Normalization } from '../../training/inference/normalization.js';
import { isChain, type KerasLayer, kerasLayers } from '../keras/config.js';
import type { Network } from '../network.js';

export interface TfjsFiles {
  /** The content of model.json. */
  readonly model: Json;
  readonly weights: Uint8Array;
}

const described = (className: string, config: Json) => ({ class_name: className, config });

function topology(network: Network, layers: readonly KerasLayer[], name: string): Json {
  const batchInputShape = [null, ...network.inputShape];
  if (isChain(layers)) {
    const list = layers.map(({ className, config }, i) =>
      described(
        className,
        i === 0 ? { ...config, batch_input_shape: batchInputShape, dtype: 'float32' } : config,
      ),
    );
    return described('Sequential', { name, layers: list });
  }
  const input = {
    ...described('InputLayer', {
      batch_input_shape: batchInputShape,
      dtype: 'float32',
      sparse: false,
      name: 'images',
    }),
    name: 'images',
    inbound_nodes: [],
  };
  const list = layers.map(({ className, config, inputs }) => ({
    ...described(className, config),
    name: config.name,
    inbound_nodes: [inputs.map((source) => [source, 0, 0, {}])],
  }));
  return described('Model', {
    name,
    layers: [input, ...list],
    input_layers: [['images', 0, 0]],
    output_layers: [[last(layers).config.name, 0, 0]],
  });
}

/**
 * @param name of the model
 * @param weightsPath of the weights' file, relative to model.json
 * @param own what Quern keeps in it, which tfjs hands on as `userDefinedMetadata`
 * @throws ModelError for a layer that tfjs does not have
 */
export function tfjsFiles(
  network: Network,
  normalization: Normalization,
  { name, weightsPath, own }: { readonly name: string; readonly weightsPath: string; readonly own: string },
): TfjsFiles {
  const layers = kerasLayers(network, normalization, 'tfjs');
  const stored = layers.flatMap(({ config, weights }) =>
    weights.map(([part, floats]) => ({ name: `${config.name}/${part}`, ...floats })),
  );
  const bytes = new Uint8Array(stored.reduce((sum, { data }) => sum + data.byteLength, 0));
  let end = 0;
  for (const { data } of stored) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), end);
    end += data.byteLength;
  }
  return {
    weights: bytes,
    model: {
      format: 'layers-model',
      generatedBy: 'quern',
      convertedBy: null,
      modelTopology: {
        keras_version: 'tfjs-layers 4.22.0',
        backend: 'tensor_flow.js',
        model_config: topology(network, layers, name),
      },
      weightsManifest: [
        {
          paths: [weightsPath],
          weights: stored.map(({ name: full, shape }) => ({
            name: full,
            shape: [...shape],
            dtype: 'float32',
          })),
        },
      ],
      userDefinedMetadata: { quern: own },
    },
  };
}
