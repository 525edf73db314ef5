/** What all importers give, and how a model of Quern is made of it. */
import { ModelError, UsageError } from '../core/errors.js';
import { formatShape, type Shape } from '../core/shape.js';
import type { Layer } from '../nn/layer.js';
import type { Model } from '../nn/model.js';
import type { ModelDetails, ModelFile } from '../training/files/modelFile.js';
import { checkNormalization, type Normalization } from '../training/inference/normalization.js';
import { type Draft, modelOf, type Tensors } from './network.js';

/** factor · pixel + offset, as the first operators of a file compute it. */
export interface PixelScale {
  readonly factor: number;
  readonly offset: number;
}

/** A model of a file, before the questions that the file leaves open are answered. */
export interface Foreign {
  /** Such as 'Keras' or 'ONNX'. */
  readonly format: string;
  readonly nodes: readonly Draft[];
  readonly inputShape: Shape;
  /** Layers that were given and filled, in place of nodes. */
  readonly filled?: { readonly model: Model; readonly tensors: Tensors } | undefined;
  /** Undefined where the file does nothing to its pixels. */
  readonly scale?: PixelScale | undefined;
  /** What Quern itself has written into the file. */
  readonly own?: Partial<ModelDetails> | undefined;
  /** What was found or assumed, a sentence each. */
  readonly notes: readonly string[];
}

export interface ImportOptions {
  /**
   * What the model's input is made of pixels by: (pixel / 255 − mean) / deviation. Needed where the file does not say;
   * `pixelScales` has the usual ones.
   */
  readonly pixels?: Normalization | undefined;
  /** Shape of an image, where the file has numbers in a row. */
  readonly image?: Shape | undefined;
  /** What a file of tensors without an architecture fills: the layer of a recipe, for images of that shape. */
  readonly layers?: { readonly layer: Layer; readonly inputShape: Shape } | undefined;
  /** Of batch normalization, of which state dicts of PyTorch tell nothing; default 1e-5, as there. null: as in `layers`. */
  readonly epsilon?: number | null | undefined;
  /** Names of the classes. Default: those in the file, or 0, 1, 2, … */
  readonly classes?: readonly string[] | undefined;
  /** Name of the dataset that it was trained on. Default 'unknown'. */
  readonly dataset?: string | undefined;
}

/** What the numerics of an imported model begin with. */
export const importedFrom = 'imported from';

/** What models of other frameworks are usually fed with. */
export const pixelScales: Readonly<Record<string, Normalization>> = {
  '0..1': { mean: 0, deviation: 1 },
  '0..255': { mean: 0, deviation: 1 / 255 },
  '-1..1': { mean: 0.5, deviation: 0.5 },
};

/** An imported model is a file as any other; and what was found or assumed on the way. */
export interface Imported extends ModelFile {
  readonly notes: readonly string[];
}

/** What bytes come to that are scaled for a network, and no more: beyond, the input is on another scale. */
const largestInput = 16;

const percentText = ({ mean, deviation }: Normalization) => {
  const name = Object.keys(pixelScales).find((key) => {
    const scale = pixelScales[key]!;
    return Math.abs(scale.mean - mean) < 1e-9 && Math.abs(scale.deviation / deviation - 1) < 1e-6;
  });
  return name ?? `mean ${Number(mean.toPrecision(6))}, deviation ${Number(deviation.toPrecision(6))}`;
};

/** Both steps in one: what makes the input of pixels, and what the file does to its input. */
function composed({ mean, deviation }: Normalization, { factor, offset }: PixelScale): Normalization {
  return { mean: mean - (offset * deviation) / factor, deviation: deviation / factor };
}

const close = (a: Normalization, b: Normalization) =>
  Math.abs(a.mean - b.mean) < 1e-5 && Math.abs(a.deviation / b.deviation - 1) < 1e-5;

