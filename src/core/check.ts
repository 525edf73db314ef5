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

/** How many letters have to be put in, taken out or changed (Levenshtein 1966). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Letters alone: `batch_size` and `batchSize` are one name. */
const letters = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The name among `known` that was most likely meant, if any is near. */
function likely(name: string, known: readonly string[]): string | undefined {
  const wanted = letters(name);
  const sorted = known
    .map((one) => ({ one, away: distance(wanted, letters(one)) }))
    .sort((a, b) => a.away - b.away);
  const [best] = sorted;
  return best !== undefined && best.away <= Math.max(1, wanted.length / 4) ? best.one : undefined;
}

/**
 * Options that nobody knows are refused by name.
 *
 * @param known all names that there are
 * @param elsewhere what options of other frameworks are called here
 */
export function checkOptionNames(
  what: string,
  options: object,
  known: readonly string[],
  elsewhere: Readonly<Record<string, string>> = {},
): void {
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`${what}: options must be an object: ${String(options)}`);
  }
  const name = Object.keys(options).find((one) => !known.includes(one));
  if (name === undefined) return;
  const meant =
    (Object.hasOwn(elsewhere, letters(name)) ? elsewhere[letters(name)] : undefined) ?? likely(name, known);
  throw new UsageError(`${what}: there is no option '${name}'`, {
    hint: meant === undefined ? `There are ${known.join(', ')}.` : `Its name here is ${meant}.`,
  });
}
