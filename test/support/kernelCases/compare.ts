/** |actual − expected| ≤ absolute + relative · |expected| */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/**
 * Throws unless all elements agree: NaN with NaN, an infinity with itself, numbers within the tolerance (by default
 * exactly; 0 and −0 are equal). The message tells the first element that differs, both values, and how many do.
 */
export function compareArrays(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute, relative }: Tolerance = { absolute: 0, relative: 0 },
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${actual.length} elements instead of ${expected.length}`);
  }
  const agrees = (a: number, e: number) =>
    a === e ||
    (Number.isNaN(a) && Number.isNaN(e)) ||
    (Number.isFinite(e) && Math.abs(a - e) <= absolute + relative * Math.abs(e));
  const wrong: number[] = [];
  for (let i = 0; i < expected.length; i++) if (!agrees(actual[i]!, expected[i]!)) wrong.push(i);
  const first = wrong[0];
  if (first === undefined) return;
  throw new Error(
    `element ${first} is ${actual[first]} instead of ${expected[first]} ` +
      `(within ${absolute} + ${relative} · |x|); ${wrong.length} of ${expected.length} differ`,
  );
}
