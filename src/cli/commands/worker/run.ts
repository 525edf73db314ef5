import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from '../../../core/errors.js';
import { percent } from '../../../core/format.js';
import { processors } from '../../../core/machine.js';
import { readDemands } from '../../../queue/demands.js';
import { openQueue } from '../../../queue/open.js';
import { startWorker } from '../../../queue/worker.js';
import {
  checkAddresses,
  conditionsHere,
  isQueueHere,
  queueAddress,
  storeAddress,
  type WorkerArguments,
  workerSettings,
} from '../../inputs/queue.js';
import { Interrupt } from '../../terminal/interrupt.js';
import { complain } from '../../terminal/output.js';
import { describeFile } from '../train/settings.js';

export interface WorkerCommandArguments extends WorkerArguments {
  readonly queue?: string | undefined;
  readonly store?: string | undefined;
  readonly jobs?: number | undefined;
  readonly recipes: readonly string[];
  readonly backend: 'wasm' | 'reference';
  readonly exitWhenIdle?: number | undefined;
}

/** Takes trainings until it is told to end. */
export async function runWorker(options: WorkerCommandArguments): Promise<void> {
  const queue = queueAddress(options.queue);
  if (queue === undefined || isQueueHere(options.queue)) {
    throw new UsageError('worker: where the queue is is missing', {
      hint: 'Give --queue redis://… or postgres://…, or set QUERN_QUEUE: a queue of one process has no other workers.',
    });
  }
  checkAddresses(options);
  const files = await Promise.all(options.recipes.map((path) => describeFile(resolve(path))));
  const recipes = new Map(files.map(({ path, sha256 }) => [sha256, path] as const));
  const conditions = await conditionsHere(options.backend);
  const say = (text: string) => complain(text);
  const told = new Set<string>();
  // what is wrong here is so for every training, and each is tried again
  const fault = (message: string) => {
    if (!told.has(message)) say(`quern: ${message}`);
    told.add(message);
  };
  const scratch = await mkdtemp(join(tmpdir(), 'quern-worker-'));
  const forget = () => rm(scratch, { recursive: true, force: true });
  const addresses = { queue, store: storeAddress(options.store), folder: scratch };
  const opened = await openQueue(addresses, fault).catch(async (error: unknown) => {
    await forget();
    throw error;
  });
  const interrupt = new Interrupt(() => say('ending: trainings are saved and given back'));
  let running = 0;
  let idleSince = performance.now();
  const threads = options.threads ?? 1;
  const jobs = options.jobs ?? Math.max(1, Math.floor(processors() / threads));
  const settings = { ...workerSettings(options, { jobs, conditions, recipes }), scratch };
  const worker = startWorker(opened.connection, opened.store, settings, {
    begun: (label) => {
      running++;
      say(`${label}: begun`);
    },
    ended: (label, _, { history, failure }) => {
      const accuracy = history.at(-1)?.validationAccuracy;
      const came = accuracy === undefined ? '' : `, validation ${percent(accuracy)}`;
      say(`${label}: ${failure === null ? `epoch ${history.length}${came}` : `failed: ${failure}`}`);
    },
    settled: () => {
      running--;
      idleSince = performance.now();
    },
    fault,
  });
  say(
    `takes ${jobs} at a time at ${opened.connection.shown}: Quern ${conditions.quern}, ${conditions.numerics}`,
  );
  const idle = () => (running === 0 ? (performance.now() - idleSince) / 1000 : 0);
  const demands = () => readDemands(opened.store, conditions).catch(() => []);
  try {
    for (let round = 0; !interrupt.signal.aborted; round++) {
      if (round % 30 === 0) for (const refusal of await demands()) fault(refusal);
      if (options.exitWhenIdle !== undefined && idle() > options.exitWhenIdle) break;
      await new Promise((done) => setTimeout(done, 1000));
    }
  } finally {
    await worker.close();
    await opened.close();
    await forget();
    interrupt.end();
  }
  if (interrupt.signal.aborted) process.exitCode = interrupt.exitCode;
}
