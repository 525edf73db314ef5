/** Layers models of tfjs, as it saves them and as its converter writes them. */
import { DataError, ModelError } from '../../core/errors.js';
import { anything, integer, list, parseJson } from '../../core/schema.js';
import { formatShape, sizeOf } from '../../core/shape.js';
import { checkJsonSize, isBeside, largestFile, mostNumbers } from '../bounds.js';
import type { Foreign, ImportOptions } from '../foreign.js';
import type { ReadBeside } from '../import.js';
import { listOf, objectOf, textOf } from '../keras/members.js';
import type { KerasModel } from '../keras/model.js';
import { readKerasModel } from '../keras/read.js';
import type { LayerWeights } from '../keras/weights.js';
import { parseDetails } from '../ownDetails.js';
import type { Floats } from '../weights.js';

const mostFiles = 1000;

/** The weights of a group of files, which are one sequence of bytes. */
async function readGroup(group: unknown, what: string, beside: ReadBeside): Promise<[string, Floats][]> {
  const { paths, weights } = objectOf(group);
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const path of listOf(paths).slice(0, mostFiles)) {
    if (typeof path !== 'string' || !isBeside(path)) {
      throw new DataError(
        `${what}: weights outside the model's folder: ${JSON.stringify(path)?.slice(0, 60)}`,
      );
    }
    const part = await beside(path);
    length += part.length;
    if (length > largestFile) throw new DataError(`${what}: its weights have over ${largestFile} bytes`);
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  let start = 0;
  return listOf(weights).map((entry): [string, Floats] => {
    const { name, shape, dtype, quantization } = objectOf(entry);
    const at = `${what}: the weight '${String(name).slice(0, 80)}'`;
    if (quantization !== undefined) throw new ModelError(`${at} is quantized: only float32 is read`);
    if (dtype !== 'float32')
      throw new ModelError(`${at} has the dtype ${String(dtype).slice(0, 20)}: only float32 is read`);
    const extents = list(integer(0), 0, 8)(shape, `${at}: its shape`);
    const size = sizeOf(extents);
    const end = start + 4 * size;
    if (size > mostNumbers || end > bytes.length) {
      throw new DataError(
        `${at} ${formatShape(extents)} ends at byte ${end} of the weights, which have ${bytes.length}`,
      );
    }
    const data = new Float32Array(bytes.slice(start, end).buffer);
    start = end;
    return [String(name), { shape: extents, data }];
  });
}

/** In the order in which Keras counts the weights of a layer. */
const order = [
  ...['depthwise_kernel', 'pointwise_kernel', 'kernel', 'gamma', 'beta', 'bias'],
  ...['moving_mean', 'moving_variance', 'mean', 'variance'],
];

function byLayer(weights: readonly (readonly [string, Floats])[], model: KerasModel): LayerWeights {
  const found = new Map<string, Floats[]>();
  const visit = ({ nodes }: KerasModel, prefix: string) => {
    for (const { name, inner } of nodes) {
      if (inner !== undefined) {
        visit(inner, `${prefix}${name}/`);
        continue;
      }
      const own = weights.filter(([full]) => full.split('/').slice(0, -1).includes(name));
      const place = ([full]: readonly [string, Floats]) =>
        order.indexOf(full.slice(full.lastIndexOf('/') + 1));
      found.set(
        `${prefix}${name}`,
        [...own].sort((a, b) => place(a) - place(b)).map(([, floats]) => floats),
      );
    }
  };
  visit(model, '');
  return found;
}

/** Reads model.json and the files that it names. */
export async function readTfjs(
  bytes: Uint8Array,
  options: ImportOptions,
  what: string,
  beside: ReadBeside,
): Promise<Foreign> {
  checkJsonSize(bytes.length, what);
  const json = objectOf(parseJson(new TextDecoder().decode(bytes), what, anything));
  const topology = objectOf(json.modelTopology);
  if (textOf(json.format) === 'graph-model') {
    throw new ModelError(`${what}: a graph model of tfjs is not read`, {
      hint: 'Convert it as a layers model, or from what it was made of to ONNX.',
    });
  }
  const description = topology.model_config ?? json.modelTopology;
  if (description === undefined || !Array.isArray(json.weightsManifest)) {
    throw new DataError(`${what}: not a layers model of tfjs: it has no modelTopology or no weightsManifest`);
  }
  const weights: [string, Floats][] = [];
  for (const group of json.weightsManifest.slice(0, mostFiles))
    weights.push(...(await readGroup(group, what, beside)));
  const read = readKerasModel(description, (model) => byLayer(weights, model), options, what);
  const own = textOf(objectOf(json.userDefinedMetadata).quern);
  return { format: 'tfjs', own: own === undefined ? undefined : parseDetails(own, what), ...read };
}
