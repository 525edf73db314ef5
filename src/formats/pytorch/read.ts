/** Models from PyTorch: tensors of a file, and the layers that they fill. */
import { DataError, ModelError } from '../../core/errors.js';
import { integer, list, parseJson } from '../../core/schema.js';
import type { Json } from '../../nn/layer.js';
import { restoreLayer } from '../../nn/registry.js';
import { decodeAnySafetensors } from '../../training/files/safetensors.js';
import { mostNumbers } from '../bounds.js';
import type { Foreign, ImportOptions } from '../foreign.js';
import { halfFloats } from '../numbers.js';
import { parseDetails } from '../ownDetails.js';
import type { Floats } from '../weights.js';
import { fillLayers, type LayersToFill } from './fill.js';
import { type NamedFloats, readTorchTensors } from './tensors.js';

const naturally = new Intl.Collator('en', { numeric: true });

function filledFrom(
  tensors: NamedFloats,
  layers: LayersToFill | undefined,
  options: ImportOptions,
  what: string,
): Pick<Foreign, 'filled' | 'nodes' | 'inputShape' | 'notes'> {
  if (layers === undefined) {
    throw new ModelError(`${what}: it has ${tensors.size} tensors and no architecture`, {
      hint: 'Name the recipe whose layers they fill with --recipe (or give the option layers), or export the model to ONNX.',
    });
  }
  const { model, tensors: filled, notes } = fillLayers(tensors, layers, what, { epsilon: options.epsilon });
  return { filled: { model, tensors: filled }, nodes: [], inputShape: model.inputShape, notes };
}

/** Reads `.pt` and `.pth`. */
export function readTorch(bytes: Uint8Array, options: ImportOptions, what: string): Foreign {
  const { tensors, notes } = readTorchTensors(bytes, what);
  const made = filledFrom(tensors, options.layers, options, what);
  return { format: 'PyTorch', ...made, notes: [...notes, ...made.notes] };
}

const sizes: Readonly<Record<string, 'float16' | 'bfloat16'>> = { F16: 'float16', BF16: 'bfloat16' };

/** Reads safetensors with PyTorch's names, which Quern's own `model.safetensors` is not. */
export function readTorchSafetensors(bytes: Uint8Array, options: ImportOptions, what: string): Foreign {
  const { tensors, metadata } = readSafetensors(bytes, what);
  const own = metadata.get('quern');
  const architecture = metadata.get('architecture');
  // the format keeps no order: names tell one, conv2 before conv10
  const names = [...tensors.keys()].sort(naturally.compare);
  let ordered: NamedFloats = new Map(names.map((name) => [name, tensors.get(name)!]));
  let layers = options.layers;
  if (layers === undefined && architecture !== undefined) {
    layers = {
      layer: restoreLayer(parseJson(architecture, `${what}: architecture`, (value) => value as Json)),
      inputShape: parseJson(metadata.get('inputShape') ?? '', `${what}: inputShape`, list(integer(1), 1)),
    };
    // as Quern has written them
    ordered = tensors;
  }
  const epsilon = options.epsilon ?? (architecture === undefined ? undefined : null);
  const made = filledFrom(ordered, layers, { ...options, epsilon }, what);
  return { format: 'PyTorch', own: own === undefined ? undefined : parseDetails(own, what), ...made };
}

/** float32, and halves of it; other numbers, which counters are, are left out. */
function readSafetensors(
  bytes: Uint8Array,
  what: string,
): { readonly tensors: NamedFloats; readonly metadata: ReadonlyMap<string, string> } {
  const { tensors, metadata } = decodeAnySafetensors(bytes, what);
  const result = new Map<string, Floats>();
  let taken = 0;
  for (const { name, dtype, shape, bytes: content } of tensors) {
    const { buffer } = content.slice();
    const half = sizes[dtype];
    const data =
      half !== undefined
        ? halfFloats(new Uint16Array(buffer), half)
        : dtype === 'F32'
          ? new Float32Array(buffer)
          : dtype === 'F64'
            ? Float32Array.from(new Float64Array(buffer))
            : undefined;
    if (data === undefined) continue;
    taken += data.length;
    if (taken > mostNumbers) throw new DataError(`${what}: its tensors have over ${mostNumbers} numbers`);
    result.set(name, { shape, data });
  }
  return { tensors: result, metadata };
}
