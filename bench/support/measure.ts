/**
 * Measuring on a machine that does other things too. Subjects take turns, round by round, so that what slows the
 * machine for a while slows all of them; a yardstick is measured right before and after each sample, so that the ratio
 * of the two is worth more than either.
 */
import { UsageError } from '../../src/core/errors.js';
import { type Clock, wallClock } from './clock.js';
import { type Summary, summarize } from './statistics.js';

/** A limit of the machine, measured when it is asked for. */
export interface Yardstick {
  /** The rate over about that many milliseconds, in the unit of whoever compares: flops per second, bytes per second. */
  rate(milliseconds: number): number;
}

export interface Subject {
  readonly name: string;
  /** Does the work `repeats` times. */
  run(repeats: number): Promise<void>;
  /** What the work is held against. */
  readonly yardstick?: Yardstick | undefined;
  /** What seconds are told by: the yardstick's own clock. Default: the clock on the wall. */
  readonly clock?: Clock | undefined;
}

export interface Sampling {
  /** How many samples are taken of each subject. */
  readonly rounds: number;
  /** How long a sample should be. */
  readonly seconds: number;
  /** How long a subject runs before the first sample: engines replace code while it runs. */
  readonly warmUpSeconds: number;
  /** A rest before each sample, in which what the last subject has left running comes to its end. Default: none. */
  readonly pauseSeconds?: number;
}

export interface Sample {
  /** Per repetition. */
  readonly seconds: number;
  /** The yardstick's rate around the sample. */
  readonly limit?: number;
}

/** A yardstick is measured for this share of a sample, before it and after it. */
const yardstickShare = 0.15;

async function timed({ run, clock = wallClock }: Subject, repeats: number): Promise<number> {
  const started = clock();
  await run(repeats);
  return clock() - started;
}

/** Runs the subject until it is warm; gives the number of repetitions that fill a sample. */
async function warmUp(subject: Subject, { seconds, warmUpSeconds }: Sampling): Promise<number> {
  let repeats = 1;
  for (let total = 0; ; ) {
    const taken = await timed(subject, repeats);
    total += taken;
    const wanted = Math.max(1, Math.round((repeats * seconds) / Math.max(taken, 1e-9)));
    if (total >= warmUpSeconds && taken >= seconds / 2) return wanted;
    // at most tenfold: the first repetitions are the slowest
    repeats = Math.min(wanted, repeats * 10);
  }
}

async function sample(
  subject: Subject,
  repeats: number,
  { seconds, pauseSeconds }: Sampling,
): Promise<Sample> {
  const { yardstick } = subject;
  if (pauseSeconds !== undefined) await new Promise((resolve) => setTimeout(resolve, pauseSeconds * 1000));
  const milliseconds = seconds * 1000 * yardstickShare;
  const before = yardstick?.rate(milliseconds);
  const taken = (await timed(subject, repeats)) / repeats;
  if (yardstick === undefined) return { seconds: taken };
  return { seconds: taken, limit: (before! + yardstick.rate(milliseconds)) / 2 };
}

/**
 * Samples of every subject, by name, in the order of the rounds: the n-th samples of two subjects are neighbors.
 *
 * @param onRound told of the rounds that are done, the warm-up as round 0
 */
export async function interleave(
  subjects: readonly Subject[],
  sampling: Sampling,
  onRound: (round: number) => void = () => {},
): Promise<Map<string, Sample[]>> {
  const samples = new Map(subjects.map(({ name }): [string, Sample[]] => [name, []]));
  if (samples.size < subjects.length) {
    throw new UsageError(
      `interleave: subjects need names of their own: ${subjects.length} have ${samples.size} names`,
    );
  }
  const repeats: number[] = [];
  for (const subject of subjects) repeats.push(await warmUp(subject, sampling));
  onRound(0);
  for (let round = 1; round <= sampling.rounds; round++) {
    for (const [i, subject] of subjects.entries()) {
      samples.get(subject.name)!.push(await sample(subject, repeats[i]!, sampling));
    }
    onRound(round);
  }
  return samples;
}

/** Work per second, where a repetition does `work`. */
export function rateOf(samples: readonly Sample[], work: number): Summary {
  return summarize(samples.map(({ seconds }) => work / seconds));
}

export function secondsOf(samples: readonly Sample[]): Summary {
  return summarize(samples.map(({ seconds }) => seconds));
}

/** The share of the yardstick's rate that each sample reached. */
export function shareOf(samples: readonly Sample[], work: number): Summary {
  return summarize(samples.map(({ seconds, limit }) => work / seconds / limit!));
}

/** How many times as fast the first is as the second, round by round. */
export function speedUp(first: readonly Sample[], second: readonly Sample[]): Summary {
  return summarize(first.map(({ seconds }, round) => second[round]!.seconds / seconds));
}
