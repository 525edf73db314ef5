import { BackendError, reasonOf } from '../../../core/errors.js';
import { machineKey, processors } from '../../../core/machine.js';
import { findEntry, readManifest } from '../../../data/catalog/manifest.js';
import {
  allCandidates,
  type Candidate,
  type Diagnosis,
  diagnose,
  measuredBackends,
} from '../../../doctor/diagnose.js';
import { workOf } from '../../../doctor/work.js';
import { backendTitle, chooseBackend } from '../../../engine/auto.js';
import { type Measurements, writeMeasurements } from '../../../engine/measurements.js';
import { loadRecipe, recipeModel, recipeNames } from '../../../recipes/index.js';
import { measurementsFile } from '../../inputs/openers.js';
import { print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { chooseSettings } from '../train/settings.js';
import { type DoctorReport, doctorText } from './text.js';

/** Finds the backend that auto takes for a training of each recipe that comes with Quern. */
async function choices(measurements: Measurements): Promise<DoctorReport['auto']> {
  const manifest = readManifest();
  const all: DoctorReport['auto'][number][] = [];
  for (const name of recipeNames) {
    const loaded = await loadRecipe(name);
    const { image: shape, classes } = findEntry(manifest, loaded.recipe.dataset);
    const model = recipeModel(loaded, { shape, classes }, 0);
    const choice = chooseBackend({ measurements }, () =>
      workOf(model, chooseSettings(loaded.recipe, { seed: 0 })),
    );
    all.push({ recipe: name, ...choice });
  }
  return all;
}

/** Keeps what was measured, for auto. */
async function keep(measurements: Measurements): Promise<DoctorReport['kept']> {
  const file = measurementsFile();
  try {
    await writeMeasurements(file, measurements);
    return { file };
  } catch (error) {
    return { file, failure: `${file}: ${reasonOf(error)}` };
  }
}

export interface DoctorArguments {
  readonly json: boolean;
}

/**
 * Checks and measures every backend, and keeps the measurements.
 *
 * @param candidates default: all there are
 * @throws BackendError, once everything is printed, where a backend opens and does not compute what it should
 */
export async function runDoctor({ json }: DoctorArguments, candidates?: readonly Candidate[]): Promise<void> {
  const progress = await Progress.open(json);
  const asked = candidates ?? (await allCandidates());
  const backends: Diagnosis[] = [];
  try {
    for (const [i, candidate] of asked.entries()) {
      progress.show('doctor', i, asked.length, backendTitle(candidate));
      backends.push(await diagnose(candidate));
    }
  } finally {
    progress.clear();
  }
  const measurements = { backends: measuredBackends(backends) };
  const { quern, processor, node } = await machineKey();
  const report: DoctorReport = {
    versions: { quern, node },
    processor,
    processors: processors(),
    sharedMemory: typeof SharedArrayBuffer !== 'undefined',
    backends,
    auto: await choices(measurements),
    kept: await keep(measurements),
  };
  print(json ? JSON.stringify(report) : doctorText(report));
  const wrong = backends.filter(({ state }) => state === 'wrong');
  if (wrong.length === 0) return;
  const all = wrong.map((each) => `${backendTitle(each)}: ${each.reason}`).join('; ');
  throw new BackendError(`doctor: not to be used here: ${all}`);
}
