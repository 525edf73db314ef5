/** Quern's own model files as bytes, where there are no files: in pages. On disk `saveModel` and `loadModel` have them. */
import { integer, list, parseJson } from '../core/schema.js';
import type { Json } from '../nn/layer.js';
import { Model } from '../nn/model.js';
import { describeLayer, restoreLayer } from '../nn/registry.js';
import { decodeSafetensors, encodeSafetensors } from '../training/files/safetensors.js';
import { checkSameTensors } from '../training/files/weights.js';
import type { ExportSource } from './export.js';
import type { Foreign } from './foreign.js';
import { parseDetails } from './ownDetails.js';

/** As `writeModelFile` writes them, texts as JSON. */
export function encodeOwn({ model, details, tensors }: ExportSource): Uint8Array {
  const texts = { architecture: describeLayer(model.layer), inputShape: model.inputShape, ...details };
  const metadata = new Map([
    ['format', 'quern'],
    ['version', '1'],
    ...Object.entries(texts)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]): [string, string] => [name, JSON.stringify(value)]),
  ]);
  return encodeSafetensors({ tensors, metadata });
}

/** Reads `model.safetensors` of Quern. */
export function readOwn(bytes: Uint8Array, what: string): Foreign {
  const { tensors, metadata } = decodeSafetensors(bytes, what);
  const text = (name: string) => metadata.get(name) ?? 'null';
  const inputShape = parseJson(text('inputShape'), `${what}: inputShape`, list(integer(1), 1));
  const layer = restoreLayer(
    parseJson(text('architecture'), `${what}: architecture`, (value) => value as Json),
  );
  const model = new Model(layer, inputShape);
  checkSameTensors(model, tensors, what);
  const names = ['classes', 'normalization', 'dataset', 'recipe', 'weightAveraging', 'numerics'];
  const parts = names.flatMap((name) => (metadata.has(name) ? [`"${name}":${metadata.get(name)}`] : []));
  const own = parseDetails(`{${parts.join()}}`, what);
  return { format: 'Quern', filled: { model, tensors }, nodes: [], inputShape, own, notes: [] };
}
