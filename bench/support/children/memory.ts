/**
 * What a training takes of memory: does what `quern train` does, but stops after some seconds of training, and prints
 * the peak in bytes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseSettings } from '../../../src/cli/commands/train/settings.js';
import { loadDataset } from '../../../src/data/catalog/datasets.js';
import { openEngine } from '../../../src/engine/engine.js';
import { loadRecipe, recipeModel } from '../../../src/recipes/index.js';
import { saveModel } from '../../../src/training/files/savedModel.js';
import { fit } from '../../../src/training/fit/fit.js';
import { randomDataset } from '../seedModels.js';

export interface MemoryUse {
  /** Resident bytes with the program loaded, and with the dataset too. */
  readonly program: number;
  readonly data: number;
  /** The most that was ever resident: training, evaluation and saving included. */
  readonly peak: number;
  /** The dataset; 'random' where neither it nor MNIST is on this machine. All are of one size. */
  readonly source: string;
  readonly steps: number;
}

async function openData(name: string): Promise<Awaited<ReturnType<typeof loadDataset>>> {
  for (const one of [name, 'mnist']) {
    const found = await loadDataset(one, { offline: true }).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return { train: randomDataset(60_000), test: { ...randomDataset(10_000), split: 'test' } };
}

const [recipeName, threads, seconds] = process.argv.slice(2);
const loaded = await loadRecipe(recipeName!);
const { recipe } = loaded;
const program = process.memoryUsage.rss();
const { train, test } = await openData(recipe.dataset);
const data = process.memoryUsage.rss();
await using engine = await openEngine({ threads: Number(threads) });
const run = await fit(engine, recipeModel(loaded, train, 0), train, {
  ...chooseSettings(recipe, { seed: 0 }),
  signal: AbortSignal.timeout(Number(seconds) * 1000),
});
await run.evaluate(test);
const folder = await mkdtemp(join(tmpdir(), 'quern-bench-'));
await saveModel(run, join(folder, 'model.safetensors'));
await rm(folder, { recursive: true });
const use: MemoryUse = {
  program,
  data,
  peak: process.resourceUsage().maxRSS * 1024,
  source: train.name,
  steps: run.steps,
};
process.stdout.write(`${JSON.stringify(use)}\n`);
