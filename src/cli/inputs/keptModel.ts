/** The models of trainings that were handed out. */
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { exists, makeFolder, writeWhole } from '../../core/files.js';
import { storeNames, type TrainingDescription, trainingId } from '../../queue/job.js';
import type { Store } from '../../queue/store.js';
import { readResult } from '../../runs/result.js';

/**
 * The model of a training that is done: in the folder of its run, where that has the same weights; else it is fetched from the
 * store into `models`.
 *
 * @param out the folder of the sweep or the comparison
 * @throws DataError when it is in neither
 */
export async function keepModel(
  wanted: { readonly training: TrainingDescription; readonly label: string; readonly folder: string },
  weightsSha256: string,
  store: Store,
  out: string,
): Promise<string> {
  const { training, label, folder } = wanted;
  const own = await readResult(folder).catch(() => undefined);
  if (own?.weightsSha256 === weightsSha256 && (await exists(own.model))) return own.model;
  const bytes = await store.read(storeNames.model(trainingId(training)));
  if (bytes === undefined) throw new DataError(`${label}: its model is not in the store: ${store.name}`);
  const models = join(out, 'models');
  await makeFolder(models);
  const model = join(models, `${label}.safetensors`);
  await writeWhole(model, bytes);
  return model;
}
