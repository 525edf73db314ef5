/** Checks of arguments. All throw UsageError: `fit: epochs must be a whole number of at least 1: 0`. */
import { closest } from './closest.js';
import { UsageError } from './errors.js';

/** What a value is, for a message: `undefined`, `string`, `function relu`, `Float64Array`, `Promise`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`.trimEnd();
  if (typeof value !== 'object') return typeof value;
  const { constructor: maker } = value;
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'object';
}

/**
 * The error of an argument that is of another kind, or missing: `fit: engine must be an engine: undefined`.
 *
 * @param hint how one is had
 */
export function wrongKind(what: string, wanted: string, value: unknown, hint?: string): UsageError {
  return new UsageError(`${what} must be ${wanted}: ${kindOf(value)}`, hint === undefined ? {} : { hint });
}

/** A list, of `wanted`: `a list of layers`. */
export function checkList(what: string, wanted: string, value: unknown, hint?: string): void {
  if (!Array.isArray(value)) throw wrongKind(what, wanted, value, hint);
}

/** An object that has these members: `wanted` is `a recipe`. */
export function checkMembers(what: string, wanted: string, value: unknown, members: readonly string[]): void {
  const missing =
    typeof value === 'object' && value !== null ? members.find((name) => !(name in value)) : undefined;
  if (missing !== undefined) throw new UsageError(`${what} must be ${wanted}: it has no ${missing}`);
  if (typeof value !== 'object' || value === null) throw wrongKind(what, wanted, value);
}

/** A text. */
export function checkText(what: string, value: unknown, hint?: string): void {
  if (typeof value !== 'string') throw wrongKind(what, 'a text', value, hint);
}

/** Bytes, such as those of a file. */
export function checkBytes(what: string, value: unknown): void {
  if (!(value instanceof Uint8Array)) throw wrongKind(what, 'a Uint8Array', value);
}

/** A function. */
export function checkFunction(what: string, value: unknown, hint?: string): void {
  if (typeof value !== 'function') throw wrongKind(what, 'a function', value, hint);
}

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

/** Letters alone: `batch_size` and `batchSize` are one name. */
const letters = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/**
 * Options that nobody knows are refused by name.
 *
 * @param what function: `conv2d`
 * @param known all names that there are, for the compiler to compare with the type of the options
 * @param elsewhere what options of other frameworks are called here, in lower case without signs
 */
export function checkOptionNames<Options extends object>(
  what: string,
  options: Options,
  known: Readonly<Record<keyof NoInfer<Options>, true>>,
  elsewhere: Readonly<Record<string, string>> = {},
): void {
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`${what}: options must be an object: ${String(options)}`);
  }
  const name = Object.keys(options).find((one) => !Object.hasOwn(known, one));
  if (name === undefined) return;
  const names = Object.keys(known);
  const meant =
    (Object.hasOwn(elsewhere, letters(name)) ? elsewhere[letters(name)] : undefined) ?? closest(name, names);
  throw new UsageError(`${what}: there is no option '${name}'`, {
    hint: meant === undefined ? `There are ${names.join(', ')}.` : `Its name here is ${meant}.`,
  });
}
