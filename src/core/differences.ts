import { isObject } from './json.js';

/** A difference between two descriptions. */
interface Difference {
  /** Such as `optimizer.learningRate`. */
  readonly path: string;
  /** The members on the way; a name may have dots of its own, such as `layers.0`. */
  readonly names: readonly string[];
  /** As JSON has them; undefined where there is none. */
  readonly left: unknown;
  readonly right: unknown;
}

/** As JSON, members in the order of their names. */
function ordered(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

/**
 * Finds where two plain values differ; the order of members does not count. Lists are compared as wholes: their parts
 * have no names.
 */
export function differences(left: unknown, right: unknown, names: readonly string[] = []): Difference[] {
  if (isObject(left) && isObject(right)) {
    const members = new Set([...Object.keys(left), ...Object.keys(right)]);
    return [...members].flatMap((name) => differences(left[name], right[name], [...names, name]));
  }
  return ordered(left) === ordered(right) ? [] : [{ path: names.join('.'), names, left, right }];
}

/** The most letters of a value, and of two of them together, that a sentence shows. */
const longest = 80;

/** `epochs was 4, is 5`; of long values only that they are others. */
export function differenceText({ path, left, right }: Difference): string {
  const [was, is] = [ordered(left) ?? 'nothing', ordered(right) ?? 'nothing'];
  return was.length + is.length > 2 * longest ? `${path} is another` : `${path} was ${was}, is ${is}`;
}
