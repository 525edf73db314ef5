/** Compares two ways of computing one model's logits. */
import { at } from '../../../core/lists.js';

/** The most that logits may differ by, times max(1, |logit|). */
const tolerance = 1e-4;

export interface Compared {
  readonly count: number;
  readonly tolerance: number;
  readonly largestDifference: number;
  /** Of a difference, divided by max(1, |logit|). */
  readonly largestShare: number;
  /** How many logits differ by more than the tolerance. */
  readonly beyond: number;
  /** The share of images that both take for the same class. */
  readonly equalClasses: number;
  readonly accuracies: { readonly quern: number; readonly runtime: number };
  /** No logit is beyond the tolerance, and no class differs where the two largest logits are further apart. */
  readonly equal: boolean;
}

/** Compares rows of logits as they come. */
export class Comparison {
  private count = 0;
  private largestDifference = 0;
  private largestShare = 0;
  private beyond = 0;
  private same = 0;
  private confused = 0;
  private readonly right = { quern: 0, runtime: 0 };

  add(own: ArrayLike<number>, theirs: ArrayLike<number>, labels: ArrayLike<number>): void {
    const width = own.length / labels.length;
    for (let row = 0; row < labels.length; row++) {
      const a = Array.from({ length: width }, (_, i) => at(own, row * width + i));
      const b = Array.from({ length: width }, (_, i) => theirs[row * width + i] ?? Number.NaN);
      this.addRow(a, b, at(labels, row));
    }
  }

  private addRow(own: readonly number[], theirs: readonly number[], label: number): void {
    this.count++;
    for (const [i, value] of own.entries()) {
      const difference = Math.abs(value - at(theirs, i));
      const share = difference / Math.max(1, Math.abs(value));
      this.largestDifference = Math.max(this.largestDifference, difference);
      this.largestShare = Math.max(this.largestShare, share);
      // a NaN is beyond any tolerance
      if (!(share <= tolerance)) this.beyond++;
    }
    const best = own.indexOf(Math.max(...own));
    const other = theirs.indexOf(Math.max(...theirs));
    if (best === other) this.same++;
    else if (!(at(own, best) - at(own, other) <= 2 * tolerance * Math.max(1, Math.abs(at(own, best)))))
      this.confused++;
    if (best === label) this.right.quern++;
    if (other === label) this.right.runtime++;
  }

  result(): Compared {
    const { count, largestDifference, largestShare, beyond, same, confused, right } = this;
    return {
      count,
      tolerance,
      largestDifference,
      largestShare,
      beyond,
      equalClasses: same / count,
      accuracies: { quern: right.quern / count, runtime: right.runtime / count },
      equal: beyond === 0 && confused === 0,
    };
  }
}
