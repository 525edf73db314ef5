/** Schemas of JSON: the form of a document is written once, as a tree, and its type is held to it by the compiler. */
import { DataError } from './errors.js';
import { isObject } from './json.js';
import { leading } from './lists.js';

/** Reads one value of a JSON document, or throws DataError naming the value by its path. */
export type Schema<T> = (value: unknown, path: string) => T;

/** A value in a message: its JSON, cut where it is long. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'none';
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

function fail(path: string, wanted: string, value: unknown): never {
  throw new DataError(`${path} must be ${wanted}: ${shown(value)}`);
}

/** A text that matches. */
export function text(form: RegExp = /./, wanted = 'a text that is not empty'): Schema<string> {
  return (value, path) => (typeof value === 'string' && form.test(value) ? value : fail(path, wanted, value));
}

/** One of a few texts. */
export function oneOf<T extends string>(...choices: readonly T[]): Schema<T> {
  return (value, path) =>
    choices.find((choice) => choice === value) ?? fail(path, `one of ${choices.join(', ')}`, value);
}

/** A whole number that is large enough. */
export function integer(least: number): Schema<number> {
  return (value, path) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least
      ? value
      : fail(path, `a whole number of at least ${least}`, value);
}

/** A number from `least` to `most`. */
export function number(least = -Number.MAX_VALUE, most = Number.MAX_VALUE): Schema<number> {
  const bounded = least > -Number.MAX_VALUE || most < Number.MAX_VALUE;
  const wanted = bounded ? `a number from ${least} to ${most}` : 'a number';
  return (value, path) =>
    typeof value === 'number' && value >= least && value <= most ? value : fail(path, wanted, value);
}

export const boolean: Schema<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : fail(path, 'true or false', value);

/** Whatever JSON holds: looked at by whoever takes it. */
export const anything: Schema<unknown> = (value) => value;

/** A value, or null where there is none. */
export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  return (value, path) => (value === null ? null : schema(value, path));
}

/** Two values, such as the ends of an interval. */
export function pair<T>(item: Schema<T>): Schema<readonly [T, T]> {
  return (value, path) => {
    const [first, second] = leading(list(item, 2, 2)(value, path), 2);
    return [first, second];
  };
}

/** A list of `least` to `most` items. */
export function list<T>(item: Schema<T>, least = 0, most = Number.POSITIVE_INFINITY): Schema<T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) {
      const range = least === most ? `${least}` : `${least} to ${most}`;
      fail(path, most === Number.POSITIVE_INFINITY ? 'a list' : `a list of ${range}`, value);
    }
    return value.map((entry, i) => item(entry, `${path}[${i}]`));
  };
}

/** An object whose members, of any name, are alike. */
export function record<T>(member: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return (value, path) => {
    if (!isObject(value)) fail(path, 'an object', value);
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, member(each, `${path}.${name}`)]),
    );
  };
}

/** A JSON object, its members not looked at. */
export const members: Schema<Readonly<Record<string, unknown>>> = record(anything);

type OptionalKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];
type Required<T> = { [K in Exclude<keyof T, OptionalKeys<T>>]: Schema<T[K]> };
type Optional<T> = { [K in OptionalKeys<T>]-?: Schema<Exclude<T[K], undefined>> };

/**
 * An object with these members.
 *
 * @param others of further members: by default they are refused by name; `keep` keeps them as they are, `drop` leaves them out
 */
export function object<T extends object>(
  required: Required<T>,
  optional: Optional<T>,
  others: 'refuse' | 'keep' | 'drop' = 'refuse',
): Schema<T> {
  const schemas = new Map<string, Schema<unknown>>(Object.entries({ ...required, ...optional }));
  return (value, path) => {
    const json = members(value, path);
    const unknown = Object.entries(json).filter(([name]) => !schemas.has(name));
    if (others === 'refuse' && unknown[0] !== undefined) {
      const known = [...schemas.keys()].join(', ');
      throw new DataError(`${path}.${unknown[0][0]} must be left out: the members are ${known}`);
    }
    const known = [...schemas]
      .filter(([name]) => name in required || json[name] !== undefined)
      .map(([name, schema]): [string, unknown] => [name, schema(json[name], `${path}.${name}`)]);
    return Object.fromEntries(others === 'keep' ? [...unknown, ...known] : known) as T;
  };
}

/** Objects and lists inside each other: what walks through a document may call itself for each. */
const deepest = 200;
const nestedTooDeep = `objects and lists are nested deeper than ${deepest}`;

/** The value of a JSON text that is nested no deeper than code may walk. Throws a SyntaxError for anything else. */
export function parseBounded(text: string): unknown {
  const value: unknown = JSON.parse(text);
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) throw new SyntaxError(nestedTooDeep);
    level = level.flatMap((each) =>
      typeof each === 'object' && each !== null ? Object.values(each as Record<string, unknown>) : [],
    );
  }
  return value;
}

/**
 * Reads the text of a JSON document.
 *
 * @param path names the document in errors
 * @throws DataError when it is not JSON, or not as the schema says
 */
export function parseJson<T>(text: string, path: string, schema: Schema<T>): T {
  let value: unknown;
  try {
    value = parseBounded(text);
  } catch (cause) {
    const tooDeep = cause instanceof SyntaxError && cause.message === nestedTooDeep;
    throw new DataError(`${path}: ${tooDeep ? nestedTooDeep : 'is not JSON'}`, { cause });
  }
  return schema(value, path);
}

/** Today's names of members that version 0.1 wrote under another spelling. */
const renamedMembers: Readonly<Record<string, string>> = { normalisation: 'normalization' };

/** The members of an object that a file holds, by the names that they have today. */
export function withTodaysNames<T>(json: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [renamedMembers[name] ?? name, value]),
  );
}
