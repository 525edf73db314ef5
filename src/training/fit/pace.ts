/** How long one call of the backend should take: often enough for a progress bar, rarely enough to cost nothing. */
const secondsPerRun = 0.25;
const mostStepsPerRun = 128;

/** Chooses how many steps go to the backend at once, from how long the last ones took. */
export class Pace {
  private steps = 1;

  /** @param fixed always so many */
  constructor(private readonly fixed: number | undefined) {}

  get next(): number {
    return this.fixed ?? this.steps;
  }

  took(steps: number, seconds: number): void {
    const wanted = Math.floor((steps * secondsPerRun) / seconds);
    this.steps = Math.max(1, Math.min(wanted, mostStepsPerRun));
  }
}
