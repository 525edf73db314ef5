/** Models from ONNX files: feed-forward image classifiers, as exporters write them. */

import { DataError, ModelError, UsageError } from '../../core/errors.js';
import { formatShape, type Shape, sizeOf } from '../../core/shape.js';
import type { GraphProto, NodeProto, ValueInfoProto } from '../../vendor/onnx.js';
import type { Foreign, ImportOptions, PixelScale } from '../foreign.js';
import type { ReadBeside } from '../import.js';
import { parseDetails } from '../ownDetails.js';
import { imageOf } from '../rows.js';
import { Tape } from '../tape.js';
import type { Call, Operator } from './call.js';
import { Attributes, constantOf, decodeProto } from './decode.js';
import { takeExternal } from './external.js';
import { findGelus } from './gelu.js';
import { elementwiseOperators } from './operators/elementwise.js';
import { layerOperators } from './operators/layers.js';
import { shapeOperators } from './operators/shapes.js';
import { range, readStrided } from './operators/strided.js';
import { type Activation, activation, channelsFirst, identity, type Value } from './values.js';

const operators: Readonly<Record<string, Operator>> = {
  ...layerOperators,
  ...elementwiseOperators,
  ...shapeOperators,
  Range: range,
  // of a classifier's end: its argument is what counts
  LogSoftmax: (call) => shapeOperators.Softmax!(call),
};

/** The operators that are read. */
export const onnxOperators: readonly string[] = Object.keys(operators);

interface Input {
  readonly name: string;
  /** Of an image, channels behind. */
  readonly shape: Shape;
  /** Axis i of the file's input, the batch apart, is axis `order[i]` of `shape`. */
  readonly order: readonly number[];
  /** Of the file's input, without the batch. */
  readonly given: Shape;
  readonly note: string;
}

const channelCounts = [1, 3, 4];

/** True if images have their channels in front, by what is done to them first; undefined where that does not tell. */
function channelsInFront(graph: GraphProto, input: string): boolean | undefined {
  let name = input;
  for (const node of graph.node) {
    if (!node.input.includes(name)) continue;
    if (node.opType === 'Transpose') return new Attributes(node).ints('perm')?.join() !== '0,3,1,2';
    if (['Conv', 'MaxPool', 'AveragePool', 'BatchNormalization'].includes(node.opType)) return true;
    if (!['Cast', 'Mul', 'Add', 'Sub', 'Div', 'Identity'].includes(node.opType)) return undefined;
    name = node.output[0] ?? '';
  }
  return undefined;
}

function inputOf(graph: GraphProto, options: ImportOptions, what: string): Input {
  const known = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !known.has(name));
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1) {
    throw new ModelError(`${what}: the graph has ${inputs.length} inputs, an image classifier has one`);
  }
  const { name } = input;
  const given = dimensionsOf(input, what).slice(1);
  if (given.length === 3) {
    if (channelsInFront(graph, name) ?? channelCounts.includes(given[0]!)) {
      const shape = [given[1]!, given[2]!, given[0]!];
      return {
        name,
        shape,
        given,
        order: channelsFirst,
        note: `images are [channels, height, width]: ${formatShape(given)}`,
      };
    }
    return {
      name,
      shape: given,
      given,
      order: identity(3),
      note: `images are [height, width, channels]: ${formatShape(given)}`,
    };
  }
  if (given.length === 2) {
    return {
      name,
      shape: [...given, 1],
      given,
      order: identity(2),
      note: `images are gray: ${formatShape(given)}`,
    };
  }
  if (given.length !== 1) throw new ModelError(`${what}: its input ${formatShape(given)} is no image`);
  const { shape, note } = imageOf(given[0]!, options.image, what);
  return { name, shape, given, order: identity(1), note };
}

