/** The space from which a sweep chooses a setting. */
import { UsageError } from '../core/errors.js';
import { exactExp, exactLog } from '../core/math.js';
import { numberForm, parseValue, type Value } from '../core/value.js';

/** The settings of one trial by their names, in the order of the spaces. */
export type Values = Readonly<Record<string, Value>>;

/** Values one by one. */
interface Choices {
  readonly kind: 'choices';
  readonly values: readonly Value[];
}

/** Numbers between two, both included. */
interface Range {
  readonly kind: 'range';
  readonly low: number;
  readonly high: number;
  /** Equal factors are equally likely, instead of equal differences. */
  readonly logarithmic: boolean;
  readonly integer: boolean;
  /** How many of its numbers a grid has, at even distances. */
  readonly points?: number | undefined;
}

export type Space = Choices | Range;
export type Spaces = Readonly<Record<string, Space>>;

/** A space as a recipe has it: a text as on the command line, or the list of its values. */
export type GivenSpace = string | readonly Value[];

const rangeForm = new RegExp(`^(?:(log|int|logint):)?${numberForm}\\.\\.${numberForm}(?:/(\\d+))?$`);
const mostChoices = 1000;

function complain(name: string, wrong: string): never {
  throw new UsageError(`sweep: ${name}: ${wrong}`, {
    hint: 'A space is a list such as 0.1,0.3,0.5, or a range such as 0..0.5, log:1e-4..1e-1, int:1..8 or logint:16..256.',
  });
}

function parseRange(name: string, text: string, parts: readonly (string | undefined)[]): Range {
  const [, prefix = '', lowText, highText, pointsText] = parts;
  const [low, high] = [Number(lowText), Number(highText)];
  const logarithmic = prefix.startsWith('log');
  const integer = prefix.endsWith('int');
  const points = pointsText === undefined ? undefined : Number(pointsText);
  if (!(low < high)) complain(name, `the range ends before it begins: ${text}`);
  if (logarithmic && low <= 0) complain(name, `a logarithmic range begins above 0: ${text}`);
  if (integer && !(Number.isSafeInteger(low) && Number.isSafeInteger(high)))
    complain(name, `the ends of a range of whole numbers are whole numbers: ${text}`);
  if (points !== undefined && (points < 2 || points > mostChoices))
    complain(name, `a range has 2 to ${mostChoices} points: ${text}`);
  return { kind: 'range', low, high, logarithmic, integer, points };
}

/**
 * The space that a text or a list stands for: `0.1,0.3,0.5`, `0..0.5`, `log:1e-4..1e-1`, `int:1..8`, `logint:16..256`; a
 * range with `/4` at its end has four points in a grid.
 *
 * @param name of the setting, for errors
 * @throws UsageError for what is neither
 */
export function parseSpace(name: string, given: GivenSpace): Space {
  if (typeof given === 'string') {
    const range = rangeForm.exec(given);
    if (range !== null) return parseRange(name, given, range);
    if (/^(log|int|logint):|\.\./.test(given)) complain(name, `not a range: ${given}`);
  }
  const values = typeof given === 'string' ? given.split(',').map((part) => parseValue(part.trim())) : given;
  const known = Array.isArray(values) && values.every((value) => /number|string|boolean/.test(typeof value));
  if (!known || values.length === 0 || values.length > mostChoices || values.includes(''))
    complain(name, `not 1 to ${mostChoices} values: ${JSON.stringify(given).slice(0, 60)}`);
  if (values.some((value) => typeof value === 'number' && !Number.isFinite(value)))
    complain(name, `a value is not a finite number: ${values.join(',')}`);
  return { kind: 'choices', values: [...new Set(values)] };
}

/** Four digits tell enough of a setting, and are the same on every machine. */
const rounded = (value: number): number => Number(value.toPrecision(4));

/** A value of a space, `share` in [0, 1) of the way through it. Choices are as long as each other. */
export function valueAt(space: Space, share: number): Value {
  if (space.kind === 'choices') return space.values[Math.floor(share * space.values.length)]!;
  const { low, high, logarithmic, integer } = space;
  const [from, to] = integer ? [low - 0.5, high + 0.5] : [low, high];
  const value = logarithmic
    ? exactExp(exactLog(from) + share * (exactLog(to) - exactLog(from)))
    : from + share * (to - from);
  const near = integer ? Math.round(value) : rounded(value);
  return Math.min(high, Math.max(low, near));
}

/**
 * Where a value lies in its space: the share of the way, of choices the middle of their part. What is not in the space is at
 * its nearer end, an unknown choice at 0.
 */
export function shareOf(space: Space, value: Value): number {
  if (space.kind === 'choices') return (Math.max(0, space.values.indexOf(value)) + 0.5) / space.values.length;
  const { low, high, logarithmic } = space;
  const scale = (x: number) => (logarithmic ? Math.log(x) : x);
  const share = (scale(Number(value)) - scale(low)) / (scale(high) - scale(low));
  return Math.min(1, Math.max(0, share));
}

/** The values of a space in a grid; undefined for a range without points. */
export function gridOf(space: Space): readonly Value[] | undefined {
  if (space.kind === 'choices') return space.values;
  const { points, logarithmic, low, high, integer } = space;
  if (points === undefined) return undefined;
  const at = (share: number): number => {
    const value = logarithmic
      ? exactExp(exactLog(low) + share * (exactLog(high) - exactLog(low)))
      : low + share * (high - low);
    return Math.min(high, Math.max(low, integer ? Math.round(value) : rounded(value)));
  };
  return [...new Set(Array.from({ length: points }, (_, i) => at(i / (points - 1))))];
}

/** A space as people write it: `0.1,0.3` or `log:0.0001..0.1`. */
export function spaceText(space: Space): string {
  if (space.kind === 'choices') return space.values.join(',');
  const { low, high, logarithmic, integer, points } = space;
  const prefix = `${logarithmic ? 'log' : ''}${integer ? 'int' : ''}`;
  return `${prefix === '' ? '' : `${prefix}:`}${low}..${high}${points === undefined ? '' : `/${points}`}`;
}
