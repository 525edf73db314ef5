/** A setting as data: what a text on a command line can stand for. */
export type Value = number | string | boolean;

/** A decimal number, its sign and its power of ten, as a part of regular expressions. */
export const numberForm = '([+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?)';

const number = new RegExp(`^${numberForm}$`);

/** `0.5` → 0.5, `true` → true, `adam` → adam */
export function parseValue(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true';
  return number.test(text) ? Number(text) : text;
}
