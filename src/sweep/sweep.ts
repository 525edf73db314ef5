/** Runs a sweep: hands trials out, decides who goes on, trains the winner with several seeds. */
import type { JobResult, TrainingDescription } from '../queue/job.js';
import { jobId } from '../queue/job.js';
import { summarizeSample } from '../runs/statistics.js';
import { failed, isBetter, planTrials, type Rule, type Score, type Step } from './halving.js';
import { importanceOf } from './importance.js';
import type { SweepDescription, SweepRecord, TrialRecord, WinnerRecord } from './record.js';
import type { Spaces, Values } from './space.js';

/** Where trainings are done: a queue. */
interface Jobs {
  want(wanted: {
    readonly job: { readonly label: string; readonly training: TrainingDescription; readonly until: number };
    readonly priority: number;
  }): Promise<JobResult | undefined>;
  next(signal: AbortSignal): Promise<ReadonlyMap<string, JobResult>>;
  /** Takes back what nobody has begun. Gives how many are left. */
  withdraw(): Promise<number>;
}

export interface SweepPlan {
  readonly description: SweepDescription;
  readonly spaces: Spaces;
  readonly trials: readonly Values[];
  readonly rule: Rule;
  /** Of the winner's trainings. */
  readonly seeds: readonly number[];
  /** A trial, which holds images out. */
  trialOf(values: Values): TrainingDescription;
  /** A training of the winner, on what the recipe trains on. */
  finalOf(values: Values, seed: number): TrainingDescription;
}

interface WinnerJob {
  readonly label: string;
  readonly training: TrainingDescription;
}

interface SweepOptions {
  readonly signal: AbortSignal;
  /** Seconds after which nothing new is begun, before the winner's trainings. */
  readonly time?: number | undefined;
  readonly onChange: (record: SweepRecord) => void | Promise<void>;
  /** Keeps the model of a training of the winner. Gives its path; null where it cannot be had. */
  readonly keepModel: (job: WinnerJob, weightsSha256: string) => Promise<string | null>;
  readonly begun: string;
}

/** @param own results by rung */
function trialRecord(
  { description: { rungs }, trials }: SweepPlan,
  trial: number,
  own: ReadonlyMap<number, JobResult> = new Map(),
): TrialRecord {
  const rung = Math.max(-1, ...own.keys());
  const last = own.get(rung);
  const history = last?.history ?? [];
  const failure = last?.failure ?? null;
  const done = rung === rungs.length - 1;
  return {
    trial,
    values: trials[trial]!,
    state: last === undefined ? 'waiting' : failure !== null ? 'failed' : done ? 'finished' : 'paused',
    epochs: history.length,
    validationAccuracy: history.at(-1)?.validationAccuracy ?? null,
    validationLoss: history.at(-1)?.validationLoss ?? null,
    history,
    failure,
    weightsSha256: last?.result?.weightsSha256 ?? null,
    processorSeconds: [...own.values()].reduce((sum, each) => sum + (each.processorSeconds ?? 0), 0),
  };
}

/** A sweep of which nothing is trained yet. */
export function firstRecord(plan: SweepPlan, begun: string): SweepRecord {
  return {
    version: 1,
    description: plan.description,
    state: 'running',
    timeIsUp: false,
    trials: plan.trials.map((_, trial) => trialRecord(plan, trial)),
    winner: null,
    seeds: [],
    testAccuracy: null,
    importance: [],
    progress: [],
    begun,
    written: new Date().toISOString(),
  };
}

const three = (trial: number) => String(trial).padStart(3, '0');

class Sweep {
  /** Results by trial, then by rung. */
  private readonly known = new Map<number, Map<number, JobResult>>();
  private readonly steps = new Map<string, Step>();
  private readonly final = new Map<number, JobResult & { readonly model: string | null }>();
  private readonly progress: { processorSeconds: number; best: number }[] = [];
  private winner: number | null = null;
  private late = false;

  constructor(
    private readonly plan: SweepPlan,
    private readonly jobs: Jobs,
    private readonly options: SweepOptions,
  ) {}

  async run(): Promise<SweepRecord> {
    const { signal, time, onChange } = this.options;
    const timer =
      time === undefined
        ? undefined
        : setTimeout(() => {
            this.late = true;
          }, time * 1000);
    try {
      while (!signal.aborted && (await this.step()));
      this.winner = this.best()?.trial ?? null;
      if (this.winner !== null && !signal.aborted) await this.trainWinner(this.winner);
    } finally {
      clearTimeout(timer);
    }
    const record = this.record(signal.aborted ? 'interrupted' : 'finished');
    await onChange(record);
    return record;
  }

  /** Asks for what may be trained now and waits for a result; false when there is nothing left. */
  private async step(): Promise<boolean> {
    const { description, trials } = this.plan;
    const { rungs } = description;
    if (this.late) return this.finishLate();
    const open = this.open();
    if (open.length === 0) return false;
    let found = false;
    for (const step of open) {
      const id = this.idOf(step);
      if (this.steps.has(id)) continue;
      this.steps.set(id, step);
      const result = await this.jobs.want({
        job: {
          label: `trial-${three(step.trial)}`,
          training: this.plan.trialOf(trials[step.trial]!),
          until: rungs[step.rung]!,
        },
        // who was trained longer goes first, among equals the smaller number
        priority: 1 + (rungs.length - 1 - step.rung) * 10_000 + step.trial,
      });
      if (result === undefined) continue;
      this.take(step, result);
      found = true;
    }
    return found || this.wait();
  }

  /** What may be trained now, and has not been. */
  private open(): readonly Step[] {
    const { description, trials, rule } = this.plan;
    return planTrials(trials.length, description.rungs, rule, (trial, rung) => this.scoreOf(trial, rung))
      .open;
  }

