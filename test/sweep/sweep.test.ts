import * as assert from 'uvu/assert';
import type { JobResult, TrainingDescription } from '../../src/queue/job.js';
import { jobId } from '../../src/queue/job.js';
import type { SweepDescription } from '../../src/sweep/record.js';
import { runSweep } from '../../src/sweep/sweep.js';
import { suite } from '../support/suite.js';

const validation = [0.5, 0.7, 0.9];

const training = (words: object) => words as unknown as TrainingDescription;

const threeTrials = {
  description: { recipe: 'own', spaces: { units: '4,8,16' }, rungs: [1] } as unknown as SweepDescription,
  spaces: {},
  trials: [{ units: 4 }, { units: 8 }, { units: 16 }],
  rule: { eta: 4, images: 1000 },
  seeds: [1],
  trialOf: (values: object) => training(values),
  finalOf: (values: object, seed: number) => training({ ...values, seed }),
};

/** Three trials, all trained to the end; each takes `seconds`, one after another. */
async function sweep(seconds: number, time?: number) {
  const plan = threeTrials;
  const wanted: { training: TrainingDescription; until: number }[] = [];
  const resultOf = (job: TrainingDescription): JobResult => {
    const at = plan.trials.findIndex(({ units }) => units === (job as unknown as { units: number }).units);
    const history = [{ validationAccuracy: validation[at], validationLoss: 1 }];
    const result = { testAccuracy: 0.8, weightsSha256: 'a' };
    return { history, result, failure: null, processorSeconds: 1, worker: 'here' } as unknown as JobResult;
  };
  const jobs = {
    want: async ({ job }: { job: { training: TrainingDescription; until: number } }) => {
      wanted.push(job);
      return undefined;
    },
    next: async () => {
      const job = wanted.shift();
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      return new Map(job === undefined ? [] : [[jobId(job), resultOf(job.training)] as const]);
    },
    withdraw: async () => {
      wanted.length = 0;
      return 0;
    },
  };
  const signal = new AbortController().signal;
  const keepModel = async ({ label }: { label: string }, weights: string) => `${label} of ${weights}`;
  return runSweep(plan, jobs, { signal, time, begun: '', keepModel, onChange: () => {} });
}

suite('a sweep', (test) => {
  test('leaves no timer behind where a job is given up', async () => {
    const { setInterval: set, clearInterval: clear } = globalThis;
    const running = new Set<unknown>();
    globalThis.setInterval = ((...given: Parameters<typeof set>) => {
      const timer = set(...given);
      running.add(timer);
      return timer;
    }) as typeof set;
    globalThis.clearInterval = (timer) => {
      running.delete(timer);
      clear(timer);
    };
    const jobs = {
      want: async () => undefined,
      next: () => Promise.reject(new Error('given up')),
      withdraw: async () => 0,
    };
    const error = await runSweep(threeTrials, jobs, {
      ...{ signal: new AbortController().signal, begun: '', onChange: () => {}, keepModel: async () => null },
    }).catch((each: Error) => each);
    Object.assign(globalThis, { setInterval: set, clearInterval: clear });
    assert.is((error as Error).message, 'given up');
    for (const timer of running) clear(timer as NodeJS.Timeout);
    assert.is(running.size, 0);
  });

  test('takes the best of all trials, and says that none is left', async () => {
    const record = await sweep(0);
    assert.is(record.winner, 2);
    assert.is(record.timeIsUp, false);
    assert.equal(
      record.seeds.map(({ model }) => model),
      ['winner-001 of a'],
    );
    assert.equal(
      record.trials.map(({ state }) => state),
      ['finished', 'finished', 'finished'],
    );
  });

  test('measures the best so far where its time is up, and says that it was', async () => {
    const record = await sweep(0.1, 0.05);
    assert.is(record.state, 'finished');
    assert.is(record.timeIsUp, true);
    assert.is(record.winner, 0);
    assert.equal(
      record.trials.map(({ state }) => state),
      ['finished', 'waiting', 'waiting'],
    );
    assert.is(record.testAccuracy?.mean, 0.8);
  });
});
