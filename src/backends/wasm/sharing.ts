/**
 * Whether worker 0 shares the steps of a program. Where the machine has other work, a worker that loses its processor in
 * the middle of a chunk holds up all others, for milliseconds: more than a small step takes. So steps are timed, in
 * windows of some milliseconds. Where worker 0 slept for much of one, the next is done alone, and whichever takes less
 * goes on; the other is tried again after a while, which doubles each time that it loses.
 *
 * Nothing but time depends on it: chunks give the same bytes whoever does them.
 */

/** A window has so many steps and takes so long, in milliseconds; if steps are long, fewer, from `longWindow` on. */
const windowSteps = 8;
const shortWindow = 8;
const longWindow = 30;
const longWindowSteps = 2;

/** A share of a window that worker 0 sleeps, above which it may be better off alone. */
const sleepyShare = 0.2;

/** A way must take less than this share of the other's time to take its place. */
const gain = 0.95;

/**
 * How long a way is kept before the other is tried again, in milliseconds: at first, and at most, unless a trial took
 * long. What is lost by trials stays small that way: of being alone where all processors are free, above all.
 */
const leastHold = 60;
const mostHold = 1000;

/** What a trial that lost multiplies the time by; how many times as long as the trial it is, at most. */
const afterTrial = {
  shared: { growth: 2, most: 20 },
  alone: { growth: 4, most: 100 },
} as const;

/** The ways of one program: shared at first. Told of every step by the clock of the caller. */
export class Sharing {
  /** Whether worker 0 does the next step alone. */
  alone = false;
  /** What is being tried: the window decides whether it goes on. */
  private trial = false;
  /** Milliseconds of a step in the last window of either way. */
  private readonly latest: { shared?: number; alone?: number } = {};
  private steps = 0;
  private taken = 0;
  private slept = 0;
  private hold = leastHold;
  private until = 0;

  /**
   * Tells of a step that has ended.
   *
   * @param now when, in milliseconds
   * @param taken how long it took
   * @param slept for how much of it worker 0 slept
   */
  record(now: number, taken: number, slept: number): void {
    this.steps++;
    this.taken += taken;
    this.slept += slept;
    const whole =
      (this.taken >= shortWindow && this.steps >= windowSteps) ||
      (this.taken >= longWindow && this.steps >= longWindowSteps);
    if (whole) this.endWindow(now);
  }

  private endWindow(now: number): void {
    const [way, other] = this.alone ? (['alone', 'shared'] as const) : (['shared', 'alone'] as const);
    const { taken } = this;
    const time = taken / this.steps;
    const sleepy = this.slept > sleepyShare * taken;
    this.steps = 0;
    this.taken = 0;
    this.slept = 0;
    this.latest[way] = time;
    const before = this.latest[other];
    if (this.trial) {
      this.trial = false;
      const wins = time < gain * before!;
      const { growth, most } = afterTrial[way];
      const longer = Math.max(growth * this.hold, growth * taken);
      this.hold = wins ? leastHold : Math.min(longer, Math.max(mostHold, most * taken));
      this.until = now + this.hold;
      if (!wins) this.alone = !this.alone;
      return;
    }
    // slower than the other way was: no reason to wait
    const late = now >= this.until || (!this.alone && before !== undefined && time > before);
    if (late && (this.alone || sleepy)) {
      this.trial = true;
      this.alone = !this.alone;
    }
  }
}
