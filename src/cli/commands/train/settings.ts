/** The settings of a training: the recipe's, and those of the command line instead. */

import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { boolean, integer, list, number, object, oneOf, text } from '../../../core/schema.js';
import { sha256 } from '../../../core/sha256.js';
import { backendNames } from '../../../engine/choose.js';
import { nativeOptions } from '../../../engine/options.js';
import type { Model } from '../../../nn/model.js';
import { describeLayer } from '../../../nn/registry.js';
import { fitOptionsOf } from '../../../recipes/fitOptions.js';
import type { LoadedRecipe } from '../../../recipes/index.js';
import type { Recipe } from '../../../recipes/recipe.js';
import { checkSettingValues, type SettingValues } from '../../../recipes/settings.js';
import type { RunConfig, RunSettings } from '../../../runs/config.js';
import type { FitOptions } from '../../../training/fit/options.js';
import type { BackendArguments, DataArguments, OwnDataArguments } from '../../inputs/options.js';
import { checkOwnData } from '../../inputs/ownData.js';
import type { LogArguments } from './logs.js';

/** Options that decide the bytes of a training. */
interface SettingArguments extends OwnDataArguments {
  readonly epochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly learningRate?: number | undefined;
  readonly optimizer?: string | undefined;
  readonly validation?: number | undefined;
  readonly validationByWriter?: boolean | undefined;
  readonly limit?: number | undefined;
  readonly from?: string | undefined;
  /** The scale of that model's input, where its file does not say. */
  readonly pixels?: string | undefined;
  /** Settings of the recipe that are others, by their names. */
  readonly set?: SettingValues | undefined;
  readonly seed: number;
}

export interface TrainArguments extends SettingArguments, BackendArguments, DataArguments, LogArguments {
  /** In seconds. */
  readonly timeLimit?: number | undefined;
  /** In seconds. */
  readonly checkpointEvery?: number | undefined;
  /** Measures the images that were trained on too. Default true. */
  readonly trainAccuracy?: boolean | undefined;
  /** A checkpoint of the same training, to go on from in a folder of its own. */
  readonly checkpoint?: string | undefined;
  /** Ends after this epoch, without a look at the test set. */
  readonly pauseAfter?: number | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** The options that make a training another than the recipe's own; the seed does not. */
export const overrides = [
  'epochs',
  'batchSize',
  'learningRate',
  'optimizer',
  'validation',
  'validationByWriter',
  'limit',
  'from',
  'data',
  'set',
] as const satisfies readonly (keyof SettingArguments)[];

/**
 * Fills in from the recipe what the command line does not say.
 *
 * @throws UsageError for what `fit` would refuse
 */
export function chooseSettings(recipe: Recipe, options: SettingArguments) {
  checkOwnData(options);
  return fitOptionsOf(recipe, options);
}

export type Settings = ReturnType<typeof chooseSettings>;

/** The same, where the data may have a part to validate with. */
export type FitSettings = Omit<Settings, 'validation' | 'validationBy'> &
  Pick<FitOptions, 'validation' | 'validationBy'>;

/** A file that a training depends on. */
export async function describeFile(path: string): Promise<{ path: string; sha256: string }> {
  return { path: resolve(path), sha256: await sha256(path, await readFile(path)) };
}

/** The recipe's own file, if it comes from one. */
export async function describeRecipeFile({ source }: LoadedRecipe): Promise<Pick<RunConfig, 'recipeFile'>> {
  return extname(source) === '' ? {} : { recipeFile: await describeFile(source) };
}

/** The settings as plain data. Two trainings with the same have the same bytes, on the same data and numerics. */
export function describeSettings(
  { recipe }: LoadedRecipe,
  settings: Settings,
  model: Model,
  { dataset, limit, from, imported }: Pick<RunSettings, 'dataset' | 'limit' | 'from' | 'imported'>,
): RunSettings {
  const { optimizer, schedule, ...others } = settings;
  const described: RunSettings = {
    ...others,
    dataset,
    architecture: describeLayer(model.layer),
    optimizer: { name: optimizer.name, learningRate: optimizer.learningRate, options: optimizer.options },
    schedule: schedule && { name: schedule.name, options: schedule.options },
    callbacks: recipe.makeCallbacks?.().map(({ name }) => name ?? 'unnamed'),
    limit,
    from,
    imported,
  };
  // As JSON has it, so that it can be compared with what was read: without what is undefined.
  return JSON.parse(JSON.stringify(described)) as RunSettings;
}

/** Checks the part of a run's configuration about the command line. Members that are not named here are kept. */
export const checkArguments = object<Partial<TrainArguments>>(
  {},
  {
    epochs: integer(1),
    batchSize: integer(1),
    learningRate: number(),
    optimizer: text(),
    validation: number(0, 1),
    validationByWriter: boolean,
    limit: integer(1),
    seed: integer(0),
    from: text(),
    pixels: text(),
    set: checkSettingValues,
    data: text(),
    imageShape: text(),
    storedShape: text(),
    label: text(),
    pixelRange: text(),
    invert: boolean,
    centerDigits: boolean,
    skipBad: boolean,
    dataDir: text(),
    offline: boolean,
    backend: oneOf(...backendNames),
    gpuMode: text(),
    threads: integer(1),
    native: oneOf(...nativeOptions),
    revectorize: boolean,
    tune: boolean,
    timeLimit: number(0),
    checkpointEvery: number(0),
    trainAccuracy: boolean,
    pauseAfter: integer(1),
    checkpoint: text(),
    log: list(text()),
    logWeights: boolean,
    json: boolean,
    quiet: boolean,
  },
  'keep',
);

/** Keeps the options that `--resume` needs, paths made independent of the current folder. */
export function describeArguments(options: TrainArguments): RunConfig['arguments'] {
  const { json, quiet, timeLimit, log, logWeights, pauseAfter, checkpoint, dataDir, data, from, ...kept } =
    options;
  return {
    ...kept,
    ...(dataDir !== undefined && { dataDir: resolve(dataDir) }),
    ...(data !== undefined && { data: resolve(data) }),
    ...(from !== undefined && { from: resolve(from) }),
  };
}
