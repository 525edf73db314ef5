/** What commands share that hand trainings out or take them. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine } from '../../engine/engine.js';
import type { WorkerSettings } from '../../queue/worker.js';
import { recipeNames } from '../../recipes/table.js';
import { describeSystem } from '../../runs/config.js';
import type { DataArguments } from './options.js';

export interface WorkerArguments extends DataArguments {
  readonly threads?: number | undefined;
  readonly memory?: number | undefined;
  readonly trainingTime?: number | undefined;
  readonly lock?: number | undefined;
  readonly data?: string | undefined;
}

/** The address of the queue: as given, or of the environment. */
export const queueAddress = (given: string | undefined): string | undefined =>
  given ?? (process.env.QUERN_QUEUE || undefined);
export const storeAddress = (given: string | undefined): string | undefined =>
  given ?? (process.env.QUERN_STORE || undefined);

/** What this machine computes with. */
export async function conditionsHere(backend: 'wasm' | 'reference'): Promise<WorkerSettings['conditions']> {
  const engine = await openEngine({ backend, ...(backend === 'wasm' && { threads: 1 }) });
  const { numerics } = engine.report;
  await engine.close();
  return { quern: describeSystem().versions.quern, numerics, backend };
}

const main = fileURLToPath(new URL('../main.js', import.meta.url));

/** How a worker trains, from the options of its command. */
export function workerSettings(
  options: WorkerArguments,
  own: Pick<WorkerSettings, 'jobs' | 'conditions' | 'recipes'> & { readonly folder?: string | undefined },
): WorkerSettings {
  const { threads = 1, memory = 8192, trainingTime = 86_400, lock = 60, dataDir, offline, data } = options;
  const { folder, ...others } = own;
  return {
    ...others,
    command: [main],
    threads,
    scratch: folder ?? join(tmpdir(), 'quern-worker'),
    keep: folder !== undefined,
    recipeNames,
    dataDir,
    offline,
    data,
    bounds: { memory, time: trainingTime },
    lockSeconds: lock,
    checkpointEvery: 30,
  };
}
