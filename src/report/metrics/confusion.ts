/** Counts which classes are taken for which. */

/** How often each class was taken for each: `counts[label * size + predicted]`. */
export interface Confusion {
  /** Number of classes. */
  readonly size: number;
  readonly counts: Int32Array;
}

/**
 * Counts pairs of label and prediction.
 *
 * @param labels `[count]`, from 0 to classes − 1
 * @param predicted `[count]`, likewise
 */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
): Confusion {
  const counts = new Int32Array(classes * classes);
  for (let i = 0; i < labels.length; i++) counts[labels[i]! * classes + predicted[i]!]!++;
  return { size: classes, counts };
}

/** How well one class is told from the others. What would divide by zero is null. */
export interface ClassScores {
  /** Of what was taken for the class, the share that is of it. Null where nothing was taken for it. */
  readonly precision: number | null;
  /** Of what is of the class, the share that was taken for it. Null where there is none. */
  readonly recall: number | null;
  /** 2 · right / (2 · right + wrongly taken for it + missed), the harmonic mean of the two. */
  readonly f1: number | null;
  /** How many images are of the class. */
  readonly support: number;
}

const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);

/** Precision, recall and F1 of every class, in their order. */
export function classScores({ size, counts }: Confusion): ClassScores[] {
  return Array.from({ length: size }, (_, one) => {
    let support = 0;
    let taken = 0;
    for (let other = 0; other < size; other++) {
      support += counts[one * size + other]!;
      taken += counts[other * size + one]!;
    }
    const right = counts[one * size + one]!;
    const f1 = share(2 * right, support + taken);
    return { precision: share(right, taken), recall: share(right, support), f1, support };
  });
}

export type Averages = Omit<ClassScores, 'support'>;

/** Means over classes that count alike (macro averages), of the scores that are not null. */
export function macroAverage(scores: readonly ClassScores[]): Averages {
  const mean = (name: keyof Averages) => {
    const known = scores.flatMap((score) => score[name] ?? []);
    return share(
      known.reduce((sum, value) => sum + value, 0),
      known.length,
    );
  };
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}

/** One kind of mistake. */
export interface ConfusedPair {
  readonly label: number;
  readonly predicted: number;
  readonly count: number;
  /** Of the images of that label. */
  readonly share: number;
}

/** The commonest mistakes, most frequent first; of equals the first in the order of the classes. */
export function confusedPairs({ size, counts }: Confusion, limit: number): ConfusedPair[] {
  const pairs: ConfusedPair[] = [];
  for (let label = 0; label < size; label++) {
    const row = counts.subarray(label * size, (label + 1) * size);
    const support = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, predicted) => {
      if (count > 0 && predicted !== label) pairs.push({ label, predicted, count, share: count / support });
    });
  }
  return pairs.sort((a, b) => b.count - a.count).slice(0, limit);
}

/** The confusion matrix as a list per label, for JSON. */
export function confusionRows({ size, counts }: Confusion): number[][] {
  return Array.from({ length: size }, (_, row) => [...counts.subarray(row * size, (row + 1) * size)]);
}
