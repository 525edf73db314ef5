/** Some batches of one size that go to the backend in one call. */
export interface Group {
  /** Index of the first example. */
  readonly start: number;
  readonly batchSize: number;
  readonly batches: number;
}

/**
 * Cuts `count` examples into batches, and the batches into groups. What does not fill a batch is a smaller one at the
 * end, in a group of its own: its plan has other shapes.
 *
 * @param size the number of batches that the group which starts at an example may have, at least 1; asked before each.
 * @param from the batches before are left out. Default 0.
 */
export function* groups(
  count: number,
  batchSize: number,
  size: (start: number) => number,
  from = 0,
): Generator<Group> {
  const whole = Math.floor(count / batchSize);
  for (let done = from; done < whole; ) {
    const start = done * batchSize;
    const batches = Math.min(size(start), whole - done);
    yield { start, batchSize, batches };
    done += batches;
  }
  const rest = count % batchSize;
  if (rest > 0 && from <= whole) yield { start: whole * batchSize, batchSize: rest, batches: 1 };
}
