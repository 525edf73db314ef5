/**
 * Recipe files that run although the command line did not name them, and models that need them: those with a layer of one's
 * own. What a run folder says is no reason to run a file; that its user has trained with it is one.
 */
import { basename, dirname } from 'node:path';
import { DataError, ModelError, reasonOf } from '../../core/errors.js';
import { sha256 } from '../../core/sha256.js';
import { readFileWithin } from '../../data/readFile.js';
import { type LoadedRecipe, loadRecipe, setRecipe } from '../../recipes/index.js';
import { checkSettingValues } from '../../recipes/settings.js';
import { hashOf, isTrusted, trustedList } from '../../recipes/trusted.js';
import { type RunConfig, readConfig } from '../../runs/config.js';
import { modelPathOf, runFiles } from '../../runs/files.js';
import { isFinal, readResult } from '../../runs/result.js';
import { type ModelFile, type OwnLayers, readModelFile } from '../../training/files/modelFile.js';
import { readIfForeign } from './models.js';
import type { ForeignArguments } from './options.js';

export interface ImportArguments {
  /** A recipe file that its user lets run. */
  readonly import?: string | undefined;
}

/** Far above any script. */
const largestRecipe = 2 ** 24;

/** Why a run's recipe file does not run, if it does not. */
export async function whyNotTrusted(path: string): Promise<string | undefined> {
  try {
    const hash = await hashOf(await readFileWithin(path, largestRecipe));
    if (await isTrusted(hash)) return undefined;
    return `it is none of the files that you have trained with: its SHA-256 is not in ${trustedList()}`;
  } catch (error) {
    return `it cannot be read: ${reasonOf(error)}`;
  }
}

/** The folder of the run that a model belongs to: its own, or that above its checkpoints. */
function runOf(modelPath: string): string {
  const folder = dirname(modelPath);
  return basename(folder) === runFiles.checkpoints ? dirname(folder) : folder;
}

/** A recipe with the settings that a run was begun with. */
export function withSettingsOf(loaded: LoadedRecipe, { arguments: { set } }: RunConfig): LoadedRecipe {
  return setRecipe(loaded, set === undefined ? undefined : checkSettingValues(set, 'the run'));
}

/** The recipe of a run, where it may run, or what helps where it may not. */
async function recipeFor(
  config: RunConfig | undefined,
  { import: named }: ImportArguments,
): Promise<LoadedRecipe | string> {
  if (named !== undefined) return loadRecipe(named);
  const file = config?.recipeFile?.path;
  if (file === undefined) return 'Its recipe file makes its layers known: --import FILE runs that.';
  const why = await whyNotTrusted(file);
  if (why === undefined) return loadRecipe(file, 'listed');
  return `Its recipe ${file} was not run: ${why}. If you trust it, --import ${file} runs it.`;
}

/** Runs what makes the layers of a model known: the file that was named, or the recipe of its run. */
function ownLayersFor(path: string, options: ImportArguments): OwnLayers {
  return async (kind, { shape, classes }) => {
    const config = await readConfig(runOf(path)).catch(() => undefined);
    const loaded = await recipeFor(config, options);
    if (typeof loaded === 'string') {
      throw new ModelError(`a layer is of the unknown kind '${kind}'`, { hint: loaded });
    }
    const { recipe } = config === undefined ? loaded : withSettingsOf(loaded, config);
    return recipe.layer({ classes: classes.length, shape, parameters: recipe.parameters ?? {} });
  };
}

/** Throws DataError where a finished run has measured other weights than its model's file has now. */
async function checkResult({ path, tensors }: ModelFile): Promise<void> {
  if (basename(path) !== runFiles.model) return;
  const result = await readResult(dirname(path)).catch(() => undefined);
  // a run that went on has a newer model beside an older result until it is measured
  if (result === undefined || !isFinal(result)) return;
  const found = await sha256(
    'model',
    ...[...tensors.values()].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
  if (found === result.weightsSha256) return;
  throw new DataError(
    `${path}: not the weights that its run has measured: their SHA-256 was ${result.weightsSha256} and is ${found}`,
  );
}

/**
 * Reads the model of a run folder or of a file, of Quern or of another format. Where it has layers of one's own, its recipe is run, if its user has trained
 * with it or names it.
 *
 * @throws DataError or ModelError naming the file and what is wrong with it
 */
export async function readModel(
  argument: string,
  options: ImportArguments & ForeignArguments = {},
): Promise<ModelFile> {
  const path = await modelPathOf(argument);
  const foreign = await readIfForeign(path, options);
  if (foreign !== undefined) return foreign;
  const file = await readModelFile(path, ownLayersFor(path, options));
  await checkResult(file);
  return file;
}
