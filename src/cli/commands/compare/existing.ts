/** What lies in the folders of a comparison already. */
import { rm } from 'node:fs/promises';
import { differences } from '../../../core/differences.js';
import { UsageError } from '../../../core/errors.js';
import { findEntry, readManifest } from '../../../data/catalog/manifest.js';
import { type LoadedRecipe, recipeModel } from '../../../recipes/index.js';
import { type RunRecord, readRun } from '../../../runs/records.js';
import { chooseSettings, describeSettings } from '../train/settings.js';

/** A recipe with a seed, and the folder of its run. */
export interface SeedTraining {
  readonly loaded: LoadedRecipe;
  readonly seed: number;
  readonly folder: string;
}

export interface SeedOptions {
  readonly epochs?: number | undefined;
  readonly limit?: number | undefined;
  /** Train again where the recipe has changed. */
  readonly force: boolean;
}

/** The run in a folder; undefined where there is none. */
async function existingRun(folder: string): Promise<RunRecord | undefined> {
  return readRun(folder).catch((error) => {
    if (error instanceof UsageError) return undefined;
    throw error;
  });
}

/** The first setting in which a run differs from what its recipe says now. */
function changedSetting({ config }: RunRecord, { loaded, seed }: SeedTraining, options: SeedOptions) {
  const { epochs, limit } = options;
  const { dataset } = loaded.recipe;
  const settings = chooseSettings(loaded.recipe, { epochs, limit, seed });
  const { image: shape, classes } = findEntry(readManifest(), dataset);
  const model = recipeModel(loaded, { shape, classes }, seed);
  const now = describeSettings(loaded, settings, model, { dataset, limit });
  const [changed] = differences(config.settings, now);
  return changed?.path;
}

/**
 * Sees that what is there of a training was begun with the settings that its recipe has now.
 *
 * @returns the run in its folder; undefined where there is none
 * @throws UsageError naming what has changed, unless `force`, which removes the run
 */
export async function checkUnchanged(
  training: SeedTraining,
  options: SeedOptions,
): Promise<RunRecord | undefined> {
  const { folder } = training;
  const run = await existingRun(folder);
  const changed = run && changedSetting(run, training, options);
  if (changed === undefined) return run;
  if (!options.force) {
    throw new UsageError(
      `${folder}: it was trained with other settings than the recipe has now: ${changed}`,
      {
        hint: '--force trains it again, --out takes another folder.',
      },
    );
  }
  await rm(folder, { recursive: true });
  return undefined;
}
