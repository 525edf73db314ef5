/** Common parts of commands that hand trainings out or take them. */
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultCacheDirectory } from '../../core/files.js';
import { processors } from '../../core/machine.js';
import { openEngine } from '../../engine/engine.js';
import { parseServerAddress } from '../../queue/address.js';
import { Embedded } from '../../queue/embedded.js';
import { HandOut } from '../../queue/handOut.js';
import type { Preparation, TrainingJob } from '../../queue/job.js';
import { openQueue } from '../../queue/open.js';
import { checkStoreAddress, type Store } from '../../queue/store.js';
import { startWorker, type WorkerListener, type WorkerSettings } from '../../queue/worker.js';
import { recipeNames } from '../../recipes/table.js';
import { hashOf } from '../../recipes/trusted.js';
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
/** Tells if it is of this process, so that nobody else takes its jobs. */
export const isQueueHere = (given: string | undefined): boolean =>
  [undefined, 'pglite'].includes(queueAddress(given));

/** Throws UsageError, never with a password, for what is no address, before anything is done. */
export function checkAddresses(given: Pick<HandOutArguments, 'queue' | 'store'>): void {
  const [queue, store] = [queueAddress(given.queue), storeAddress(given.store)];
  if (queue !== undefined && !isQueueHere(given.queue)) parseServerAddress(queue, '--queue');
  if (store !== undefined) checkStoreAddress(store);
}

/** Does something with a queue: an address, or a server in this process, which may be started. */
export async function withQueue<T>(
  given: string | undefined,
  work: (queue: string | Embedded) => Promise<T>,
): Promise<T> {
  const address = queueAddress(given);
  if (address !== undefined && !isQueueHere(given)) return work(address);
  const server = new Embedded(defaultCacheDirectory());
  try {
    return await work(server);
  } finally {
    await server.close();
  }
}

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
  } & Pick<WorkerSettings, 'folderOf'>,
): WorkerSettings {
  const { threads = 1, memory = 8192, trainingTime = 86_400, lock = 60, dataDir, offline, data } = options;
  const { recipes, ...others } = own;
  return {
    ...others,
    command: [main],
    threads,
    scratch: join(tmpdir(), 'quern-worker'),
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
export function preparationOf(options: Preparation): Preparation | undefined {
  const { storedShape, label, pixelRange, invert, centerDigits, skipBad } = options;
  const told = Object.entries({ storedShape, label, pixelRange, invert, centerDigits, skipBad });
  const given = told.filter(([, value]) => value !== undefined && value !== false);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/** A worker may be at fault, and others are not; here there is no other. */
const attemptsElsewhere = 30;
const attemptsHere = 3;

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
 * @param own.queue of `withQueue`
 * @param own.folder where the store lies that no option names
 * @param own.folderOf where the runs of this machine stay
 * @param own.goOn whether a training that nobody could do is a result; else it is an error
 */
export async function openHandingOut(
  options: HandOutArguments,
  own: Pick<WorkerSettings, 'conditions'> & {
    readonly queue: string | Embedded;
    readonly folder: string;
    readonly folderOf: (job: TrainingJob) => string;
    readonly recipes: ReadonlyMap<string, string>;
    readonly goOn: boolean;
  },
  listener: WorkerListener,
): Promise<HandingOut> {
  const { threads = 1 } = options;
  const { queue, folder, goOn, ...taking } = own;
  const here = typeof queue === 'string' ? undefined : queue;
  const opened = await openQueue({ queue, store: storeAddress(options.store), folder }, listener.fault);
  const { connection, store, mark } = opened;
  const handOut = new HandOut(connection, store, mark, {
    attempts: here === undefined ? attemptsElsewhere : attemptsHere,
    goOn,
    listener,
  });
  const fitting = Math.max(1, Math.floor(processors() / threads));
  const jobs = options.jobs ?? (here === undefined ? 0 : fitting);
  const settings = workerSettings(options, { ...taking, jobs });
  const worker = jobs === 0 ? undefined : startWorker(connection, store, settings, listener);
  return {
    handOut,
    store,
    handedOutAt: worker === undefined ? connection.shown : undefined,
    async close() {
      if (here?.started === false) await here.close();
      await worker?.close();
      await handOut.close();
      await opened.close();
    },
  };
}
