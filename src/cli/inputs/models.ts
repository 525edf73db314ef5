/** Models that commands read: Quern's own, and those of other formats. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../core/errors.js';
import { exists } from '../../core/files.js';
import { type ImportOptions, importedFrom } from '../../formats/foreign.js';
import type { ModelFile } from '../../training/files/modelFile.js';
import type { Normalization } from '../../training/inference/normalization.js';
import { complain } from '../terminal/output.js';
import type { ForeignArguments } from './options.js';

/** Tells whether a model came from another format. */
export const isImported = ({ details }: ModelFile): boolean => details.numerics.startsWith(importedFrom);

/** `0..255` and the like, or a mean and a deviation. */
function parsePixels(text: string, scales: Readonly<Record<string, Normalization>>): Normalization {
  const known = Object.hasOwn(scales, text) ? scales[text] : undefined;
  if (known !== undefined) return known;
  const numbers = text.split(',').map(Number);
  const [mean, deviation] = numbers;
  if (numbers.length === 2 && Number.isFinite(mean) && deviation! > 0)
    return { mean: mean!, deviation: deviation! };
  throw new UsageError(
    `--pixels must be ${Object.keys(scales).join(', ')} or MEAN,DEVIATION on the scale from 0 to 1: got ${text}`,
  );
}

/** Looks a dataset up in the catalog: the shape of its images and the names of its classes. */
async function knownDataset(name: string | undefined) {
  if (name === undefined) return undefined;
  const { findEntry, readManifest } = await import('../../data/catalog/manifest.js');
  return findEntry(readManifest(), name);
}

interface ReadOptions extends ForeignArguments {
  /** That the model was trained on, or is measured on. */
  readonly dataset?: string | undefined;
  /** Layers of a recipe that is trained, in place of one that is named. */
  readonly layers?: ImportOptions['layers'];
  readonly shape?: readonly number[] | undefined;
  readonly classes?: readonly string[] | undefined;
}

async function recipeOf({ recipe }: ReadOptions) {
  if (recipe === undefined) return undefined;
  const { loadRecipe } = await import('../../recipes/index.js');
  return loadRecipe(recipe);
}

async function layersOf(options: ReadOptions): Promise<ImportOptions['layers']> {
  const { dataset, shape: named, classes, layers } = options;
  const loaded = await recipeOf(options);
  if (loaded === undefined) return layers;
  const { recipeModel } = await import('../../recipes/index.js');
  const entry = await knownDataset(dataset ?? loaded.recipe.dataset);
  const [height, width, channels] = named ?? entry!.image;
  const shape = [height!, width!, channels!] as const;
  const { layer } = recipeModel(loaded, { shape, classes: classes ?? entry!.classes }, 0);
  return { layer, inputShape: shape };
}

/** Reads a model of another format, with what the command line says of it. */
export async function readForeign(path: string, options: ReadOptions) {
  const { importModel } = await import('../../formats/files.js');
  const { pixelScales } = await import('../../formats/foreign.js');
  const { pixels, epsilon } = options;
  const dataset = options.dataset ?? (await recipeOf(options))?.recipe.dataset;
  const entry = await knownDataset(dataset);
  return importModel(path, {
    pixels: pixels === undefined ? undefined : parsePixels(pixels, pixelScales),
    layers: await layersOf(options),
    epsilon,
    image: options.shape ?? entry?.image,
    classes: options.classes ?? entry?.classes,
    dataset,
  });
}

/** `{"__metadata__":{"format":"quern"` stands within these bytes of Quern's own files. */
const markWithin = 64;

/**
 * True of a model that Quern has written itself: then what is unsound in it is for the reader of such files to
 * say, as it is for a path that is no file.
 */
async function isOwn(path: string): Promise<boolean> {
  if (!path.endsWith('.safetensors')) return !(await exists(path));
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return true;
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(markWithin), 0, markWithin, 0);
    const start = new TextDecoder('latin1').decode(buffer.subarray(8, bytesRead));
    return !start.startsWith('{') || /"format":\s*"quern"/.test(start);
  } catch {
    return true;
  } finally {
    await handle.close();
  }
}

/**
 * A model of another format, of which it is said what was found or assumed; undefined for Quern's own.
 *
 * @param path of a file, or of a folder of tfjs
 */
export async function readIfForeign(path: string, options: ReadOptions): Promise<ModelFile | undefined> {
  const topology = join(path, 'model.json');
  const found = (await exists(topology)) ? topology : path;
  if (await isOwn(found)) return undefined;
  const file = await readForeign(found, options);
  for (const note of file.notes) complain(`quern: ${found}: ${note}`);
  return file;
}
