/** Hands jobs out and waits for what comes of them. The store knows what is done; the queue only what is to be done. */
import { randomUUID } from 'node:crypto';
import { BackendError } from '../core/errors.js';
import type { Connection, JobQueue } from './connection.js';
import { removeDemand, writeDemand } from './demands.js';
import { type JobResult, jobId, queueName, storeNames, type TrainingJob } from './job.js';
import type { Store } from './store.js';
import { readJobResult } from './worker.js';

/** A job with how urgent it is: 1 is the most. */
export interface Wanted {
  readonly job: Omit<TrainingJob, 'version' | 'store'>;
  readonly priority: number;
}

export interface HandOutOptions {
  /** How often a training may fail before it is given up: a worker may be at fault. */
  readonly attempts: number;
  /** Whether one that was given up is a result, so that the others go on; else it is an error. */
  readonly goOn: boolean;
}

export interface HandOutListener {
  fault(message: string): void;
}

const lookEvery = 250;
/** Milliseconds after which jobs that a queue has lost, such as a Redis that keeps nothing, are put there again. */
const renewEvery = 10_000;

const encode = (value: object) => new TextEncoder().encode(JSON.stringify(value));

/** The mark of a store, made by whoever comes first. */
export async function markStore(store: Store): Promise<string> {
  await store.create(storeNames.mark, encode({ mark: randomUUID() }));
  const bytes = await store.read(storeNames.mark);
  return (JSON.parse(new TextDecoder().decode(bytes)) as { mark: string }).mark;
}

const failureOf = (failure: string): JobResult => ({
  history: [],
  result: null,
  failure,
  processorSeconds: null,
  worker: 'none',
});

/** A queue takes no job whose name it has, and has it still where workers failed at it for a command that is no more. */
async function forgetFailure(queue: JobQueue, id: string): Promise<void> {
  const job = await queue.getJob(id);
  if (job !== undefined && (await job.isFailed())) await job.remove();
}

/** The reason is the message of an error of a worker, perhaps with a hint. */
function notTrained(label: string, reason: string): BackendError {
  const [sentence, hint] = reason.split('\n  ', 2);
  return new BackendError(
    `${label}: no worker could train it: ${sentence}`,
    hint === undefined ? {} : { hint },
  );
}

/** One command's jobs in a queue. */
export class HandOut {
  private readonly queues = new Map<string, Promise<JobQueue>>();
  /** Jobs that were asked for and have no result yet, by id. */
  private readonly open = new Map<string, Wanted>();
  /** Conditions on workers, by queue. */
  private readonly conditions = new Map<string, TrainingJob['training']>();
  /** The fault that was told last: a server that is away has the same at each look. */
  private told = '';
  private renewed = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly connection: Connection,
    private readonly store: Store,
    private readonly mark: string,
    private readonly given: HandOutOptions & { readonly listener: HandOutListener },
  ) {}

  /**
   * Asks for a job, unless it is asked for already.
   *
   * @returns its result where the store has one
   */
  async want(wanted: Wanted): Promise<JobResult | undefined> {
    const id = jobId(wanted.job);
    const known = await readJobResult(this.store, id);
    if (known !== undefined) return known;
    if (!this.open.has(id)) {
      this.open.set(id, wanted);
      // a queue that does not open is an error; one that is away gets the job when it is back
      const queue = await this.queueOf(wanted.job);
      const put = forgetFailure(queue, id).then(() => this.add(id, wanted));
      await put.catch((error: Error) => this.tell(error.message));
    }
    return undefined;
  }

  /**
   * Waits until a job that was asked for has a result.
   *
   * @returns those that have come, at least one, by their ids; none when the signal aborts
   * @throws BackendError for a job that no worker could do, unless it goes on without
   */
  async next(signal: AbortSignal): Promise<ReadonlyMap<string, JobResult>> {
    const found = new Map<string, JobResult>();
    while (found.size === 0 && !signal.aborted) {
      await this.collect(found);
      if (found.size > 0) break;
      await this.renew(found);
      await new Promise((resolve) => setTimeout(resolve, lookEvery));
    }
    return found;
  }

  /** Takes back what no worker has begun. Gives how many are left. */
  async withdraw(): Promise<number> {
    for (const [id, { job }] of [...this.open]) {
      const removed = await this.queueOf(job)
        .then((queue) => queue.remove(id))
        .catch(() => 0);
      if (removed === 1) this.open.delete(id);
    }
    return this.open.size;
  }

  /** Takes back what no worker has begun, and closes. */
  async close(): Promise<void> {
    await this.withdraw();
    for (const conditions of this.conditions.values())
      await removeDemand(this.store, conditions).catch(() => {});
    for (const queue of this.queues.values()) await queue.then((opened) => opened.close()).catch(() => {});
  }

  private queueOf({ training }: Pick<TrainingJob, 'training'>): Promise<JobQueue> {
    const name = queueName(training);
    const known = this.queues.get(name) ?? this.connection.openQueue(name);
    this.queues.set(name, known);
    this.conditions.set(name, training);
    return known;
  }

  private async add(id: string, { job, priority }: Wanted): Promise<void> {
    const data: TrainingJob = { version: 1, store: this.mark, ...job };
    const queue = await this.queueOf(job);
    await queue.add('train', data, {
      jobId: id,
      priority,
      attempts: this.given.attempts,
      backoff: { type: 'fixed', delay: 2000 },
      removeOnComplete: true,
    });
  }

  private async collect(found: Map<string, JobResult>): Promise<void> {
    try {
      const names = new Set(await this.store.list('results/'));
      this.told = '';
      for (const id of [...this.open.keys()]) {
        if (!names.has(storeNames.result(id))) continue;
        const result = await readJobResult(this.store, id);
        if (result === undefined) continue;
        this.open.delete(id);
        found.set(id, result);
      }
    } catch (error) {
      this.tell((error as Error).message);
    }
  }

  private tell(message: string): void {
    if (message !== this.told) this.given.listener.fault(message);
    this.told = message;
  }

  private async renew(found: Map<string, JobResult>): Promise<void> {
    if (performance.now() - this.renewed < renewEvery) return;
    this.renewed = performance.now();
    const givenUp: (readonly [id: string, label: string, reason: string])[] = [];
    try {
      // a server that keeps nothing has lost this as well
      await this.store.create(storeNames.mark, encode({ mark: this.mark }));
      for (const conditions of this.conditions.values()) await writeDemand(this.store, conditions);
      for (const [id, wanted] of this.open) {
        const queue = await this.queueOf(wanted.job);
        const job = await queue.getJob(id);
        if (job === undefined) await this.add(id, wanted);
        else if (await job.isFailed()) {
          await job.remove();
          givenUp.push([id, wanted.job.label, job.failedReason]);
        }
      }
    } catch (error) {
      this.tell((error as Error).message);
    }
    for (const [id, label, reason] of givenUp) {
      if (!this.given.goOn) throw notTrained(label, reason);
      this.open.delete(id);
      found.set(id, failureOf(reason));
    }
  }
}
