/** Finds the columns of a table that hold labels, number the rows or name pictures, and those of pixels. */
import { DataError } from '../../../core/errors.js';
import { pictureNames } from '../../images/formats.js';
import { isIndexName, labelNames } from '../names.js';
import { findShape } from '../pixels/shape.js';
import type { Reading } from '../reading.js';
import { isNumber } from './lines.js';

/** A few lines of a file, and the names of its columns. */
interface Sample {
  readonly names: readonly string[] | undefined;
  /** Fields; every row has as many as there are columns. */
  readonly rows: readonly (readonly string[])[];
  readonly count: number;
}

/** Columns by what they are for, from 0. */
export interface Roles {
  readonly label: number | undefined;
  /** Names of files of pictures. */
  readonly paths: number | undefined;
  /** The column that numbers the rows. */
  readonly index: number | undefined;
  /** Neither: passed over. */
  readonly others: readonly number[];
  readonly pixels: readonly number[];
}

/** `pixel17`, `28x28` and `17` without their numbers. */
const formOf = (name: string) => name.trim().toLowerCase().replace(/\d+/g, '#');

/** The columns whose names are made like those of most others: `pixel0`, `pixel1`, …; undefined where most differ. */
function numbered(names: readonly string[]): ReadonlySet<number> | undefined {
  const forms = new Map<string, number[]>();
  for (const [i, name] of names.entries()) {
    const form = formOf(name);
    if (!form.includes('#')) continue;
    const own = forms.get(form);
    if (own === undefined) forms.set(form, [i]);
    else own.push(i);
  }
  const largest = [...forms.values()].reduce((most, own) => (own.length > most.length ? own : most), []);
  return 2 * largest.length > names.length ? new Set(largest) : undefined;
}

class Inspector {
  readonly all: readonly number[];

  constructor(readonly sample: Sample) {
    this.all = Array.from({ length: sample.count }, (_, i) => i);
  }

  values(column: number): string[] {
    return this.sample.rows.map((row) => row[column]!).filter((field) => field !== '');
  }

  /** Tells whether most fields satisfy: a few may be damaged. */
  private mostly(column: number, holds: (field: string) => boolean): boolean {
    const values = this.values(column);
    return 2 * values.filter(holds).length > values.length;
  }

  isText(column: number): boolean {
    return this.mostly(column, (field) => !isNumber(field));
  }

  isPaths(column: number): boolean {
    return this.mostly(column, (field) => pictureNames.test(field));
  }

  /** Tells whether it rises from row to row as a number of the row does, and is no class that a sorted file has. */
  isIndex(column: number): boolean {
    const values = this.values(column).map(Number);
    return (
      values.length > 2 &&
      values.every((value, i) => Number.isInteger(value) && (i === 0 || value > values[i - 1]!))
    );
  }

  /** How many different values there are. */
  distinct(column: number): number {
    return new Set(this.values(column)).size;
  }

  /**
   * Looks like numbers of classes: whole numbers from 0 or 1 on, none left out, each more than once on average, and
   * unlike the column beside it, as neighboring pixels are not.
   */
  isClasses(column: number, neighbor: number): boolean {
    const found = new Set(this.values(column).map(Number));
    const [count, most] = [found.size, Math.max(...found)];
    const whole = [...found].every((value) => Number.isInteger(value) && value >= 0);
    const rows = this.sample.rows.length;
    // of few rows not every class need be there
    if (!whole || count < 2 || count > 256 || 2 * count > rows || most + 1 > 1.25 * count + 1) return false;
    const beside = this.distinct(neighbor);
    const largest = Math.max(...this.values(neighbor).map(Number));
    const alike = beside > 1 && Math.max(count, beside) <= 1.5 * Math.min(count, beside);
    return !(alike && most <= 1.5 * largest + 1 && largest <= 1.5 * most + 1);
  }

  nameOf(column: number): string {
    const name = this.sample.names?.[column];
    return name === undefined || name === '' ? `column ${column + 1}` : `column '${name}'`;
  }
}

/** The column that the user names: by its name, else by its number from 1. */
function givenLabel(label: string | number, { names, count }: Sample, file: string): number {
  const named = names?.indexOf(String(label)) ?? -1;
  if (named >= 0) return named;
  const number = typeof label === 'number' || /^\d+$/.test(label) ? Number(label) : undefined;
  if (number === undefined) {
    const found = names === undefined ? 'its first line holds no names' : `it has ${count} others`;
    throw new DataError(`${file}: there is no column "${label}": ${found}`);
  }
  if (Number.isInteger(number) && number >= 1 && number <= count) return number - 1;
  throw new DataError(`${file}: there is no column ${label}: it has ${count}`);
}

/** The column of a usual name. */
function usualLabel(names: readonly string[] | undefined): number | undefined {
  if (names === undefined) return undefined;
  const lower = names.map((name) => name.trim().toLowerCase());
  const name = labelNames.find((usual) => lower.includes(usual));
  return name === undefined ? undefined : lower.indexOf(name);
}

