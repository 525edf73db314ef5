/** Models of Keras: `.keras`, `.h5` of Keras 2 and 3, `.weights.h5` with an architecture, and what tfjs writes. */
import { DataError, ModelError } from '../../core/errors.js';
import { anything, parseJson } from '../../core/schema.js';
import { checkJsonSize } from '../bounds.js';
import type { Foreign, ImportOptions, PixelScale } from '../foreign.js';
import { Hdf5File } from '../hdf5/read.js';
import { parseDetails } from '../ownDetails.js';
import { imageOf } from '../rows.js';
import { type Made, Tape } from '../tape.js';
import { unzip } from '../zip.js';
import { fillFromKeras } from './fill.js';
import { kerasReaders, trainingOnly } from './layers.js';
import { listOf, type Members, numberOf, objectOf } from './members.js';
import { inputShapeOf, type KerasModel, type KerasNode, kerasModel } from './model.js';
import { type LayerWeights, legacyWeights, variableWeights } from './weights.js';

interface Value {
  readonly made: Made;
  /** Where nothing but scaling and shaping has happened to the pixels yet. */
  readonly pixels?: PixelScale;
}

/** What leaves numbers as they are, so that a model may scale its pixels behind it. */
const shaping = ['Flatten', 'Reshape', 'Permute'];

/** Arithmetic of keras.ops with a number on the right or the left: what it does to x. */
const arithmetic: Readonly<Record<string, (c: number, left: boolean) => PixelScale | undefined>> = {
  TrueDivide: (c, left) => (left ? undefined : { factor: 1 / c, offset: 0 }),
  Divide: (c, left) => (left ? undefined : { factor: 1 / c, offset: 0 }),
  Multiply: (c) => ({ factor: c, offset: 0 }),
  Add: (c) => ({ factor: 1, offset: c }),
  Subtract: (c, left) => (left ? { factor: -1, offset: c } : { factor: 1, offset: -c }),
};

const joins = ['Add', 'Subtract', 'Multiply', 'Maximum', 'Minimum'];

class Reading {
  readonly notes = new Set<string>();
  readonly tape: Tape;
  scale: PixelScale | undefined;
  /** The pixels as they are fed. */
  readonly input: Value;

  constructor(
    shape: readonly number[],
    options: ImportOptions,
    private readonly weights: LayerWeights,
    private readonly what: string,
  ) {
    let made: Made;
    if (shape.length === 3) {
      this.tape = new Tape(shape);
      made = this.tape.input;
    } else if (shape.length === 2) {
      this.tape = new Tape([...shape, 1]);
      this.notes.add(`images are gray: [${shape.join(', ')}]`);
      made = this.tape.add('gray', 'reshape', { shape: [...shape] }, [this.tape.input]);
    } else {
      const image = imageOf(shape[0]!, options.image, what);
      this.tape = new Tape(image.shape);
      this.notes.add(image.note);
      made = this.tape.add('row', 'flatten', {}, [this.tape.input]);
    }
    this.input = { made, pixels: { factor: 1, offset: 0 } };
  }

  /** Reads a model's layers. @returns what the model makes */
  model({ nodes, output }: KerasModel, input: Value, prefix: string): Value {
    const values = new Map<string, Value>();
    for (const node of nodes) {
      const inputs = node.inputs.map((name) => {
        const value = values.get(name);
        if (value === undefined)
          throw new DataError(`${this.what}: '${node.name}': there is no layer '${name}' before it`);
        return value;
      });
      const taken = inputs.length === 0 ? [input] : inputs;
      values.set(node.name, this.layer(node, taken, prefix));
    }
    const value = values.get(output);
    if (value === undefined)
      throw new DataError(`${this.what}: there is no layer '${output}', which is the output`);
    return value;
  }

  private layer(node: KerasNode, inputs: readonly Value[], prefix: string): Value {
    const { className, name, config, inner, operands } = node;
    const path = `${prefix}${name}`;
    const [first] = inputs as [Value, ...Value[]];
    if (className === 'InputLayer') return first;
    if (inner !== undefined) return this.model(inner, first, `${path}/`);
    const what = `${this.what}: ${className} '${name}'`;
    if (className === 'Rescaling') return this.scaled(first, config, what);
    if (className === 'Normalization') return this.normalized(first, config, path, what);
    if (operands !== undefined && !(joins.includes(className) && operands.every((each) => each === null))) {
      return this.calculated(first, className, operands, what);
    }
    const reader = Object.hasOwn(kerasReaders, className) ? kerasReaders[className] : undefined;
    if (reader === undefined) {
      throw new ModelError(`${what}: layers of this class are not read`, {
        hint: `Read are ${Object.keys(kerasReaders).join(', ')}, Rescaling and Normalization.`,
      });
    }
    const passes = shaping.includes(className) || trainingOnly(className);
    const made = reader({
      tape: this.tape,
      className,
      name,
      config,
      inputs: inputs.map((value) => (passes ? value.made : this.madeOf(value))),
      weights: this.weights.get(path) ?? [],
      what,
      note: (text) => this.notes.add(text),
    });
    if (config.kernel_regularizer) this.notes.add('regularizers of weights are left out');
    return passes && first.pixels !== undefined ? { made, pixels: first.pixels } : { made };
  }

  /** The value as a layer's input: where it is the pixels still, their scale is settled. */
  madeOf(value: Value): Made {
    if (value.pixels === undefined) return value.made;
    const { factor, offset } = value.pixels;
    if (this.scale !== undefined && (this.scale.factor !== factor || this.scale.offset !== offset)) {
      throw new ModelError(`${this.what}: the pixels are read on several scales`);
    }
    this.scale = value.pixels;
    return value.made;
  }

