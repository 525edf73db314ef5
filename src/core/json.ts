/** Tells whether a value has members by name: an object that is no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON has no infinities, no NaN and no −0: as strings they stay apart. */
function exact(_key: string, value: unknown): unknown {
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

/**
 * JSON by which plain values (objects, arrays, strings, numbers) are told apart, for keys of maps: different numbers give
 * different texts. Not to be parsed.
 */
export function exactJson(value: object): string {
  return JSON.stringify(value, exact);
}
