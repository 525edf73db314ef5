/** Common parts of commands that hand trainings out or take them. */
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processors } from '../../core/machine.js';
import { openEngine } from '../../engine/engine.js';
import { HandOut } from '../../queue/handOut.js';
import type { Preparation } from '../../queue/job.js';
import { openQueue } from '../../queue/open.js';
import type { Store } from '../../queue/store.js';
import { startWorker, type WorkerListener, type WorkerSettings } from '../../queue/worker.js';
import { recipeNames } from '../../recipes/table.js';
import { hashOf } from '../../recipes/trusted.js';
import { describeSystem } from '../../runs/config.js';
import type { DataArguments, PreparationArguments } from './options.js';

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

/** Finds the backend, SIMD level and numerics of this machine. */
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
  own: Pick<WorkerSettings, 'jobs' | 'conditions'> & {
    /** Recipe files by the SHA-256 that they had when they were named. */
    readonly recipes: ReadonlyMap<string, string>;
    readonly folder?: string | undefined;
  },
): WorkerSettings {
  const { threads = 1, memory = 8192, trainingTime = 86_400, lock = 60, dataDir, offline, data } = options;
  const { folder, recipes, ...others } = own;
  return {
    ...others,
    command: [main],
    threads,
    scratch: folder ?? join(tmpdir(), 'quern-worker'),
    keep: folder !== undefined,
    recipeNames,
    recipePath: async (hash) => {
      const named = recipes.get(hash);
      const bytes = named === undefined ? undefined : await readFile(named).catch(() => undefined);
      return bytes !== undefined && (await hashOf(bytes)) === hash ? named : undefined;
    },
    dataDir,
    offline,
    data,
    bounds: { memory, time: trainingTime },
    lockSeconds: lock,
    checkpointEvery: 30,
  };
}

/** What is told about images of one's own, as a job carries it. */
export function preparationOf(options: PreparationArguments): Preparation | undefined {
  const { storedShape, label, pixelRange, invert, centerDigits, skipBad } = options;
  const told = Object.entries({ storedShape, label, pixelRange, invert, centerDigits, skipBad });
  const given = told.filter(([, value]) => value !== undefined && value !== false);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/** What is said of a queue on the command line of who hands trainings out. */
export interface HandOutArguments extends WorkerArguments {
  readonly queue?: string | undefined;
  readonly store?: string | undefined;
  /** Trainings at a time on this machine. Default: the processors; with a queue that others reach none. */
  readonly jobs?: number | undefined;
  readonly quiet: boolean;
}

interface HandingOut {
  readonly handOut: HandOut;
  readonly store: Store;
  /** Where the queue is, without its password; undefined where this process trains. */
  readonly handedOutAt: string | undefined;
  close(): Promise<void>;
}

/**
 * Opens a queue to hand trainings out by, and takes them here too as far as that is wanted.
 *
 * @param own.folder where the store lies that no option names
 * @param own.runs where the runs of this machine stay
 */
export async function openHandingOut(
  options: HandOutArguments,
  own: Pick<WorkerSettings, 'conditions'> & {
    readonly folder: string;
    readonly runs: string;
    readonly recipes: ReadonlyMap<string, string>;
  },
  listener: WorkerListener,
): Promise<HandingOut> {
  const { threads = 1 } = options;
  const { folder, runs, ...taking } = own;
  const queue = queueAddress(options.queue);
  const opened = await openQueue({ queue, store: storeAddress(options.store), folder }, listener.fault);
  const { connection, store, mark, embedded } = opened;
  const handOut = new HandOut(connection, store, mark, listener);
  const fitting = Math.max(1, Math.floor(processors() / threads));
  const jobs = options.jobs ?? (embedded ? fitting : 0);
  const settings = workerSettings(options, { ...taking, jobs, folder: runs });
  const worker = jobs === 0 ? undefined : startWorker(connection, store, settings, listener);
  return {
    handOut,
    store,
    handedOutAt: worker === undefined ? connection.shown : undefined,
    async close() {
      await worker?.close();
      await handOut.close();
      await opened.close();
    },
  };
}