  /** x / 255 and its like. */
  private calculated(value: Value, className: string, operands: readonly unknown[], what: string): Value {
    const [left, right] = operands;
    const number = left === null ? right : left;
    const change = Object.hasOwn(arithmetic, className) ? arithmetic[className] : undefined;
    const scale = operands.length === 2 && typeof number === 'number' && change?.(number, left !== null);
    if (!scale) {
      throw new ModelError(`${what}: operations of keras.ops are not read`, {
        hint: `Read are ${joins.join(', ')} of two layers, and arithmetic with a number on the pixels. Use layers, or export the model to ONNX.`,
      });
    }
    return this.scaled(value, { scale: scale.factor, offset: scale.offset }, what);
  }

  private scaled(value: Value, { scale, offset }: Members, what: string): Value {
    const [times, plus] = [numberOf(scale, Number.NaN), numberOf(offset ?? 0, Number.NaN)];
    const { made, pixels } = value;
    if (pixels === undefined || !Number.isFinite(times + plus) || times === 0) {
      throw new ModelError(`${what}: is read with single numbers, at the beginning of a model alone`);
    }
    return { made, pixels: { factor: pixels.factor * times, offset: pixels.offset * times + plus } };
  }

  /** (pixel − mean) / deviation, of numbers that the layer was given or has learned from data. */
  private normalized(value: Value, config: Members, path: string, what: string): Value {
    const [mean, variance] = ['mean', 'variance'].map((name, i) => {
      const given = (Array.isArray(config[name]) ? listOf(config[name]).flat(9) : [config[name]])[0];
      return numberOf(given, this.weights.get(path)?.[i]?.data[0] ?? Number.NaN);
    }) as [number, number];
    const several = this.weights.get(path)?.[0]?.data.some((each) => each !== mean);
    if (several) throw new ModelError(`${what}: other numbers for each channel are not read`);
    const factor = 1 / Math.max(Math.sqrt(variance), 1e-7);
    return this.scaled(value, { scale: factor, offset: -mean * factor }, what);
  }
}

/** A model of a configuration and weights by the paths of its layers. */
export function readKerasModel(
  description: unknown,
  weightsOf: (model: KerasModel) => LayerWeights,
  options: ImportOptions,
  what: string,
): Pick<Foreign, 'nodes' | 'inputShape' | 'scale' | 'notes'> {
  const model = kerasModel(description, what);
  const reading = new Reading(inputShapeOf(model, what), options, weightsOf(model), what);
  const made = reading.madeOf(reading.model(model, reading.input, ''));
  const { factor, offset } = reading.scale ?? { factor: 1, offset: 0 };
  const scaled = factor !== 1 || offset !== 0;
  return {
    nodes: reading.tape.drafts(made.name),
    inputShape: reading.tape.inputShape,
    scale: scaled ? { factor, offset } : undefined,
    notes: [...reading.notes],
  };
}

const textIn = (bytes: Uint8Array | undefined, name: string, what: string): string => {
  if (bytes === undefined) throw new DataError(`${what}: there is no ${name} in it: not a model of Keras`);
  checkJsonSize(bytes.length, `${what}: ${name}`);
  return new TextDecoder().decode(bytes);
};

/** Reads a `.keras` file. */
export function readKeras(bytes: Uint8Array, options: ImportOptions, what: string): Foreign {
  const wanted = ['config.json', 'metadata.json', 'model.weights.h5'];
  const entries = unzip(bytes, what, (name) => wanted.includes(name));
  const description = parseJson(
    textIn(entries.get('config.json'), 'config.json', what),
    `${what}: config.json`,
    anything,
  );
  const weights = entries.get('model.weights.h5');
  if (weights === undefined)
    throw new DataError(`${what}: there is no model.weights.h5 in it: not a model of Keras`);
  const file = new Hdf5File(weights, what);
  const metadata = objectOf(
    parseJson(
      textIn(entries.get('metadata.json'), 'metadata.json', what),
      `${what}: metadata.json`,
      anything,
    ),
  );
  const read = readKerasModel(description, (model) => variableWeights(file, model), options, what);
  const own = metadata.quern === undefined ? undefined : parseDetails(JSON.stringify(metadata.quern), what);
  return {
    format: 'Keras',
    own,
    ...read,
    notes: [`Keras ${String(metadata.keras_version ?? '')}`, ...read.notes],
  };
}

/** Reads an `.h5` file that has its architecture inside, or weights for layers that are given. */
export function readKerasH5(bytes: Uint8Array, options: ImportOptions, what: string): Foreign {
  const file = new Hdf5File(bytes, what);
  const config = file.text('', 'model_config');
  if (config === undefined && options.layers !== undefined) {
    const filled = fillFromKeras(file, options.layers, what);
    return { format: 'Keras', filled, nodes: [], inputShape: filled.model.inputShape, notes: [] };
  }
  if (config === undefined) {
    throw new ModelError(`${what}: it has weights and no architecture`, {
      hint: 'Name a recipe whose layers they fill with --recipe, or import the .keras file.',
    });
  }
  checkJsonSize(config.length, `${what}: model_config`);
  const description = parseJson(config, `${what}: model_config`, anything);
  const read = readKerasModel(description, (model) => legacyWeights(file, model, what), options, what);
  return {
    format: 'Keras',
    ...read,
    notes: [`Keras ${file.text('', 'keras_version') ?? ''}`, ...read.notes],
  };
}
