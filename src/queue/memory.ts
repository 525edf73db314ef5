/** A queue in this process, for a machine that works alone: what it holds is gone with the process, for the store knows what is done. */
import type {
  Connection,
  GivenJob,
  JobOptions,
  JobQueue,
  JobWorker,
  QueuedJob,
  WorkerOptions,
} from './connection.js';

interface Entry extends GivenJob {
  readonly id: string;
  readonly options: JobOptions;
  /** In the order in which they were added. */
  readonly number: number;
  attempts: number;
  state: 'waiting' | 'active' | 'failed';
  failedReason: string;
}

class MemoryQueue implements JobQueue {
  readonly entries = new Map<string, Entry>();
  private added = 0;
  private readonly listeners = new Set<() => void>();

  async add(_name: string, data: unknown, options: JobOptions): Promise<void> {
    const { jobId: id } = options;
    if (this.entries.has(id)) return;
    const entry: Entry = {
      id,
      data,
      options,
      number: this.added++,
      attempts: 0,
      state: 'waiting',
      failedReason: '',
    };
    this.entries.set(id, entry);
    this.changed();
  }

  async getJob(id: string): Promise<QueuedJob | undefined> {
    const entry = this.entries.get(id);
    return (
      entry && {
        failedReason: entry.failedReason,
        isFailed: async () => entry.state === 'failed',
        remove: async () => {
          this.entries.delete(id);
        },
      }
    );
  }

  async remove(id: string): Promise<number> {
    const entry = this.entries.get(id);
    if (entry === undefined || entry.state === 'active') return 0;
    return this.entries.delete(id) ? 1 : 0;
  }

  async close(): Promise<void> {}

  /** The most urgent that waits, then the oldest. */
  take(): Entry | undefined {
    const waiting = [...this.entries.values()].filter(({ state }) => state === 'waiting');
    const [first] = waiting.sort((a, b) => a.options.priority - b.options.priority || a.number - b.number);
    if (first !== undefined) first.state = 'active';
    return first;
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.listeners) listener();
  }
}

class MemoryWorker implements JobWorker {
  private readonly running = new Set<Promise<void>>();
  private ended = false;
  private readonly forget: () => void;

  constructor(
    private readonly queue: MemoryQueue,
    private readonly work: (job: GivenJob) => Promise<unknown>,
    private readonly concurrency: number,
  ) {
    this.forget = queue.onChange(() => this.pump());
    this.pump();
  }

  async close(): Promise<void> {
    this.ended = true;
    this.forget();
    await Promise.all(this.running);
  }

  private pump(): void {
    while (!this.ended && this.running.size < this.concurrency) {
      const entry = this.queue.take();
      if (entry === undefined) return;
      const done = this.perform(entry).finally(() => {
        this.running.delete(done);
        this.pump();
      });
      this.running.add(done);
    }
  }

  /** As BullMQ has it: a job that fails is tried again after a while, up to so many times. */
  private async perform(entry: Entry): Promise<void> {
    try {
      await this.work(entry);
      this.queue.entries.delete(entry.id);
    } catch (error) {
      const { name, message } = error as Error;
      entry.attempts++;
      const last = name === 'UnrecoverableError' || entry.attempts >= entry.options.attempts;
      if (this.ended) entry.state = 'waiting';
      else if (last) Object.assign(entry, { state: 'failed', failedReason: message });
      else
        setTimeout(() => {
          entry.state = 'waiting';
          this.queue.changed();
        }, entry.options.backoff.delay).unref();
    }
  }
}

/** A queue that nobody else sees. */
export function openMemory(): Connection {
  const queues = new Map<string, MemoryQueue>();
  const queueOf = (name: string) => {
    const queue = queues.get(name) ?? new MemoryQueue();
    queues.set(name, queue);
    return queue;
  };
  return {
    shown: 'this process',
    openQueue: queueOf,
    openWorker: (name, work, { concurrency }: WorkerOptions) =>
      new MemoryWorker(queueOf(name), work, concurrency),
  };
}
