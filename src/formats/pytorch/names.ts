/** The names of Python that pickles of tensors have, and what they make. */
import { DataError, ModelError } from '../../core/errors.js';

/** A storage that a tensor lies in. */
interface StorageReference {
  readonly type: 'storage';
  /** Such as 'FloatStorage'. */
  readonly kind: string;
  readonly key: string;
  readonly size: number;
}

export interface TensorReference {
  readonly type: 'tensor';
  readonly storage: StorageReference;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A name of Python that is allowed. */
interface Name {
  readonly type: 'name';
  readonly name: string;
}

const storageKinds = [
  ...['FloatStorage', 'DoubleStorage', 'HalfStorage', 'BFloat16Storage', 'LongStorage', 'IntStorage'],
  ...['ShortStorage', 'CharStorage', 'ByteStorage', 'BoolStorage'],
];

const allowed = new Set([
  'collections.OrderedDict',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_parameter',
  'torch._utils._rebuild_parameter_with_state',
  'torch.Size',
  ...storageKinds.map((kind) => `torch.${kind}`),
]);

export const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isType = <T extends { readonly type: string }>(value: unknown, type: T['type']): value is T =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === type;

export const isTensor = (value: unknown): value is TensorReference =>
  isType<TensorReference>(value, 'tensor');

const counts = (value: unknown): readonly number[] | undefined =>
  isList(value) && value.every((each) => Number.isSafeInteger(each) && (each as number) >= 0)
    ? (value as number[])
    : undefined;

/** A name, if it is allowed. @throws ModelError for any other, which is code */
export function nameOf(module: string, name: string): Name {
  const full = `${module}.${name}`;
  if (!allowed.has(full)) {
    throw new ModelError(`it names ${full.slice(0, 100)}, which is code; only tensors are read`, {
      hint: 'Save the weights alone: torch.save(model.state_dict(), path).',
    });
  }
  return { type: 'name', name: full };
}

/** What a call of an allowed name gives. */
export function make(called: unknown, values: unknown): unknown {
  if (!isType<Name>(called, 'name') || !isList(values)) throw new DataError('it calls what is no name');
  switch (called.name) {
    case 'collections.OrderedDict': {
      const pairs = isList(values[0]) ? values[0] : [];
      return new Map(
        pairs.map((pair) => (isList(pair) ? ([pair[0], pair[1]] as const) : [undefined, undefined])),
      );
    }
    case 'torch._utils._rebuild_tensor_v2': {
      const [storage, offset, sizes, steps] = values;
      const [shape, strides] = [counts(sizes), counts(steps)];
      const sound =
        isType<StorageReference>(storage, 'storage') &&
        shape !== undefined &&
        strides?.length === shape.length;
      if (!sound || !Number.isSafeInteger(offset) || (offset as number) < 0) {
        throw new DataError('a tensor without a storage, an offset, a shape and strides');
      }
      const tensor: TensorReference = { type: 'tensor', storage, offset: offset as number, shape, strides };
      return tensor;
    }
    case 'torch._utils._rebuild_parameter':
    case 'torch._utils._rebuild_parameter_with_state':
    case 'torch.Size':
      return values[0];
    default:
      throw new DataError(`it calls ${called.name}`);
  }
}

/** ('storage', kind, key, location, size), beside which older files have more. */
export function storageOf(id: unknown): StorageReference {
  const [word, kind, key, , size] = isList(id) ? id : [];
  const known = isType<Name>(kind, 'name') && storageKinds.includes(kind.name.slice('torch.'.length));
  if (word !== 'storage' || !known || typeof key !== 'string' || !Number.isSafeInteger(size)) {
    throw new DataError('a storage that is none');
  }
  return { type: 'storage', kind: (kind as Name).name.slice('torch.'.length), key, size: size as number };
}
