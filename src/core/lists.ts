/** Elements of lists that are known to be there. Outside of inner loops these take the place of `list[i]!`. */

/** A list that begins with `N` elements. */
export type Leading<T, N extends 1 | 2 | 3 | 4 | 5> = {
  1: readonly [T, ...T[]];
  2: readonly [T, T, ...T[]];
  3: readonly [T, T, T, ...T[]];
  4: readonly [T, T, T, T, ...T[]];
  5: readonly [T, T, T, T, T, ...T[]];
}[N];

function missing(index: number, length: number): RangeError {
  return new RangeError(`a list has no element ${index}: it has ${length}`);
}

/** @throws RangeError for an index outside of the list */
export function at<T>(list: ArrayLike<T>, index: number): T {
  const found = list[index];
  if (found === undefined) throw missing(index, list.length);
  return found;
}

/** @throws RangeError for an empty list */
export function last<T>(list: ArrayLike<T>): T {
  return at(list, list.length - 1);
}

function begins<T, N extends 1 | 2 | 3 | 4 | 5>(list: readonly T[], count: N): list is Leading<T, N> {
  return list.length >= count;
}

/**
 * The list, to be taken apart: `const [height, width, channels] = leading(shape, 3)`.
 *
 * @throws RangeError for a list of fewer elements
 */
export function leading<T, N extends 1 | 2 | 3 | 4 | 5>(list: readonly T[], count: N): Leading<T, N> {
  if (!begins(list, count)) throw missing(count - 1, list.length);
  return list;
}
