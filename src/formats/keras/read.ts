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
import { kerasReaders } from './layers.js';
import { listOf, type Members, numberOf, objectOf } from './members.js';
import { inputShapeOf, type KerasModel, type KerasNode, kerasModel } from './model.js';
import { type LayerWeights, legacyWeights, variableWeights } from './weights.js';

type Value = { readonly pixels: PixelScale } | { readonly made: Made };

class Reading {
  readonly notes = new Set<string>();
  readonly tape: Tape;
  scale: PixelScale | undefined;
  private first: Made;

  constructor(
    shape: readonly number[],
    options: ImportOptions,
    private readonly weights: LayerWeights,
    private readonly what: string,
  ) {
    if (shape.length === 3) {
      this.tape = new Tape(shape);
      this.first = this.tape.input;
    } else if (shape.length === 2) {
      this.tape = new Tape([...shape, 1]);
      this.first = this.tape.input;
      this.notes.add(`images are grey: [${shape.join(', ')}]`);
      this.first = this.tape.add('grey', 'reshape', { shape: [...shape] }, [this.first]);
    } else {
      const image = imageOf(shape[0]!, options.image, what);
      this.tape = new Tape(image.shape);
      this.notes.add(image.note);
      this.first = this.tape.add('row', 'flatten', {}, [this.tape.input]);
    }
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
    const { className, name, config, inner } = node;
    const path = `${prefix}${name}`;
    const [first] = inputs as [Value, ...Value[]];
    if (className === 'InputLayer') return first;
    if (inner !== undefined) return this.model(inner, first, `${path}/`);
    const what = `${this.what}: ${className} '${name}'`;
    if (className === 'Rescaling') return this.scaled(first, config, what);
    if (className === 'Normalization') return this.normalized(first, config, path, what);
    const reader = Object.hasOwn(kerasReaders, className) ? kerasReaders[className] : undefined;
    if (reader === undefined) {
      throw new ModelError(`${what}: layers of this class are not read`, {
        hint: `Read are ${Object.keys(kerasReaders).join(', ')}, Rescaling and Normalization.`,
      });
    }
    const made = reader({
      tape: this.tape,
      className,
      name,
      config,
      inputs: inputs.map((value) => this.madeOf(value)),
      weights: this.weights.get(path) ?? [],
      what,
      note: (text) => this.notes.add(text),
    });
    if (config.kernel_regularizer) this.notes.add('regularizers of weights are left out');
    return { made };
  }

  /** The value as a layer's input: where it is the pixels still, their scale is settled. */
  madeOf(value: Value): Made {
    if ('made' in value) return value.made;
    const { factor, offset } = value.pixels;
    if (this.scale !== undefined && (this.scale.factor !== factor || this.scale.offset !== offset)) {
      throw new ModelError(`${this.what}: the pixels are read on several scales`);
    }
    this.scale = value.pixels;
    return this.first;
  }

  private scaled(value: Value, { scale, offset }: Members, what: string): Value {
    const [times, plus] = [numberOf(scale, Number.NaN), numberOf(offset ?? 0, Number.NaN)];
    if (!('pixels' in value) || Number.isNaN(times + plus)) {
      throw new ModelError(`${what}: is read with single numbers, at the beginning of a model alone`);
    }
    const { factor, offset: before } = value.pixels;
    return { pixels: { factor: factor * times, offset: before * times + plus } };
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
  const made = reading.madeOf(reading.model(model, { pixels: { factor: 1, offset: 0 } }, ''));
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
