/** Trained models as files of other formats. */
import { checkOptionNames, wrongKind } from '../core/check.js';
import { UsageError } from '../core/errors.js';
import type { Model } from '../nn/model.js';
import { describeLayer } from '../nn/registry.js';
import type { ModelDetails } from '../training/files/modelFile.js';
import { encodeSafetensors } from '../training/files/safetensors.js';
import type { TrainedModel } from '../training/files/trainedModel.js';
import { savedLeaves } from '../training/files/weights.js';
import { type Network, networkOf, type Tensors } from './network.js';
import { detailsText } from './ownDetails.js';

/** What is exported: a model file that was read, or anything with a model, its weights and details. */
export interface ExportSource {
  readonly model: Model;
  readonly details: ModelDetails;
  readonly tensors: Tensors;
}

/** How a model did, for what tells people of it. */
export interface ExportResults {
  readonly accuracy?: number | undefined;
  readonly interval?: readonly [number, number] | undefined;
  readonly count?: number | undefined;
  readonly epochs?: number | undefined;
  /** SPDX name or words: the license of the data that it was trained on. */
  readonly dataLicense?: string | undefined;
  /** Where the data comes from. */
  readonly dataHomepage?: string | undefined;
}

interface ExportedFile {
  /** Relative to where the export goes; '' for the file itself. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Exported {
  readonly files: readonly ExportedFile[];
  /** It makes a folder of files. */
  readonly folder?: boolean;
  /** What the model takes and gives there, a sentence each. */
  readonly notes: readonly string[];
}

/** The weights of a model in an engine, as they are now. */
async function tensorsOf(trained: TrainedModel): Promise<Tensors> {
  const weights = await trained.weights();
  return new Map(
    savedLeaves(trained.model).map(({ name, shape }) => [name, { shape, data: weights.get(name)! }]),
  );
}

interface Parts extends ExportSource {
  readonly network: Network;
  /** Of the file, without its ending. */
  readonly name: string;
  /** With it. */
  readonly file: string | undefined;
  readonly results: ExportResults;
}

type Exporter = (parts: Parts) => Promise<Exported>;

const one = (bytes: Uint8Array, notes: readonly string[]): Exported => ({
  files: [{ name: '', bytes }],
  notes,
});

const pixelNote =
  "input 'images': uint8 pixels from 0 to 255, as they are in pictures; the model scales them itself";

const text = (content: string) => new TextEncoder().encode(content);

/** Python's keywords, and what the module itself imports. */
const takenNames: ReadonlySet<string> = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if ' +
    'import in is lambda nonlocal not or pass raise return try while with yield pathlib safetensors torch'
  ).split(' '),
);

/** A name that Python can import. */
function moduleName(name: string): string {
  const word = name.replace(/\W/g, '_').replace(/^(?=\d|$)/, '_');
  return takenNames.has(word) ? `${word}_` : word;
}

async function pytorch({ network, model, details }: Parts, weightsFile: string) {
  const { pytorchFiles } = await import('./pytorch/write.js');
  const { tensors, code } = pytorchFiles(network, details.normalization, weightsFile);
  const metadata = new Map([
    // what loaders of PyTorch ask for
    ['format', 'pt'],
    ['quern', detailsText(details)],
    ['architecture', JSON.stringify(describeLayer(model.layer))],
    ['inputShape', JSON.stringify(model.inputShape)],
  ]);
  return { code, weights: encodeSafetensors({ tensors, metadata }) };
}

const pytorchNotes = [
  "a state dict with PyTorch's names and layouts, and a module that takes it",
  'input: pixels from 0 to 255, [batch, channels, height, width], uint8 or float; the module scales them itself',
  'output: logits; softmax(-1) makes probabilities of them',
];

const kerasNotes = [
  'input: pixels from 0 to 255, [batch, height, width, channels]; the model scales them itself (layer pixels)',
  'output: probabilities (layer probabilities, a softmax)',
];