/** Finds out what columns are. */
export class ColumnFinder {
  private readonly inspect: Inspector;
  /** Those that are made alike by their names. */
  private readonly alike: ReadonlySet<number> | undefined;

  /** @param wantsLabel whether there must be a column of labels */
  constructor(
    private readonly sample: Sample,
    private readonly file: string,
    private readonly reading: Reading,
    private readonly wantsLabel: boolean,
  ) {
    this.inspect = new Inspector(sample);
    this.alike = sample.names && numbered(sample.names);
  }

  /** @throws DataError where the label is none of the columns, or may be several */
  find(): Roles {
    const { inspect, sample } = this;
    const { label: given } = this.reading.options;
    const paths = inspect.all.find((column) => inspect.isPaths(column));
    const fixed = given === undefined ? usualLabel(sample.names) : givenLabel(given, sample, this.file);
    const index = this.findIndex(fixed, paths);
    const label = fixed ?? this.guessLabel(new Set([index, paths]));
    const rest = inspect.all.filter((column) => ![label, index, paths].includes(column));
    const isPixel = (column: number) =>
      paths === undefined && !inspect.isText(column) && (this.alike === undefined || this.alike.has(column));
    const [pixels, others] = [rest.filter(isPixel), rest.filter((column) => !isPixel(column))];
    return { label, paths, index, others, pixels };
  }

  private isImage(pixels: number): boolean {
    return findShape(pixels, this.reading.shapes) !== undefined;
  }

  /** A column that numbers the rows: by its name, or because pixels and a label make an image without it alone. */
  private findIndex(label: number | undefined, paths: number | undefined): number | undefined {
    const { inspect, sample } = this;
    const open = inspect.all.filter(
      (column) => column !== label && column !== paths && !this.alike?.has(column),
    );
    const named = open.find((column) => isIndexName(sample.names?.[column] ?? 'none'));
    if (named !== undefined) return named;
    if (paths !== undefined) return undefined;
    const { count } = sample;
    const withLabel = label !== undefined || this.wantsLabel ? 1 : 0;
    if (this.isImage(count - withLabel)) return undefined;
    const surplus = this.isImage(count - withLabel - 1);
    return surplus ? open.find((column) => inspect.isIndex(column)) : undefined;
  }

  private guessLabel(taken: ReadonlySet<number | undefined>): number | undefined {
    const { inspect, alike } = this;
    const open = inspect.all.filter((column) => !taken.has(column));
    const odd = alike === undefined ? [] : open.filter((column) => !alike.has(column));
    if (odd.length === 1) return this.take(odd[0]!, 'its name is unlike those of the pixels');
    if (odd.length > 1) return this.fewest(odd);
    const texts = open.filter((column) => inspect.isText(column));
    if (texts.length === 1) return texts[0];
    if (texts.length > 1) return this.fewest(texts);
    return this.guessByNumbers(open);
  }

  /** Of several columns that may be labels, the one that alone repeats itself. */
  private fewest(columns: readonly number[]): number | undefined {
    const { inspect, sample } = this;
    const repeating = columns.filter((column) => {
      const distinct = inspect.distinct(column);
      return distinct > 1 && distinct <= 256 && 2 * distinct <= sample.rows.length;
    });
    if (repeating.length === 1) return this.take(repeating[0]!, 'it alone has values that repeat');
    if (!this.wantsLabel) return undefined;
    const names = columns.slice(0, 20).map((column) => inspect.nameOf(column));
    throw new DataError(`${this.file}: which column holds the labels is not clear: ${names.join(', ')}`, {
      hint: `${this.reading.nameOf('label')} names it, or gives its number from 1.`,
    });
  }

  private guessByNumbers(open: readonly number[]): number | undefined {
    const { inspect, sample, file, reading } = this;
    const [first, last] = [open[0], open.at(-1)];
    if (first === undefined || last === undefined || open.length < 2) {
      return this.wantsLabel && open.length > 0 && open.length < sample.count ? first : undefined;
    }
    const withoutLabel = this.isImage(open.length) && !this.isImage(open.length - 1);
    if (withoutLabel && !this.wantsLabel) return undefined;
    if (withoutLabel) {
      throw new DataError(
        `${file}: it has no column of labels: ${open.length} columns are the pixels of an image`,
        {
          hint: `\`quern predict\` tells classes of images without labels; ${reading.nameOf('label')} names a column that holds them.`,
        },
      );
    }
    if (!this.wantsLabel && this.isImage(open.length)) return undefined;
    const [begins, ends] = [inspect.isClasses(first, open[1]!), inspect.isClasses(last, open.at(-2)!)];
    if (ends && !begins) return this.take(last, 'it alone looks like numbers of classes');
    return first;
  }

  private take(column: number, why: string): number {
    const { inspect, file, reading } = this;
    reading.note(
      `${file}: labels are taken from ${inspect.nameOf(column)}: ${why} (${reading.nameOf('label')} names another)`,
    );
    return column;
  }
}
