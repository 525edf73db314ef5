/** Tensors by name from PyTorch's files: zips of today, pickles of before, and safetensors. */
import { DataError, ModelError, type QuernError } from '../../core/errors.js';
import { formatShape, sizeOf } from '../../core/shape.js';
import { mostNumbers } from '../bounds.js';
import { halfFloats } from '../numbers.js';
import type { Floats } from '../weights.js';
import { unzip } from '../zip.js';
import { isTensor, type TensorReference } from './names.js';
import { unpickle } from './pickle.js';

export type NamedFloats = ReadonlyMap<string, Floats>;

const widths: Readonly<Record<string, number>> = {
  FloatStorage: 4,
  DoubleStorage: 8,
  HalfStorage: 2,
  BFloat16Storage: 2,
  LongStorage: 8,
  IntStorage: 4,
  ShortStorage: 2,
  CharStorage: 1,
  ByteStorage: 1,
  BoolStorage: 1,
};

/** Bytes of a storage as numbers. */
function numbersOf(kind: string, bytes: Uint8Array): ArrayLike<number> {
  const { buffer } = bytes.slice();
  switch (kind) {
    case 'FloatStorage':
      return new Float32Array(buffer);
    case 'DoubleStorage':
      return new Float64Array(buffer);
    case 'HalfStorage':
      return halfFloats(new Uint16Array(buffer), 'float16');
    case 'BFloat16Storage':
      return halfFloats(new Uint16Array(buffer), 'bfloat16');
    case 'LongStorage':
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case 'IntStorage':
      return new Int32Array(buffer);
    case 'ShortStorage':
      return new Int16Array(buffer);
    case 'CharStorage':
      return new Int8Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

/** Gathers a tensor from its storage, whatever its strides. */
function gathered(
  { shape, strides, offset }: TensorReference,
  from: ArrayLike<number>,
  name: string,
): Floats {
  const size = sizeOf(shape);
  const last = offset + shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis]!, 0);
  if (size > mostNumbers || (size > 0 && last >= from.length) || size > 4 * from.length + 1) {
    throw new DataError(
      `tensor '${name}' ${formatShape(shape)} does not lie in its storage of ${from.length} numbers`,
    );
  }
  const data = new Float32Array(size);
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < size; i++) {
    data[i] = from[at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

const isStateDict = (value: unknown): value is Map<string, TensorReference> =>
  value instanceof Map && value.size > 0 && [...value.values()].every(isTensor);

/** Where checkpoints keep their weights, in the order in which they are looked for. */
const usualKeys = [
  'state_dict',
  'model_state_dict',
  'model',
  'net',
  'network',
  'weights',
  'module',
  'params',
  'ema',
];

const deepestDict = 3;

/** Dicts of tensors in a checkpoint by the keys that lead to them. */
function* stateDictsIn(value: unknown, path: readonly string[]): Generator<[string, unknown]> {
  if (isStateDict(value)) yield [path.join('.'), value];
  else if (value instanceof Map && path.length < deepestDict) {
    for (const [key, each] of value) yield* stateDictsIn(each, [...path, String(key)]);
  }
}

/** The dict of the most usual name comes first, then the one that lies less deep: states of optimizers are dicts of tensors too. */
function rankOf(path: string): number {
  const keys = path.split('.');
  const rank = usualKeys.indexOf(keys.at(-1)!);
  return (deepestDict + 1) * (rank === -1 ? usualKeys.length : rank) + keys.length;
}

/** The tensors of a state dict, or of the one inside a checkpoint. */
function stateDictOf(value: unknown): {
  readonly tensors: ReadonlyMap<string, TensorReference>;
  readonly key?: string;
} {
  if (isStateDict(value)) return { tensors: value };
  const found = [...stateDictsIn(value, [])];
  const least = Math.min(...found.map(([path]) => rankOf(path)));
  const best = found.filter(([path]) => rankOf(path) === least);
  const [key, tensors] = best[0] ?? [];
  if (key === undefined || !isStateDict(tensors)) {
    throw new ModelError('it holds no dict of tensors', {
      hint: 'Save the weights: torch.save(model.state_dict(), path).',
    });
  }
  if (best.length > 1) {
    const names = best.slice(0, 5).map(([path]) => `'${path.slice(0, 40)}'`);
    throw new ModelError(`it holds ${best.length} dicts of tensors: ${names.join(', ')}`, {
      hint: 'Save the one that is meant: torch.save(model.state_dict(), path).',
    });
  }
  return { tensors, key };
}

interface Read {
  readonly tensors: NamedFloats;
  readonly notes: readonly string[];
}

function floatsOf(value: unknown, storage: (key: string, kind: string, size: number) => Uint8Array): Read {
  const { tensors, key } = stateDictOf(value);
  const storages = new Map<string, ArrayLike<number>>();
  const result = new Map<string, Floats>();
  let taken = 0;
  for (const [name, tensor] of tensors) {
    const { kind, key: storageKey, size } = tensor.storage;
    let from = storages.get(storageKey);
    if (from === undefined) {
      const bytes = storage(storageKey, kind, size);
      if (bytes.length !== size * widths[kind]!) {
        throw new DataError(
          `storage '${storageKey}' has ${bytes.length} bytes, ${size} numbers of ${kind} take others`,
        );
      }
      from = numbersOf(kind, bytes);
      storages.set(storageKey, from);
    }
    taken += sizeOf(tensor.shape);
    if (taken > mostNumbers) throw new DataError(`its tensors have over ${mostNumbers} numbers`);
    result.set(String(name), gathered(tensor, from, String(name)));
  }
  const notes = key === undefined ? [] : [`a checkpoint: the weights are those under '${key}'`];
  return { tensors: result, notes };
}

function readZip(bytes: Uint8Array, what: string): Read {
  const entries = unzip(bytes, what, (name) =>
    /(^|\/)(data\.pkl|byteorder|data\/[^/]+|constants\.pkl)$/.test(name),
  );
  const find = (end: string) => [...entries].find(([name]) => name === end || name.endsWith(`/${end}`))?.[1];
  const pickle = find('data.pkl');
  if (pickle === undefined) throw new DataError('there is no data.pkl in it');
  if (find('constants.pkl') !== undefined) {
    throw new ModelError('it is a TorchScript archive, which is code', {
      hint: 'Export the model to ONNX, or save its state_dict().',
    });
  }
  const order = find('byteorder');
  if (order !== undefined && new TextDecoder().decode(order) !== 'little')
    throw new DataError('its bytes are big-endian');
  return floatsOf(unpickle(pickle).value, (key) => {
    const found = find(`data/${key}`);
    if (found === undefined) throw new DataError(`there is no storage '${key}'`);
    return found;
  });
}

/** Several pickles: magic number, version, system, the object, the keys of storages; then the storages' bytes. */
function readLegacy(bytes: Uint8Array): Read {
  let position = 0;
  const next = () => {
    const { value, end } = unpickle(bytes, position);
    position = end;
    return value;
  };
  next();
  const version = next();
  if (version !== 1001) throw new DataError(`it is of version ${String(version).slice(0, 20)}, not 1001`);
  next();
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw new DataError('it lists no storages');
  const kinds = new Map<string, string>();
  collectKinds(value, kinds, 0);
  const storages = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys) {
    if (position + 8 > bytes.length) throw new DataError('it ends amid its storages');
    const size =
      Number(view.getBigInt64(position, true)) * (widths[kinds.get(String(key)) ?? ''] ?? Number.NaN);
    position += 8;
    if (!(size >= 0 && position + size <= bytes.length))
      throw new DataError(`it ends amid the storage '${String(key).slice(0, 40)}'`);
    storages.set(String(key), bytes.subarray(position, position + size));
    position += size;
  }
  return floatsOf(value, (key) => {
    const found = storages.get(key);
    if (found === undefined) throw new DataError(`there is no storage '${key}'`);
    return found;
  });
}

/** What kind of numbers each storage has; all of them must be known to find the bytes of one. */
function collectKinds(value: unknown, kinds: Map<string, string>, depth: number): void {
  if (depth > 8) return;
  if (isTensor(value)) kinds.set(value.storage.key, value.storage.kind);
  else if (Array.isArray(value)) for (const each of value) collectKinds(each, kinds, depth + 1);
  else if (value instanceof Map) for (const each of value.values()) collectKinds(each, kinds, depth + 1);
}

/** A tar of the first PyTorch, which pickled each storage by itself. */
const isTar = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(257, 262)) === 'ustar';

/** Tells whether bytes begin as a pickle of protocol 2 or later does. */
const isPickle = (bytes: Uint8Array): boolean => bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5;

/**
 * Reads `.pt` and `.pth`: a state dict, or a checkpoint that has one.
 *
 * @throws DataError or ModelError, naming the file, for what is neither
 */
export function readTorchTensors(bytes: Uint8Array, what: string): Read {
  try {
    if (isTar(bytes)) {
      throw new ModelError('it is a tar of PyTorch before 0.1.10', {
        hint: 'Load and save it in a newer PyTorch.',
      });
    }
    return isPickle(bytes) ? readLegacy(bytes) : readZip(bytes, what);
  } catch (cause) {
    const { message, hint } = cause as QuernError;
    const [sentence] = (message ?? String(cause)).split('\n');
    if (sentence!.startsWith(what)) throw cause;
    const Kind = cause instanceof ModelError ? ModelError : DataError;
    throw new Kind(`${what}: the PyTorch file is not read: ${sentence}`, { cause, ...(hint && { hint }) });
  }
}
