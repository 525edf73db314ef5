import { DataError } from '../core/errors.js';
import { isObject } from '../core/isObject.js';

/**
 * Reads one value of a JSON document, or throws DataError naming the value by its path. A document's form is written
 * once, as a tree of checks, and its type is held to it by the compiler.
 */
export type Check<T> = (value: unknown, path: string) => T;

function fail(path: string, wanted: string): never {
  throw new DataError(`${path} must be ${wanted}`);
}

/** A text that matches. */
export function text(form: RegExp = /./, wanted = 'a text that is not empty'): Check<string> {
  return (value, path) => (typeof value === 'string' && form.test(value) ? value : fail(path, wanted));
}

/** One of a few texts. */
export function oneOf<T extends string>(...choices: readonly T[]): Check<T> {
  return (value, path) =>
    choices.find((choice) => choice === value) ?? fail(path, `one of ${choices.join(', ')}`);
}

/** A whole number that is large enough. */
export function integer(least: number): Check<number> {
  return (value, path) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least
      ? value
      : fail(path, `a whole number of at least ${least}`);
}

export const boolean: Check<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : fail(path, 'true or false');

/** A list of `least` to `most` items. */
export function list<T>(item: Check<T>, least = 0, most = Number.POSITIVE_INFINITY): Check<T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      const range = least === most ? `${least}` : `${least} to ${most}`;
      fail(path, most === Number.POSITIVE_INFINITY ? 'a list' : `a list of ${range}`);
    }
    return value.map((entry, i) => item(entry, `${path}[${i}]`));
  };
}

/** A JSON object, its members not looked at. */
export const members: Check<Readonly<Record<string, unknown>>> = (value, path) =>
  isObject(value) ? value : fail(path, 'an object');

type OptionalKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];
type Required<T> = { [K in Exclude<keyof T, OptionalKeys<T>>]: Check<T[K]> };
type Optional<T> = { [K in OptionalKeys<T>]-?: Check<Exclude<T[K], undefined>> };

/** An object with these members and no others. */
export function object<T extends object>(required: Required<T>, optional: Optional<T>): Check<T> {
  const checks = new Map<string, Check<unknown>>(Object.entries({ ...required, ...optional }));
  return (value, path) => {
    const json = members(value, path);
    for (const key of Object.keys(json)) {
      if (!checks.has(key))
        fail(`${path}.${key}`, `left out: the members are ${[...checks.keys()].join(', ')}`);
    }
    const kept = [...checks].filter(([key]) => key in required || json[key] !== undefined);
    return Object.fromEntries(kept.map(([key, check]) => [key, check(json[key], `${path}.${key}`)])) as T;
  };
}

/** What members of files are called now that version 0.1 wrote under another spelling. */
const renamedMembers: Readonly<Record<string, string>> = { normalisation: 'normalization' };

/** The members of an object that a file holds, by the names that they have today. */
export function withTodaysNames<T>(json: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [renamedMembers[name] ?? name, value]),
  );
}
