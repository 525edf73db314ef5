/** What is told of repeated measurements: medians, since other work on a machine only ever slows, and their spread. */

export interface Summary {
  readonly median: number;
  /** Quartiles: half of the measurements lie between them. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** The value below which the given share of the values lies; linear between neighbors. NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function summarize(values: readonly number[]): Summary {
  return {
    median: median(values),
    low: quantile(values, 0.25),
    high: quantile(values, 0.75),
    count: values.length,
  };
}

export const isSummary = (value: unknown): value is Summary =>
  typeof value === 'object' && value !== null && 'median' in value;