function dimensionsOf({ name, type }: ValueInfoProto, what: string): number[] {
  const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined;
  if (tensor?.shape === undefined) throw new DataError(`${what}: the input '${name}' has no shape`);
  const dims = tensor.shape.dim.map(({ value }) =>
    value.case === 'dimValue' ? Number(value.value) : undefined,
  );
  const open = dims.findIndex((extent, axis) => axis > 0 && (extent === undefined || extent < 1));
  if (open > 0 || dims.length < 2) {
    throw new UsageError(
      `${what}: the input '${name}' leaves its axis ${open} open: an image has a fixed size`,
      {
        hint: 'Export the model with the height and width of its images; the batch may stay open.',
      },
    );
  }
  return dims.map((extent) => extent ?? 1);
}

class Reading {
  readonly tape: Tape;
  scale: PixelScale | undefined;
  readonly gelus: ReturnType<typeof findGelus>;
  private readonly values = new Map<string, Value>();
  private readonly useCounts = new Map<string, number>();
  private readonly madeBy = new Map<string, string>();
  private readonly produced: ReadonlyMap<string, NodeProto>;

  constructor(
    private readonly graph: GraphProto,
    private readonly input: Input,
    private readonly opset: number,
    private readonly what: string,
  ) {
    this.tape = new Tape(input.shape);
    this.values.set(input.name, { type: 'pixels', factor: 1, offset: 0 });
    for (const node of graph.node) {
      for (const name of node.input) this.useCounts.set(name, (this.useCounts.get(name) ?? 0) + 1);
    }
    this.produced = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
    this.gelus = findGelus(graph.node, this.produced, (name) => this.constant(name));
  }

  /** A constant of the file, whether an initializer or an operator. */
  private constant(name: string): number | undefined {
    const value = this.values.get(name) ?? this.initializer(name);
    if (value?.type === 'constant') return value.data.length === 1 ? value.data[0] : undefined;
    const node = this.produced.get(name);
    if (node?.opType !== 'Constant') return undefined;
    const made = shapeOperators.Constant!(this.call(node, new Attributes(node)));
    return made.type === 'constant' && made.data.length === 1 ? made.data[0] : undefined;
  }

  private readonly initializers = new Map<string, GraphProto['initializer'][number]>();

  private initializer(name: string): Value | undefined {
    if (this.initializers.size === 0)
      for (const each of this.graph.initializer) this.initializers.set(each.name, each);
    const found = this.initializers.get(name);
    if (found === undefined) return undefined;
    const value: Value = { type: 'constant', ...constantOf(found) };
    this.values.set(name, value);
    return value;
  }

  valueNamed(name: string): Value | undefined {
    if (name === '') return undefined;
    const value = this.values.get(name) ?? this.initializer(name);
    if (value === undefined) throw new DataError(`${this.what}: nothing makes the value '${name}'`);
    return value;
  }

  read(node: NodeProto): void {
    const operator = operators[node.opType];
    const gelu = this.gelus.get(node.output[0] ?? '');
    if (this.gelus.skipped.has(node)) return;
    const domain = node.domain === '' || node.domain === 'ai.onnx';
    if (operator === undefined || !domain || !Object.hasOwn(operators, node.opType)) {
      throw new ModelError(
        `${this.what}: the operator ${node.domain === '' ? '' : `${node.domain}.`}${node.opType} is not read`,
        {
          hint: `Read are ${onnxOperators.join(', ')}.`,
        },
      );
    }
    const call = this.call(node, new Attributes(node), gelu === undefined ? node.input : []);
    const strided = call.inputs.some((input) => input?.type === 'whole' || input?.type === 'indices');
    const value =
      gelu !== undefined
        ? this.pointwiseOf(call, 'gelu', this.valueNamed(gelu))
        : strided
          ? readStrided(call, operator)
          : operator(call);
    const [output] = node.output;
    this.values.set(output!, value);
    if (value.type === 'activation') this.madeBy.set(value.made.name, output!);
  }

