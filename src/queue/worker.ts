/** Takes trainings from a queue, runs each in a process of its own, and leaves what came of it in the store. */
import { mkdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { BackendError, DataError, UsageError } from '../core/errors.js';
import { codeOf, writeWhole } from '../core/files.js';
import { parseJson } from '../core/schema.js';
import { readConfig } from '../runs/config.js';
import { runFiles } from '../runs/files.js';
import { parseHistory } from '../runs/history.js';
import { holderOf, takeLock } from '../runs/lock.js';
import { readResult } from '../runs/result.js';
import { type Bounds, type ChildEnd, runChild } from './child.js';
import type { Connection, GivenJob } from './connection.js';
import {
  checkJob,
  checkJobResult,
  type JobResult,
  jobId,
  queueName,
  storeNames,
  type TrainingJob,
  trainingId,
} from './job.js';
import type { Store } from './store.js';
import { checkpointName, trainWords } from './words.js';

export interface WorkerSettings {
  /** The program that trains: what comes before `train` on its command line. */
  readonly command: readonly string[];
  /** Trainings at a time. */
  readonly jobs: number;
  /** Of each. */
  readonly threads: number;
  /** The conditions of this machine: only jobs of the same are taken. */
  readonly conditions: { readonly quern: string; readonly numerics: string; readonly backend: string };
  /** Where runs are while they are trained that do not stay. */
  readonly scratch: string;
  /** The folder of a run that stays; default: none does. */
  readonly folderOf?: ((job: TrainingJob) => string) | undefined;
  /** The recipe file of that SHA-256 that may be run here, which has it still. */
  readonly recipePath: (sha256: string) => Promise<string | undefined>;
  /** Names of the recipes that come with Quern. */
  readonly recipeNames: readonly string[];
  readonly dataDir?: string | undefined;
  readonly offline: boolean;
  /** Own images that may be trained on here. */
  readonly data?: string | undefined;
  readonly bounds: Bounds;
  /** Seconds after which the training of a worker that is gone is given to another: 60 or more. */
  readonly lockSeconds: number;
  /** Seconds between two checkpoints in the store, at least. */
  readonly checkpointEvery: number;
}

/** Receives a worker's news. */
export interface WorkerListener {
  /** A line of the stderr of a training. */
  said?(job: TrainingJob, line: string): void;
  begun(label: string, job: TrainingJob): void;
  ended(label: string, job: TrainingJob, result: JobResult): void;
  /** After each that was begun, whatever came of it. */
  settled?(): void;
  fault(message: string): void;
}

/** What a training says that fails with these settings wherever it runs. */
const ownFailure =
  /^fit: |^--validation |: its model cannot be made: |: there is no setting |^[\w.-]+: \w[\w.]* must be /;

const text = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const json = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

/** The result of a job, if somebody has it already. */
export async function readJobResult(store: Store, id: string): Promise<JobResult | undefined> {
  const name = storeNames.result(id);
  const bytes = await store.read(name);
  if (bytes === undefined) return undefined;
  return parseJson(new TextDecoder().decode(bytes), `${store.name}: ${name}`, checkJobResult);
}

/** How often machines may end a training because it takes too much there: others may have more. */
const exceedings = 3;

/** Milliseconds that a worker takes nothing after a failure: so others get the job. Twice as long after each that follows. */
const pauses = { first: 2000, longest: 60_000 };

/** Not to be tried again: the engine of jobs knows it by its name. */
const givenUp = (message: string) => Object.assign(new Error(message), { name: 'UnrecoverableError' });

interface Attempt {
  readonly signal: AbortSignal;
  /** How often workers have failed at the job before. */
  readonly earlier: number;
}

/** One training that a worker is at. */
class Task {
  readonly id: string;
  readonly training: string;
  readonly folder: string;
  private readonly stays: boolean;

  constructor(
    private readonly job: TrainingJob,
    private readonly store: Store,
    private readonly settings: WorkerSettings,
    private readonly attempt: Attempt,
  ) {
    this.id = jobId(job);
    this.training = trainingId(job.training);
    const { scratch, folderOf } = settings;
    this.stays = folderOf !== undefined;
    this.folder = folderOf?.(job) ?? join(scratch, `${this.training}-${process.pid}`);
  }

  /**
   * Takes the folder for this process: another that hands out the same may be at it, and is waited for.
   *
   * @returns what gives it back
   */
  async takeFolder(): Promise<() => Promise<void>> {
    if (!this.stays) return async () => {};
    const place = join(dirname(this.folder), `.${basename(this.folder)}`);
    await mkdir(place, { recursive: true });
    while (!this.attempt.signal.aborted) {
      const giveBack = await takeLock(place).catch((error: Error) => {
        if (error instanceof UsageError || codeOf(error.cause) === 'ENOENT') return undefined;
        throw error;
      });
      // its training may outlive a process that was killed by a moment
      if (giveBack !== undefined && (await holderOf(this.folder)) === undefined)
        return async () => {
          await giveBack();
          await rmdir(place).catch(() => {});
        };
      await giveBack?.();
      await new Promise((resolve) => setTimeout(resolve, 500));
      await mkdir(place, { recursive: true });
    }
    throw new BackendError('worker: ended before the training did');
  }

  /** @param recipe what is named on the command line of the training */
  async run(recipe: string, onLine: (line: string) => void): Promise<JobResult> {
    const { settings, folder } = this;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const checkpoint = await this.store.read(storeNames.checkpoint(this.training));
    if (checkpoint !== undefined) await writeWhole(join(folder, checkpointName), checkpoint);
    const uploads = this.uploadCheckpoints();
    try {
      const words = trainWords(this.job, { ...settings, recipe, folder, goOn: checkpoint !== undefined });
      const { command, bounds } = settings;
      const end = await runChild({ command, words, bounds, signal: this.attempt.signal, onLine });
      await uploads.end();
      if (this.attempt.signal.aborted) throw new BackendError('worker: ended before the training did');
      if (end.exceeded !== undefined) {
        // this process hands out to itself alone, where folders stay
        const last = this.stays || this.attempt.earlier + 1 >= exceedings;
        throw last ? givenUp(end.exceeded) : new BackendError(end.exceeded);
      }
      return await this.describe(end);
    } finally {
      await uploads.end();
      if (!this.stays) await rm(folder, { recursive: true, force: true });
    }
  }

  /** A name, or a file that this worker was told of. */
  async recipePath(): Promise<string> {
    const { name, sha256 } = this.job.training.recipe;
    const { recipePath, recipeNames } = this.settings;
    if (sha256 === undefined) {
      if (recipeNames.includes(name)) return name;
      throw new DataError(`worker: no recipe of this Quern is called ${name}`);
    }
    const path = await recipePath(sha256);
    if (path !== undefined) return path;
    throw new DataError(
      `worker: the file of the recipe ${name} is not one that this worker runs: SHA-256 ${sha256}`,
      {
        hint: 'Look at the file, then start the worker with --recipe FILE.',
      },
    );
  }

  /** Hands checkpoints on as they are written, so that another worker can go on from them. */
  private uploadCheckpoints(): { end(): Promise<void> } {
    const path = join(this.folder, runFiles.checkpoints, 'last.safetensors');
    let seen = 0;
    let running: Promise<void> = Promise.resolve();
    const upload = async (): Promise<void> => {
      const found = await stat(path).catch(() => undefined);
      if (found === undefined || found.mtimeMs === seen) return;
      const bytes = await readFile(path).catch(() => undefined);
      if (bytes === undefined) return;
      seen = found.mtimeMs;
      await this.store.write(storeNames.checkpoint(this.training), bytes);
    };
    const again = () => {
      running = running.then(upload).catch(() => {});
    };
    const timer = setInterval(again, 1000);
    let ended = false;
    return {
      end: async () => {
        if (ended) return;
        ended = true;
        clearInterval(timer);
        await running;
        await upload();
      },
    };
  }

  private async describe({ code, complaint, processorSeconds }: ChildEnd): Promise<JobResult> {
    await this.checkConditions();
    const path = join(this.folder, runFiles.history);
    const history = parseHistory(await readFile(path, 'utf8').catch(() => ''), path);
    const common = {
      history,
      processorSeconds: processorSeconds ?? null,
      worker: `${hostname()} ${process.pid}`,
    };
    const result = await readResult(this.folder).catch(() => undefined);
    if (result !== undefined && (code === 0 || result.targetMet === false)) {
      const { model, ...kept } = result;
      if (this.job.until === 0)
        await this.store.write(storeNames.model(this.training), await readFile(model));
      return { ...common, result: kept, failure: null };
    }
    if (ownFailure.test(complaint)) return { ...common, result: null, failure: complaint.slice(0, 500) };
    throw new BackendError(`training: ${complaint || `it ended with exit code ${code}`}`.slice(0, 500));
  }

  /** Sees that it was trained with what the job says. */
  private async checkConditions(): Promise<void> {
    const config = await readConfig(this.folder);
    if (config === undefined) return;
    const { train, test, numerics, recipe } = this.job.training;
    if (config.recipeFile?.sha256 !== recipe.sha256)
      throw new DataError(
        `worker: the file of the recipe ${recipe.name} has changed while it was trained with`,
      );
    if (config.data.train.sha256 !== train || config.data.test.sha256 !== test)
      throw new DataError(
        `worker: the images here are others than the job's: SHA-256 ${config.data.train.sha256}`,
        {
          hint: this.job.training.ownData
            ? 'Start the worker with --data and the same images.'
            : 'Is --data-dir right?',
        },
      );
    if (config.numerics !== numerics)
      throw new DataError(`worker: other arithmetic than the job's: ${config.numerics}, not ${numerics}`);
  }
}

/** Does one job, unless its result is there. */
async function perform(
  data: unknown,
  store: Store,
  settings: WorkerSettings,
  { listener, ...attempt }: Attempt & { readonly listener: WorkerListener },
): Promise<void> {
  const job = checkJob(data, 'job');
  const id = jobId(job);
  if ((await readJobResult(store, id)) !== undefined) return;
  await checkMark(store, job);
  const task = new Task(job, store, settings, attempt);
  const recipe = await task.recipePath();
  const giveBack = await task.takeFolder();
  try {
    if ((await readJobResult(store, id)) !== undefined) return;
    listener.begun(job.label, job);
    const said = (line: string) => listener.said?.(job, line);
    const result = await task.run(recipe, said).finally(() => listener.settled?.());
    await store.create(storeNames.result(id), text(result));
    if (job.until === 0) await store.remove(storeNames.checkpoint(trainingId(job.training)));
    listener.ended(job.label, job, result);
  } finally {
    await giveBack();
  }
}

/** A worker with another store would give its results to nobody. */
async function checkMark(store: Store, job: TrainingJob): Promise<void> {
  const bytes = await store.read(storeNames.mark);
  const mark = bytes === undefined ? undefined : (json(bytes) as { mark?: unknown }).mark;
  if (mark === job.store) return;
  throw new DataError(`worker: its store is another than that of the sweep: ${store.name}`, {
    hint: 'Give both the same --store.',
  });
}

interface RunningWorker {
  /** Ends the trainings at their next step and gives them back. */
  close(): Promise<void>;
}

/** Starts to take jobs. */
export function startWorker(
  connection: Connection,
  store: Store,
  settings: WorkerSettings,
  listener: WorkerListener,
): RunningWorker {
  const ending = new AbortController();
  const { signal } = ending;
  let failures = 0;
  const pause = async () => {
    const { first, longest } = pauses;
    const opened = await worker;
    await opened.pause(true);
    setTimeout(() => signal.aborted || opened.resume(), Math.min(longest, first * 2 ** failures++)).unref();
  };
  const work = async ({ data, attemptsMade: earlier }: GivenJob): Promise<void> => {
    try {
      await perform(data, store, settings, { listener, signal, earlier });
      failures = 0;
    } catch (error) {
      if (!signal.aborted) {
        listener.fault((error as Error).message);
        // this machine may be at fault; where folders stay there is no other
        if (settings.folderOf === undefined) await pause();
      }
      throw error;
    }
  };
  const worker = connection.openWorker(queueName(settings.conditions), work, {
    concurrency: settings.jobs,
    lockDuration: settings.lockSeconds * 1000,
    stalledInterval: settings.lockSeconds * 500,
    // A worker may die as often as it likes: its trainings go on.
    maxStalledCount: 1_000_000,
    removeOnComplete: { count: 0 },
    drainDelay: 2,
  });
  // a queue that does not open is told to who hands out
  const closed = () => worker.then((opened) => opened.close()).catch(() => {});
  worker.catch(() => {});
  return {
    async close() {
      ending.abort();
      await Promise.race([closed(), new Promise((resolve) => setTimeout(resolve, 15_000).unref())]);
    },
  };
}
