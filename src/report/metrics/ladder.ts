/** Published accuracies of a dataset, and a run among them. */
import type { PublishedReference } from '../../runs/references.js';

export interface Rung {
  readonly name: string;
  /** In percent. */
  readonly accuracy: number;
  /** Of the run itself, in percent; absent from what is published. */
  readonly interval?: readonly [low: number, high: number];
  /** Where it is published. */
  readonly source?: string;
  /** The address of the source. */
  readonly url?: string;
  /** The source's words about the training. */
  readonly about?: string;
}

/**
 * The published accuracies with a run among them, the best first; of equals the run comes first.
 *
 * @param own accuracy and interval from 0 to 1
 */
export function ladder(
  references: readonly PublishedReference[],
  own: { readonly name: string; readonly accuracy: number; readonly interval: readonly [number, number] },
): Rung[] {
  const [low, high] = own.interval;
  const run: Rung = { name: own.name, accuracy: 100 * own.accuracy, interval: [100 * low, 100 * high] };
  const published = references.map(({ model, source, url, testAccuracy, recipe, note }): Rung => {
    const about = [recipe, note].filter((text) => text !== undefined).join('; ');
    return { name: model, accuracy: testAccuracy, source, ...(url === undefined ? {} : { url }), about };
  });
  return [run, ...published].sort((a, b) => b.accuracy - a.accuracy);
}