  private pointwiseOf(call: Call, kind: string, value: Value | undefined): Activation {
    const input = this.activation(value);
    return { ...input, made: this.tape.add(call.name, kind, {}, [input.made]) };
  }

  private call(node: NodeProto, attributes: Attributes, inputs: readonly string[] = []): Call {
    const name = node.output[0] ?? node.name;
    return {
      tape: this.tape,
      node,
      name,
      what: `${this.what}: ${node.opType} '${node.name || name}'`,
      attributes,
      inputs: inputs.map((each) => this.valueNamed(each)),
      opset: this.opset,
      uses: (value) => this.useCounts.get(value) ?? 0,
      valueOf: (draft) => this.madeBy.get(draft),
      activation: (value) => this.activation(value),
    };
  }

  activation(value: Value | undefined): Activation {
    if (value === undefined || value.type === 'constant') {
      throw new ModelError(`${this.what}: a layer whose input is a constant`);
    }
    if (value.type === 'activation') return value;
    if (value.type !== 'pixels')
      throw new ModelError(`${this.what}: a layer whose input is a row of all examples`);
    const { factor, offset } = value;
    if (this.scale !== undefined && (this.scale.factor !== factor || this.scale.offset !== offset)) {
      throw new ModelError(`${this.what}: the pixels are read on several scales`);
    }
    this.scale = { factor, offset };
    return this.image();
  }

  /** The input as the file has it. */
  private image(): Activation {
    const { input } = this.tape;
    const { given, order, shape } = this.input;
    if (given.length === 3) return activation(input, order);
    const name = given.length === 1 ? 'row' : 'gray';
    const found = this.tape.find(name);
    if (found !== undefined) return activation({ name, shape: this.tape.shapeOf(name) });
    const made =
      given.length === 1
        ? this.tape.add(name, 'flatten', {}, [input])
        : this.tape.add(name, 'reshape', { shape: shape.slice(0, 2) }, [input]);
    return activation(made);
  }
}

/** The value that counts of a graph's outputs: logits where there are several. */
function outputOf(graph: GraphProto, what: string): string {
  const { output } = graph;
  const logits = output.find(({ name }) => name === 'logits');
  const chosen = logits ?? output[0];
  if (chosen === undefined) throw new DataError(`${what}: the graph has no output`);
  if (output.length > 1 && logits === undefined) {
    throw new ModelError(`${what}: the graph has ${output.length} outputs, an image classifier has one`);
  }
  return chosen.name;
}

/**
 * Reads an ONNX file.
 *
 * @param what names the file in errors
 * @throws DataError for bytes that are none; ModelError, naming the operator, for what Quern has no layer for
 */
export async function readOnnx(
  bytes: Uint8Array,
  options: ImportOptions,
  what: string,
  beside: ReadBeside,
): Promise<Foreign> {
  const model = decodeProto(bytes, what);
  const graph = model.graph!;
  await takeExternal(graph.initializer, beside, what);
  const opset = Number(
    model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0,
  );
  const input = inputOf(graph, options, what);
  if (sizeOf(input.shape) > 2 ** 24) throw new ModelError(`${what}: images of ${formatShape(input.shape)}`);
  const reading = new Reading(graph, input, opset, what);
  const output = outputOf(graph, what);
  for (const node of graph.node) reading.read(node);
  const end = reading.valueNamed(output);
  const { made } = reading.activation(end);
  const metadata = model.metadataProps.find(({ key }) => key === 'quern')?.value;
  const { factor, offset } = reading.scale ?? { factor: 1, offset: 0 };
  const scaled = factor !== 1 || offset !== 0;
  return {
    format: 'ONNX',
    nodes: reading.tape.drafts(made.name),
    inputShape: input.shape,
    scale: scaled ? { factor, offset } : undefined,
    own: metadata === undefined ? undefined : parseDetails(metadata, what),
    notes: [
      input.note,
      `opset ${opset}${model.producerName === '' ? '' : `, written by ${model.producerName}`}`,
    ],
  };
}