const exporters = {
  quern: async (parts) => {
    const { encodeOwn } = await import('./own.js');
    return one(encodeOwn(parts), ["Quern's own model file, as saveModel writes it"]);
  },
  onnx: async ({ network, details }) => {
    const { encodeOnnx } = await import('./onnx/write.js');
    const metadata = new Map([
      ['classes', JSON.stringify(details.classes)],
      ['input', 'uint8 pixels from 0 to 255, [batch, height, width, channels]'],
      ['quern', detailsText(details)],
    ]);
    return one(encodeOnnx(network, details.normalization, metadata), [
      `${pixelNote}; [batch, ${network.inputShape.join(', ')}] (height, width, channels), batch of any size`,
      `outputs: 'probabilities' and 'logits', float32 [batch, ${details.classes.length}]; the names of the classes are in metadata_props`,
    ]);
  },
  keras: async ({ network, details, name }) => {
    const { encodeKeras, kerasFiles } = await import('./keras/write.js');
    return one(
      encodeKeras(kerasFiles(network, details.normalization, name), detailsText(details)),
      kerasNotes,
    );
  },
  kerasWeights: async ({ network, details, name }) => {
    const { kerasFiles } = await import('./keras/write.js');
    return one(kerasFiles(network, details.normalization, name).weights, [
      'weights alone, for model.load_weights() of a model of the same layers: the .keras file has both',
    ]);
  },
  pytorch: async (parts) => {
    const { name, file = `${name}.safetensors` } = parts;
    const { weights, code } = await pytorch(parts, file);
    return {
      files: [
        { name: '', bytes: weights },
        { name: `${moduleName(name)}.py`, bytes: text(code) },
      ],
      notes: [...pytorchNotes, `in Python: from ${moduleName(name)} import load; model = load()`],
    };
  },
  tfjs: async ({ network, details, name }) => {
    const { tfjsFiles } = await import('./tfjs/write.js');
    const weightsPath = `${name}.weights.bin`;
    const { model, weights } = tfjsFiles(network, details.normalization, {
      name,
      weightsPath,
      own: detailsText(details),
    });
    return {
      files: [
        { name: '', bytes: text(JSON.stringify(model)) },
        { name: weightsPath, bytes: weights },
      ],
      notes: [
        ...kerasNotes,
        `in JavaScript: tf.loadLayersModel of this file; ${weightsPath} stays beside it`,
      ],
    };
  },
  npz: async (parts) => {
    const { encodeNpz } = await import('./npz.js');
    return one(encodeNpz(parts), [
      'weights by their paths, for numpy.load; filters are [height, width, in, out]',
    ]);
  },
  huggingFace: async (parts) => {
    const { name, results } = parts;
    const { configJson, modelCard } = await import('./huggingFace/write.js');
    const { weights, code } = await pytorch(parts, 'model.safetensors');
    return {
      folder: true,
      files: [
        { name: 'config.json', bytes: text(`${JSON.stringify(configJson(parts), undefined, 2)}\n`) },
        { name: 'model.safetensors', bytes: weights },
        { name: 'model.py', bytes: text(code) },
        { name: 'README.md', bytes: text(modelCard(parts, name, results)) },
      ],
      notes: [
        ...pytorchNotes,
        'README.md is the model card: state the license of the weights in it before you publish',
      ],
    };
  },
  page: async ({ network, details, results, name }) => {
    const { encodePage } = await import('./page/write.js');
    const weightsFile = `${name}.weights.js`;
    const { html, weights } = encodePage(network, details, { results, weightsFile });
    return {
      files: [
        { name: '', bytes: text(html) },
        { name: weightsFile, bytes: text(weights) },
      ],
      notes: [`opens in a browser from a disk and needs no network; ${weightsFile} stays beside it`],
    };
  },
} satisfies Readonly<Record<string, Exporter>>;

export type ExportFormat = keyof typeof exporters;

export const exportFormats = Object.keys(exporters) as readonly ExportFormat[];

/**
 * A model as the files of another format.
 *
 * @param options.name of the file without its ending, where files name each other; default 'model'
 * @param options.file its name with the ending; default: the name with the usual one
 * @throws UsageError for an unknown format; ModelError for a layer that has no counterpart there
 */
export async function exportModel(
  source: ExportSource | TrainedModel,
  format: ExportFormat,
  options: { readonly name?: string; readonly file?: string; readonly results?: ExportResults } = {},
): Promise<Exported> {
  checkOptionNames('exportModel', options, { name: true, file: true, results: true });
  const exporter: Exporter | undefined = Object.hasOwn(exporters, format) ? exporters[format] : undefined;
  if (exporter === undefined) {
    throw new UsageError(`export: there is no format '${format}': ${exportFormats.join(', ')}`);
  }
  if (typeof source !== 'object' || source === null || !('model' in source)) {
    throw wrongKind('exportModel: source', 'a trained model', source, 'fit and loadModel give one.');
  }
  const { model, details } = source;
  const tensors = 'tensors' in source ? source.tensors : await tensorsOf(source);
  const network = networkOf(model, tensors);
  return exporter({
    model,
    details,
    tensors,
    network,
    name: options.name ?? 'model',
    file: options.file,
    results: options.results ?? {},
  });
}
