/**
 * How far results are from those of the definitions in float64, which are rounded to float32 at the end: an error of 0
 * means correctly rounded. Runs in browsers too.
 */
import { at } from '../core/lists.js';
import { type Engine, openEngine } from '../engine/engine.js';
import type { Measure, Subject } from './subjects.js';

/** The error that was measured on a subject. */
export interface Accuracy extends Pick<Subject, 'name' | 'on' | 'measure' | 'bound'> {
  /** The largest error, relative to what `measure` says; Infinity where a result is not a number. */
  readonly error: number;
}

/**
 * The largest error of `actual`:
 *
 *     largest  max |a − e| / max |e|
 *     each     max (|a − e| / |e|), 0 where both are 0
 *     exact    as largest, and to be 0
 */
export function largestError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  measure: Measure,
): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [error, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(at(actual, i) - at(expected, i));
    const size = Math.abs(at(expected, i));
    const own = difference === 0 || measure !== 'each' ? difference : difference / size;
    if (!(own <= error)) error = Number.isNaN(own) ? Number.POSITIVE_INFINITY : own;
    largest = Math.max(largest, size);
  }
  return measure === 'each' || error === 0 ? error : error / largest;
}

/** The values of each subject, by the definitions in float64. */
async function expectedValues(subjects: readonly Subject[]): Promise<ArrayLike<number>[]> {
  await using oracle = await openEngine({ backend: 'reference', precision: 'float64' });
  const all: ArrayLike<number>[] = [];
  for (const { build } of subjects) all.push((await oracle.read(build())).data);
  return all;
}

/** Computes the subjects on an engine and compares them with the definitions. Rejects where the backend fails. */
export async function measureAccuracy(engine: Engine, subjects: readonly Subject[]): Promise<Accuracy[]> {
  const expected = await expectedValues(subjects);
  const found: Accuracy[] = [];
  for (const [i, { build, ...subject }] of subjects.entries()) {
    const { data } = await engine.read(build());
    const error = largestError(data, at(expected, i), subject.measure);
    found.push({ ...subject, error });
  }
  return found;
}
