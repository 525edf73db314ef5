/** Looks at held-out images: which classes are taken for which, and what is most wrong. */
import { type Dataset, type Engine, type Model, type Normalization, predict } from '../../browser.js';
import type { Judged, Mistake } from '../shared/messages.js';
import { tell } from '../shared/rpc.js';

/** Images that are predicted at once; the matrix fills up in such pieces. */
const piece = 250;
const mostMistakes = 12;

interface Looking {
  readonly engine: Engine;
  readonly model: Model;
  readonly normalization: Normalization;
  readonly dataset: Dataset;
  readonly of: Judged['of'];
  /** How many images at most. */
  readonly most: number;
  readonly signal: AbortSignal;
}

/** Tells the confusion matrix again and again while it fills up. */
export async function judge({ dataset, most, signal, ...how }: Looking): Promise<void> {
  const { engine, model, normalization, of } = how;
  const count = Math.min(most, dataset.count);
  const classes = dataset.classes.length;
  const size = dataset.images.length / dataset.count;
  const confusion = new Array<number>(classes * classes).fill(0);
  let mistakes: Mistake[] = [];
  for (let start = 0; start < count && !signal.aborted; start += piece) {
    const end = Math.min(count, start + piece);
    const { data } = await predict(engine, model, dataset.images.subarray(start * size, end * size), {
      normalization,
    });
    for (let index = start; index < end; index++) {
      const row = data.subarray((index - start) * classes, (index - start + 1) * classes);
      const probability = Math.max(...row);
      const [label, taken] = [dataset.labels[index]!, row.indexOf(probability)];
      confusion[label * classes + taken]! += 1;
      if (label === taken) continue;
      const pixels = dataset.images.slice(index * size, (index + 1) * size);
      mistakes.push({ index, pixels, label, taken, probability });
    }
    mistakes = mistakes.sort((a, b) => b.probability - a.probability).slice(0, mostMistakes);
    tell({ kind: 'judged', judged: { of, done: end, count, confusion, mistakes } });
  }
}
