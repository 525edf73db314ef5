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
 * @param size the number of batches that the next group may have; asked before each.
 */
export function* groups(count: number, batchSize: number, size: () => number): Generator<Group> {
  const whole = Math.floor(count / batchSize);
  for (let done = 0; done < whole; ) {
    const batches = Math.min(size(), whole - done);
    yield { start: done * batchSize, batchSize, batches };
    done += batches;
  }
  const rest = count % batchSize;
  if (rest > 0) yield { start: whole * batchSize, batchSize: rest, batches: 1 };
}
