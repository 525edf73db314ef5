/** The bytes of ONNX files as protocol buffers, and their tensors as numbers. */

import { DataError } from '../../core/errors.js';
import { formatShape, type Shape, sizeOf } from '../../core/shape.js';
import {
  type AttributeProto,
  BinaryReader,
  TensorProto_DataType as DataType,
  type DescMessage,
  fromBinary,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  WireType,
} from '../../vendor/onnx.js';
import { mostNumbers } from '../bounds.js';
import { halfFloats } from '../numbers.js';

/** Numbers of a constant; integers too, which shapes and axes are. */
export interface Constant {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
  readonly float: boolean;
}

/** More messages and numbers than any image classifier has, and few enough to hold. */
const mostParts = 2_000_000;
const deepest = 20;
const mostNodes = 10_000;

/**
 * Counts what a file unfolds to: a few bytes of it can be a message of many fields in memory.
 *
 * @returns how many messages and packed numbers there are
 */
function countParts(schema: DescMessage, bytes: Uint8Array, depth: number, limit: number): number {
  if (depth > deepest) throw new DataError(`messages within messages, over ${deepest} deep`);
  const reader = new BinaryReader(bytes);
  let count = 0;
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const field = schema.field[fieldNames.get(schema)?.get(number) ?? ''];
    count++;
    if (wire === WireType.LengthDelimited) {
      const content = reader.bytes();
      const message =
        field && (field.fieldKind === 'message' || field.fieldKind === 'list') ? field.message : undefined;
      if (message !== undefined) count += countParts(message, content, depth + 1, limit - count);
      // of the packed numbers, those of float tensors alone are many in sound files
      else if (field?.fieldKind === 'list' && field.localName !== 'floatData') count += content.length;
      else if (field?.fieldKind === 'list') count += content.length / 64;
    } else {
      reader.skip(wire, number);
    }
    if (count > limit) throw new DataError(`more than ${mostParts} messages and numbers`);
  }
  return count;
}

/** Names of fields by number, for every kind of message that is met. */
const fieldNames = {
  known: new Map<DescMessage, Map<number, string>>(),
  get(schema: DescMessage): Map<number, string> {
    const made =
      this.known.get(schema) ?? new Map(schema.fields.map((field) => [field.number, field.localName]));
    this.known.set(schema, made);
    return made;
  },
};

/**
 * Reads a file.
 *
 * @param what names the file in errors
 * @throws DataError for bytes that are no ONNX model, or one without bounds
 */
export function decodeProto(bytes: Uint8Array, what: string): ModelProto {
  try {
    countParts(ModelProtoSchema, bytes, 0, mostParts);
    const model = fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
    if (model.graph === undefined || model.graph.node.length === 0) throw new DataError('it has no graph');
    if (model.graph.node.length > mostNodes) {
      throw new DataError(`${model.graph.node.length} operators are over ${mostNodes}`);
    }
    return model;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`${what}: not an ONNX model: ${reason}`, { cause });
  }
}

function rawNumbers(bytes: Uint8Array, type: DataType): ArrayLike<number> | undefined {
  // a copy, since the bytes need not be aligned
  const { buffer } = new Uint8Array(bytes);
  switch (type) {
    case DataType.FLOAT:
      return new Float32Array(buffer);
    case DataType.DOUBLE:
      return new Float64Array(buffer);
    case DataType.FLOAT16:
      return halfFloats(new Uint16Array(buffer), 'float16');
    case DataType.BFLOAT16:
      return halfFloats(new Uint16Array(buffer), 'bfloat16');
    case DataType.INT64:
      return Array.from(new BigInt64Array(buffer), Number);
    case DataType.INT32:
      return new Int32Array(buffer);
    case DataType.UINT8:
    case DataType.BOOL:
      return new Uint8Array(buffer);
    case DataType.INT8:
      return new Int8Array(buffer);
    default:
      return undefined;
  }
}

const widthOf = new Map<DataType, number>([
  [DataType.FLOAT, 4],
  [DataType.DOUBLE, 8],
  [DataType.FLOAT16, 2],
  [DataType.BFLOAT16, 2],
  [DataType.INT64, 8],
  [DataType.INT32, 4],
  [DataType.UINT8, 1],
  [DataType.BOOL, 1],
  [DataType.INT8, 1],
]);

const floatTypes = new Set([DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16]);

/** Tells whether a type of ONNX, by its number, has a point. */
export const isFloatType = (type: number): boolean => floatTypes.has(type);

function typedNumbers(tensor: TensorProto): ArrayLike<number> {
  const type: DataType = tensor.dataType;
  if (type === DataType.FLOAT) return Float32Array.from(tensor.floatData);
  if (type === DataType.DOUBLE) return tensor.doubleData;
  if (type === DataType.INT64) return tensor.int64Data.map(Number);
  if (type === DataType.FLOAT16) return halfFloats(Uint16Array.from(tensor.int32Data), 'float16');
  if (type === DataType.BFLOAT16) return halfFloats(Uint16Array.from(tensor.int32Data), 'bfloat16');
  return tensor.int32Data;
}

/** The numbers of a tensor of the file. */
export function constantOf(tensor: TensorProto): Constant {
  const what = `tensor '${tensor.name}'`;
  const shape = tensor.dims.map(Number);
  const type: DataType = tensor.dataType;
  const width = widthOf.get(type);
  if (tensor.dataLocation === TensorProto_DataLocation.EXTERNAL || tensor.externalData.length > 0) {
    throw new DataError(`${what}: its numbers are in another file, which is read for weights alone`);
  }
  if (width === undefined)
    throw new DataError(`${what}: numbers of type ${DataType[type] ?? type} are not read`);
  if (shape.some((extent) => extent < 0 || extent > mostNumbers) || sizeOf(shape) > mostNumbers) {
    throw new DataError(`${what}: a shape of ${formatShape(shape)}`);
  }
  const { rawData } = tensor;
  const raw = rawData.length > 0;
  if (raw && rawData.length !== sizeOf(shape) * width) {
    throw new DataError(
      `${what}: ${formatShape(shape)} takes ${sizeOf(shape) * width} bytes, it has ${rawData.length}`,
    );
  }
  const data = raw ? rawNumbers(rawData, type)! : typedNumbers(tensor);
  if (data.length !== sizeOf(shape)) {
    throw new DataError(
      `${what}: ${formatShape(shape)} has ${sizeOf(shape)} numbers, the file ${data.length}`,
    );
  }
  return { shape, data, float: floatTypes.has(type) };
}

/** The attributes of an operator by name. */
export class Attributes {
  private readonly known: ReadonlyMap<string, AttributeProto>;

  constructor({ attribute }: NodeProto) {
    this.known = new Map(attribute.map((each) => [each.name, each]));
  }

  has(name: string): boolean {
    return this.known.has(name);
  }

  int(name: string, usual: number): number {
    const found = this.known.get(name);
    return found === undefined ? usual : Number(found.i);
  }

  float(name: string, usual: number): number {
    return this.known.get(name)?.f ?? usual;
  }

  ints(name: string): number[] | undefined {
    return this.known.get(name)?.ints.map(Number);
  }

  text(name: string, usual: string): string {
    const found = this.known.get(name);
    return found === undefined ? usual : new TextDecoder().decode(found.s);
  }

  tensor(name: string): TensorProto | undefined {
    return this.known.get(name)?.t;
  }

  floats(name: string): number[] | undefined {
    return this.known.get(name)?.floats;
  }
}