  private async wait(): Promise<boolean> {
    const late = new AbortController();
    const check = setInterval(() => this.late && late.abort(), 200);
    const results = await this.jobs
      .next(AbortSignal.any([this.options.signal, late.signal]))
      .finally(() => clearInterval(check));
    for (const [id, result] of results) {
      const step = this.steps.get(id);
      if (step !== undefined) this.take(step, result);
    }
    await this.options.onChange(this.record('running'));
    return true;
  }

  /** Time is up: what has begun is waited for. */
  private async finishLate(): Promise<boolean> {
    if ((await this.jobs.withdraw()) === 0) return false;
    const results = await this.jobs.next(this.options.signal);
    for (const [id, result] of results) {
      const step = this.steps.get(id);
      if (step !== undefined) this.take(step, result);
    }
    await this.options.onChange(this.record('running'));
    return true;
  }

  private async trainWinner(trial: number): Promise<void> {
    const { seeds, trials } = this.plan;
    const values = trials[trial]!;
    const open = new Map<string, readonly [seed: number, job: WinnerJob]>();
    for (const seed of seeds) {
      const training = this.plan.finalOf(values, seed);
      const job = { label: `winner-${three(seed)}`, training };
      const result = await this.jobs.want({ job: { ...job, until: 0 }, priority: 1 });
      if (result === undefined) open.set(jobId({ training, until: 0 }), [seed, job]);
      else await this.takeFinal(seed, job, result);
    }
    while (open.size > 0 && !this.options.signal.aborted) {
      for (const [id, result] of await this.jobs.next(this.options.signal)) {
        const asked = open.get(id);
        open.delete(id);
        if (asked !== undefined) await this.takeFinal(...asked, result);
      }
      await this.options.onChange(this.record('running'));
    }
  }

  private async takeFinal(seed: number, job: WinnerJob, end: JobResult): Promise<void> {
    const weights = end.result?.weightsSha256;
    const model = weights === undefined ? null : await this.options.keepModel(job, weights);
    this.final.set(seed, { ...end, model });
  }

  private idOf({ trial, rung }: Step): string {
    const { description, trials } = this.plan;
    return jobId({ training: this.plan.trialOf(trials[trial]!), until: description.rungs[rung]! });
  }

  private take({ trial, rung }: Step, result: JobResult): void {
    const own = this.known.get(trial) ?? new Map<number, JobResult>();
    own.set(rung, result);
    this.known.set(trial, own);
    const best = Math.max(...this.finished().map(({ score }) => score.accuracy));
    if (Number.isFinite(best)) this.progress.push({ processorSeconds: this.spent(), best });
  }

  private spent(): number {
    const results = [...this.known.values()].flatMap((own) => [...own.values()]);
    return results.reduce((sum, { processorSeconds }) => sum + (processorSeconds ?? 0), 0);
  }

  private scoreOf(trial: number, rung: number): Score | undefined {
    const result = this.known.get(trial)?.get(rung);
    if (result === undefined) return undefined;
    // one that has ended of itself stands where it stands
    const record = result.history.at(Math.min(this.plan.description.rungs[rung]!, result.history.length) - 1);
    if (result.failure !== null || record?.validationAccuracy === undefined) return failed;
    return { accuracy: record.validationAccuracy, loss: record.validationLoss ?? 0 };
  }

  private finished() {
    return [...this.known].map(([trial, own]) => {
      const rung = Math.max(...own.keys());
      return { trial, rung, score: this.scoreOf(trial, rung)! };
    });
  }

  /** Of those that were trained longest. */
  private best() {
    const sound = this.finished().filter(({ score }) => score.accuracy > failed.accuracy);
    return sound.sort((a, b) => b.rung - a.rung || isBetter(a.score, b.score) || a.trial - b.trial)[0];
  }

  private winnerRecord(seed: number): WinnerRecord {
    const end = this.final.get(seed);
    const { result = null, model = null, failure = null, processorSeconds = 0 } = end ?? {};
    return {
      seed,
      testAccuracy: result?.testAccuracy ?? null,
      testLoss: result?.testLoss ?? null,
      weightsSha256: result?.weightsSha256 ?? null,
      model,
      failure,
      processorSeconds: processorSeconds ?? 0,
    };
  }

  private record(state: SweepRecord['state']): SweepRecord {
    const { spaces, trials, seeds } = this.plan;
    // in the order of their numbers, so that it does not matter who came first
    const first = [...this.known.keys()]
      .sort((a, b) => a - b)
      .flatMap((trial) => {
        const score = this.scoreOf(trial, 0);
        return score === undefined || score === failed
          ? []
          : [{ values: trials[trial]!, accuracy: score.accuracy }];
      });
    const records = this.final.size === 0 ? [] : seeds.map((seed) => this.winnerRecord(seed));
    const accuracies = records.flatMap(({ testAccuracy }) => (testAccuracy === null ? [] : [testAccuracy]));
    return {
      ...firstRecord(this.plan, this.options.begun),
      state,
      timeIsUp: this.late && this.open().length > 0,
      trials: trials.map((_, trial) => trialRecord(this.plan, trial, this.known.get(trial))),
      winner: this.winner ?? this.best()?.trial ?? null,
      seeds: records,
      testAccuracy: accuracies.length === 0 ? null : summarizeSample(accuracies, [0, 1]),
      importance: importanceOf(spaces, first),
      progress: [...this.progress],
    };
  }
}

/** Runs a sweep to its end, or until the signal aborts: the same plan goes on then, for what is done is in the store. */
export function runSweep(plan: SweepPlan, jobs: Jobs, options: SweepOptions): Promise<SweepRecord> {
  return new Sweep(plan, jobs, options).run();
}
