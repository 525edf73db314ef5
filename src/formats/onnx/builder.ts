/** Writes ONNX graphs node by node. Images are [batch, channels, height, width] there, everything else as in Quern. */

import type { Shape } from '../../core/shape.js';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  create,
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  toBinary,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from '../../vendor/onnx.js';

/** The operator set: the oldest that has all operators that are written. */
const opset = 17;
/** The version of the file's form that goes with the operator set. */
const irVersion = 8;

export type Attribute = number | string | readonly number[] | { readonly float: number };

function attributeProto(name: string, value: Attribute) {
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  }
  if ('float' in value) {
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  }
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

/** A value of the graph, whose images have their channels in front or behind. */
interface Value {
  readonly name: string;
  readonly channelsFirst: boolean;
  readonly rank: number;
}

export class OnnxBuilder {
  private readonly nodes: NodeProto[] = [];
  private readonly initializers: TensorProto[] = [];
  /** By the names of the network's nodes. */
  private readonly values = new Map<string, Value>();
  private readonly turned = new Map<string, string>();
  private counter = 0;

  /** Adds an operator; its name is that of its output. */
  node(
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    name = `${opType.toLowerCase()}_${this.counter++}`,
  ): string {
    const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value));
    this.nodes.push(create(NodeProtoSchema, { opType, name, input: [...input], output: [name], attribute }));
    return name;
  }

  floats(name: string, dims: Shape, data: Float32Array): string {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: dims.map(BigInt),
        dataType: DataType.FLOAT,
        rawData: rawData.slice(),
      }),
    );
    return name;
  }

  scalar(value: number): string {
    return this.floats(`scalar_${this.counter++}`, [], Float32Array.of(value));
  }

  integers(values: readonly number[]): string {
    const name = `integers_${this.counter++}`;
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.initializers.push(
      create(TensorProtoSchema, { name, dims: [BigInt(values.length)], dataType: DataType.INT64, rawData }),
    );
    return name;
  }

  /** Says which value a node of the network is. */
  define(
    node: string,
    name: string,
    { shape, channelsFirst }: { shape: Shape; channelsFirst: boolean },
  ): void {
    this.values.set(node, {
      name,
      rank: shape.length + 1,
      channelsFirst: channelsFirst && shape.length === 3,
    });
  }

  channelsFirst(node: string): boolean {
    return this.values.get(node)!.channelsFirst;
  }

  /** The value of a node as it is. */
  any(node: string): string {
    return this.values.get(node)!.name;
  }

  /** With the channels of images in front. */
  first(node: string): string {
    const { name, rank, channelsFirst } = this.values.get(node)!;
    return rank !== 4 || channelsFirst ? name : this.turn(name, [0, 3, 1, 2]);
  }

  /** With the channels behind, as Quern has them. */
  last(node: string): string {
    const { name, channelsFirst } = this.values.get(node)!;
    return channelsFirst ? this.turn(name, [0, 2, 3, 1]) : name;
  }

  private turn(name: string, perm: readonly number[]): string {
    const key = `${name} ${perm.join()}`;
    const known = this.turned.get(key);
    if (known !== undefined) return known;
    const turned = this.node('Transpose', [name], { perm });
    this.turned.set(key, turned);
    return turned;
  }

  bytes(options: {
    readonly input: { readonly name: string; readonly shape: Shape; readonly about: string };
    readonly outputs: readonly { readonly name: string; readonly shape: Shape; readonly about: string }[];
    readonly metadata: ReadonlyMap<string, string>;
    readonly about: string;
  }): Uint8Array {
    const { input, outputs, metadata, about } = options;
    const graph = create(GraphProtoSchema, {
      name: 'quern',
      docString: about,
      node: this.nodes,
      initializer: this.initializers,
      input: [valueInfo(input, DataType.UINT8)],
      output: outputs.map((output) => valueInfo(output, DataType.FLOAT)),
    });
    const model = create(ModelProtoSchema, {
      irVersion: BigInt(irVersion),
      producerName: 'quern',
      docString: about,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })],
      graph,
      metadataProps: [...metadata].map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
    });
    return toBinary(ModelProtoSchema, model);
  }
}

function valueInfo(
  { name, shape, about }: { readonly name: string; readonly shape: Shape; readonly about: string },
  elemType: DataType,
): ValueInfoProto {
  const batch = create(TensorShapeProto_DimensionSchema, { value: { case: 'dimParam', value: 'batch' } });
  const others = shape.map((extent) =>
    create(TensorShapeProto_DimensionSchema, { value: { case: 'dimValue', value: BigInt(extent) } }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType,
    shape: create(TensorShapeProtoSchema, { dim: [batch, ...others] }),
  });
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } });
  return create(ValueInfoProtoSchema, { name, docString: about, type });
}