function normalizationOf(
  { scale, own, format }: Foreign,
  pixels: Normalization | undefined,
  what: string,
): { normalization: Normalization; note: string } {
  if (pixels !== undefined) {
    checkNormalization(pixels);
    const normalization = scale === undefined ? pixels : composed(pixels, scale);
    const more = scale === undefined ? '' : ', before what the file does to it';
    return { normalization, note: `input: pixels ${percentText(pixels)}, as told${more}` };
  }
  if (scale !== undefined) {
    const found = composed(pixelScales['0..255']!, scale);
    const ends = [scale.offset, 255 * scale.factor + scale.offset];
    if (ends.every((end) => Math.abs(end) <= largestInput) && found.deviation > 0) {
      // the file's numbers are float32, those of Quern exact
      const exact =
        own?.normalization !== undefined && close(own.normalization, found) ? own.normalization : found;
      return { normalization: exact, note: 'input: pixels 0..255, which the file scales itself' };
    }
  } else if (own?.normalization !== undefined) {
    return {
      normalization: own.normalization,
      note: `input: pixels ${percentText(own.normalization)}, as the file says`,
    };
  }
  throw new UsageError(`${what}: the ${format} file does not say what pixels its model takes`, {
    hint: `Say it with --pixels (or the option pixels): ${Object.keys(pixelScales).join(', ')}, or MEAN,DEVIATION on the scale from 0 to 1.`,
  });
}

/** Takes a softmax off the end: Quern's models give logits. */
function withoutSoftmax(
  { nodes, filled, format }: Foreign,
  what: string,
): { nodes: readonly Draft[]; note: string } {
  if (filled !== undefined) return { nodes, note: 'output: logits, as the layers give them' };
  const last = nodes.at(-1);
  if (last?.kind === 'softmax')
    return { nodes: nodes.slice(0, -1), note: 'output: it ends in a softmax, which is taken off' };
  if (last?.kind === 'sigmoid') {
    throw new ModelError(
      `${what}: the ${format} model ends in a sigmoid: it is no classifier of several classes`,
    );
  }
  return { nodes, note: 'output: it does not end in a softmax, so its outputs are taken as logits' };
}

/** Where the weights come from, and what Quern computed them with, where it did. */
function numericsOf({ format, own }: Foreign): string {
  const before = own?.numerics;
  if (format === 'Quern' && before !== undefined) return before;
  return [
    `${importedFrom} ${format}`,
    ...(before === undefined ? [] : [before.replace(/^imported from \w+, /, '')]),
  ].join(', ');
}

/**
 * The model of a file.
 *
 * @param what names the file
 * @throws UsageError for what the file leaves open and the options do not say; ModelError for a model that cannot be made
 */
export function complete(foreign: Foreign, options: ImportOptions, what: string): Imported {
  const { own } = foreign;
  const scale = normalizationOf(foreign, options.pixels, what);
  const ended = withoutSoftmax(foreign, what);
  const { model, tensors } = foreign.filled ?? modelOf(ended.nodes, foreign.inputShape, what);
  if (model.outputShape.length !== 1) {
    throw new ModelError(
      `${what}: the model gives ${formatShape(model.outputShape)}, not a number for each class`,
    );
  }
  const [count] = model.outputShape as [number];
  const classes = options.classes ?? own?.classes ?? Array.from({ length: count }, (_, i) => String(i));
  if (classes.length !== count) {
    throw new UsageError(`${what}: the model has ${count} classes, there are ${classes.length} names`);
  }
  const details: ModelDetails = {
    classes,
    normalization: scale.normalization,
    dataset: options.dataset ?? own?.dataset ?? 'unknown',
    ...(own?.recipe === undefined ? {} : { recipe: own.recipe }),
    ...(own?.weightAveraging === undefined ? {} : { weightAveraging: own.weightAveraging }),
    numerics: numericsOf(foreign),
  };
  const named = options.classes === undefined && own?.classes === undefined;
  const notes = [
    ...foreign.notes,
    scale.note,
    ended.note,
    ...(named ? ['classes: the file has no names, they are numbered'] : []),
  ];
  return { path: what, model, details, tensors, notes };
}
