/** The curve of a training, from what its epochs come to so far. */
import type { EpochRecord, FitProgress } from '../../browser.js';
import type { Curve, Point, Validated } from './curves.js';

export class Progress {
  private points: Point[] = [];
  private validated: Validated[] = [];
  /** Of the epoch: steps that are in the means. */
  private before = { epoch: 0, step: 0, loss: 0, accuracy: 0 };

  get curve(): Omit<Curve, 'name'> {
    return { points: this.points, validated: this.validated };
  }

  clear(): void {
    this.points = [];
    this.validated = [];
    this.before = { epoch: 0, step: 0, loss: 0, accuracy: 0 };
  }

  restore({ points, validated }: Omit<Curve, 'name'>): void {
    this.clear();
    this.points = [...points];
    this.validated = [...validated];
  }

  /** Means of an epoch so far become those of the steps since the last ones. */
  add({ epoch, step, loss, accuracy }: FitProgress, totalSteps: number): Point {
    const last =
      this.before.epoch === epoch && this.before.step < step
        ? this.before
        : { step: 0, loss: 0, accuracy: 0 };
    this.before = { epoch, step, loss, accuracy };
    const since = (now: number, then: number) => (now * step - then * last.step) / (step - last.step);
    const point = {
      step: totalSteps,
      loss: Math.max(0, since(loss, last.loss)),
      accuracy: Math.min(1, Math.max(0, since(accuracy, last.accuracy))),
    };
    // what was trained again after a state that was saved earlier
    this.points = this.points.filter((each) => each.step < totalSteps);
    this.points.push(point);
    return point;
  }

  epoch({ step, validationLoss: loss, validationAccuracy: accuracy }: EpochRecord): void {
    if (loss === undefined || accuracy === undefined) return;
    this.validated = this.validated.filter((each) => each.step < step);
    this.validated.push({ step, loss, accuracy });
  }
}
