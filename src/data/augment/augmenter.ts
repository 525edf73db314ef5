import { checkInteger, checkMembers, checkOptionNames } from '../../core/check.js';
import { QuernError, UsageError } from '../../core/errors.js';
import { randomKey } from '../../core/random.js';
import { type Dataset, imageSize } from '../dataset.js';
import { type Augmentation, checkAugmentation } from './augmentation.js';
import { Filler } from './filler.js';
import { canShare, startThread, type Thread } from './thread.js';

export interface AugmenterOptions {
  /** Threads that augment, beside this one; 0: this one does. Default 1. They begin with the first `fill`. */
  readonly workers?: number | undefined;
  /** Where dataWorker.js is, where a bundler has not put it beside the rest. */
  readonly workerUrl?: string | URL | undefined;
}

/** Makes augmented images of a dataset, for one training. */
export interface Augmenter {
  /** Threads that augment, beside this one: 0 where memory cannot be shared, whatever was asked for. */
  readonly workers: number;
  /**
   * Writes image `indices[i]`, as it is in this epoch, to the i-th place of `target`, `[indices.length, height, width,
   * channels]`. The bytes depend on the dataset, the augmentation, the seed, the epoch and the index alone. Leave both
   * arrays alone until it is done. It is fastest when `target` is shared memory.
   *
   * @param epoch a whole number from 0
   */
  fill(indices: Int32Array, epoch: number, target: Uint8Array): Promise<void>;
  /** Ends the workers. What is not filled by then never will be. */
  close(): Promise<void>;
}

const mostWorkers = 64;

const hint = 'With 0 workers the thread that trains augments itself.';

/** How long this thread augments before others get a turn, in milliseconds. */
const patience = 10;
/** Images between two looks at the clock. */
const sliceImages = 32;

function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}

const isShared = ({ buffer }: Uint8Array) =>
  typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer;

