/** Checks of arguments. All throw UsageError: `fit: epochs must be a whole number of at least 1: 0`. */
import { UsageError } from './errors.js';

/**
 * @param what function and argument: `fit: epochs`
 * @param wanted `a number above 0`
 */
export function checkArgument(what: string, wanted: string, value: unknown, holds: boolean): void {
  if (!holds) throw new UsageError(`${what} must be ${wanted}: ${String(value)}`);
}

/** A whole number from `least` to `most`. */
export function checkInteger(what: string, value: number, least = 1, most = Infinity): void {
  const wanted =
    most === Infinity ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`;
  checkArgument(what, wanted, value, Number.isSafeInteger(value) && value >= least && value <= most);
}

/** A finite number. */
export function checkNumber(what: string, value: number): void {
  checkArgument(what, 'a number', value, Number.isFinite(value));
}

/** 0 < value < ∞ */
export function checkPositive(what: string, value: number): void {
  checkArgument(what, 'a number above 0', value, Number.isFinite(value) && value > 0);
}

/** low ≤ value < high */
export function checkRange(what: string, value: number, low: number, high = Infinity): void {
  const wanted = high === Infinity ? `a number of at least ${low}` : `at least ${low} and below ${high}`;
  checkArgument(what, wanted, value, typeof value === 'number' && value >= low && value < high);
}

/** 0 ≤ value ≤ 1 */
export function checkShare(what: string, value: number): void {
  checkArgument(what, 'a number from 0 to 1', value, value >= 0 && value <= 1);
}