/** A copy that other threads see, or the array itself if they see it. */
function shared(bytes: Uint8Array): Uint8Array {
  if (isShared(bytes)) return bytes;
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

/** Checks the arguments of a fill before anything is done. */
function checkFill(dataset: Dataset, indices: Int32Array, epoch: number, target: Uint8Array): void {
  const { count } = dataset;
  const size = imageSize(dataset);
  checkInteger('augment: epoch', epoch, 0);
  if (target.length !== indices.length * size) {
    throw new UsageError(
      `augment: the target must hold ${indices.length} images of ${size} bytes: it has ${target.length} bytes`,
    );
  }
  for (const index of indices) {
    if (index >= 0 && index < count) continue;
    throw new UsageError(`augment: an index is outside the dataset: ${index} of ${count} images`);
  }
}

/** Augments on this thread, which others get in between. */
class OwnThread implements Augmenter {
  readonly workers = 0;
  private readonly filler: Filler;
  private closed = false;

  constructor(
    private readonly dataset: Dataset,
    augmentation: Augmentation,
    seed: number,
  ) {
    this.filler = new Filler(dataset.images, dataset.shape, augmentation, seed);
  }

  async fill(indices: Int32Array, epoch: number, target: Uint8Array): Promise<void> {
    checkFill(this.dataset, indices, epoch, target);
    let began = performance.now();
    for (let from = 0; from < indices.length; from += sliceImages) {
      if (performance.now() - began > patience) {
        await turn();
        began = performance.now();
      }
      if (this.closed) throw new QuernError('augment: the augmenter is closed');
      this.filler.fill(indices, epoch, target, [from, Math.min(from + sliceImages, indices.length)]);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

interface Job {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Augments on other threads: each takes a part of the images. */
class Workers implements Augmenter {
  readonly workers: number;
  private readonly script: string | URL | undefined;
  private threads: readonly Thread[] | undefined;
  private readonly jobs = new Map<number, Job>();
  private nextJob = 0;
  private dead: string | undefined;
  private readonly size: number;

  constructor(
    private readonly dataset: Dataset,
    private readonly augmentation: Augmentation,
    private readonly seed: number,
    { workers, workerUrl }: { readonly workers: number; readonly workerUrl: string | URL | undefined },
  ) {
    this.workers = workers;
    this.script = workerUrl;
    this.size = imageSize(dataset);
  }

  async fill(indices: Int32Array, epoch: number, target: Uint8Array): Promise<void> {
    checkFill(this.dataset, indices, epoch, target);
    const threads = this.start();
    const memory = isShared(target) ? target : new Uint8Array(new SharedArrayBuffer(target.length));
    const share = Math.ceil(indices.length / threads.length);
    await Promise.all(
      threads.map((thread, i) => {
        const part = indices.slice(i * share, (i + 1) * share);
        const start = i * share * this.size;
        return this.send(thread, part, epoch, memory.subarray(start, start + part.length * this.size));
      }),
    );
    if (memory !== target) target.set(memory);
  }

  async close(): Promise<void> {
    this.die('augment: the augmenter is closed');
    await Promise.all((this.threads ?? []).map((thread) => thread.terminate()));
  }

  private start(): readonly Thread[] {
    if (this.dead !== undefined) throw new QuernError(this.dead);
    if (this.threads !== undefined) return this.threads;
    const { dataset, augmentation, seed, workers } = this;
    const images = shared(dataset.images);
    const threads: Thread[] = [];
    this.threads = threads;
    for (let worker = 1; worker <= workers; worker++) {
      const died = (reason: string) => this.die(`augment: data worker ${worker} died: ${reason}\n  ${hint}`);
      try {
        const done = (job: number) => this.done(job);
        const thread = startThread(`quern data ${worker}`, this.script, { done, died });
        threads.push(thread);
        thread.send({ type: 'start', images, shape: dataset.shape, augmentation, seed });
      } catch (cause) {
        this.die(`augment: data worker ${worker} does not start: ${cause}\n  ${hint}`);
        throw new QuernError(this.dead!, { cause });
      }
    }
    return threads;
  }

  private send(thread: Thread, indices: Int32Array, epoch: number, target: Uint8Array): Promise<void> {
    if (indices.length === 0) return Promise.resolve();
    const job = this.nextJob++;
    return new Promise((resolve, reject) => {
      if (this.jobs.size === 0) this.keepAlive(true);
      this.jobs.set(job, { resolve, reject });
      thread.send({ type: 'fill', job, indices, epoch, target });
    });
  }

  private done(number: number): void {
    const job = this.jobs.get(number);
    // done after the end: to unref a worker that is being terminated would let the process go before it
    if (job === undefined) return;
    this.jobs.delete(number);
    if (this.jobs.size === 0) this.keepAlive(false);
    job.resolve();
  }

  private keepAlive(awaited: boolean): void {
    for (const thread of this.threads ?? []) thread.await(awaited);
  }

  private die(reason: string): void {
    if (this.dead !== undefined) return;
    this.dead = reason;
    for (const { reject } of this.jobs.values()) reject(new QuernError(reason));
    this.jobs.clear();
    for (const thread of this.threads ?? []) void thread.terminate();
  }
}

/**
 * Makes an augmenter of a dataset. It keeps a copy of the images where threads share it; close it when it is not needed
 * any more.
 *
 * @param seed a whole number from 0
 * @throws UsageError for an augmentation that is not well formed or does not suit the images, a seed that is none, or a
 *   number of workers outside 0 to 64
 */
export function createAugmenter(
  dataset: Dataset,
  augmentation: Augmentation,
  seed: number,
  options: AugmenterOptions = {},
): Augmenter {
  checkOptionNames('createAugmenter', options, { workers: true, workerUrl: true });
  const { workers = 1, workerUrl } = options;
  checkMembers('createAugmenter', 'a dataset', dataset, ['images', 'count', 'shape']);
  checkInteger('augment: workers', workers, 0, mostWorkers);
  checkAugmentation(augmentation, dataset.shape);
  randomKey(seed);
  if (workers === 0 || !canShare()) return new OwnThread(dataset, augmentation, seed);
  return new Workers(dataset, augmentation, seed, { workers, workerUrl });
}
