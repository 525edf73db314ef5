import { DataError } from '../../core/errors.js';
import { readBounded } from '../idx.js';
import type { Examples, ImageShape } from './examples.js';
import { shapeOfPixels, toPixels } from './pixels.js';

export interface CsvOptions {
  /** Name of the column of labels, or its number, counted from 1. Default: a column of a usual name, else the first. */
  readonly label?: string | number | undefined;
  /** What the pixels of a row are; default: a square. */
  readonly shapes: readonly (ImageShape | undefined)[];
}

const usualNames = ['label', 'class', 'target', 'y'];
const newline = 10;
const carriageReturn = 13;
const quote = 34;

/** The fields of a line. A field in quotes may hold separators, and quotes twice. */
function fieldsOf(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator).map((field) => field.trim());
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const letter = line[i]!;
    if (quoted && letter === '"' && line[i + 1] === '"') {
      field += '"';
      i++;
    } else if (letter === '"') quoted = !quoted;
    else if (letter === separator && !quoted) {
      fields.push(field.trim());
      field = '';
    } else field += letter;
  }
  return [...fields, field.trim()];
}

/** The separator that splits a line most. */
function separatorOf(line: string): string {
  const count = (separator: string) => line.split(separator).length;
  return [',', ';', '\t'].reduce((best, other) => (count(other) > count(best) ? other : best));
}

const isNumber = (field: string) => field !== '' && Number.isFinite(Number(field));

/** Whether a first line holds names: they are no numbers, but a label may be none either, and columns numbered. */
function holdsNames(fields: readonly string[], label: CsvOptions['label']): boolean {
  const words = fields.filter((field) => !isNumber(field));
  return words.length > 1 || words.some((word) => word === label || usualNames.includes(word.toLowerCase()));
}

/** Which column holds the labels, counted from 0. */
function labelColumn(
  names: readonly string[] | undefined,
  columns: number,
  label: CsvOptions['label'],
  file: string,
) {
  if (typeof label === 'number') {
    if (Number.isInteger(label) && label >= 1 && label <= columns) return label - 1;
    throw new DataError(`${file}: there is no column ${label}: it has ${columns}`);
  }
  if (label !== undefined) {
    const column = names?.indexOf(label) ?? -1;
    if (column >= 0) return column;
    const found = names === undefined ? 'its first line holds no names' : `it has ${columns} others`;
    throw new DataError(`${file}: there is no column "${label}": ${found}`);
  }
  const usual = names?.findIndex((name) => usualNames.includes(name.toLowerCase())) ?? -1;
  return Math.max(usual, 0);
}

const decoder = () => new TextDecoder();

/** The number in some bytes of a text, which is nearly always a few digits; NaN if it is none. */
function numberIn(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 48;
    if (!(digit >= 0 && digit <= 9)) return otherNumber(bytes.subarray(from, to));
    value = value * 10 + digit;
  }
  return from === to ? Number.NaN : value;
}

function otherNumber(bytes: Uint8Array): number {
  const text = decoder().decode(bytes).trim();
  return text === '' ? Number.NaN : Number(text);
}

/** A file of lines, its fields where they lie: making a text of each of millions of pixels would take long. */
class Lines {
  number = 0;
  private start = 0;
  private end = 0;
  private next = 0;
  private readonly hasQuotes: boolean;

  constructor(private readonly bytes: Uint8Array) {
    this.hasQuotes = bytes.includes(quote);
  }

  /** Goes to the next line that is not empty; false behind the last. */
  advance(): boolean {
    const { bytes } = this;
    while (this.next < bytes.length) {
      this.start = this.next;
      const found = bytes.indexOf(newline, this.start);
      this.end = found < 0 ? bytes.length : found;
      this.next = this.end + 1;
      this.number++;
      if (bytes[this.end - 1] === carriageReturn) this.end--;
      if (this.start < this.end) return true;
    }
    return false;
  }

  text(): string {
    return decoder().decode(this.bytes.subarray(this.start, this.end));
  }

  /**
   * Reads the line as a label and numbers, which go to `values`; gives the number of columns, or −1 − the column that is
   * not a number.
   */
  read(separator: string, column: number, values: Float32Array, at: number, label: (text: string) => void) {
    const { bytes, start, end } = this;
    if (this.hasQuotes && bytes.subarray(start, end).includes(quote)) {
      return this.readQuoted(separator, column, values, at, label);
    }
    const code = separator.charCodeAt(0);
    let columns = 0;
    let place = at;
    for (let from = start; from <= end; columns++) {
      let to = from;
      while (to < end && bytes[to] !== code) to++;
      if (columns === column) label(decoder().decode(bytes.subarray(from, to)).trim());
      else {
        const value = numberIn(bytes, from, to);
        if (Number.isNaN(value)) return -1 - columns;
        values[place++] = value;
      }
      from = to + 1;
    }
    return columns;
  }

  private readQuoted(
    separator: string,
    column: number,
    values: Float32Array,
    at: number,
    label: (text: string) => void,
  ): number {
    const fields = fieldsOf(this.text(), separator);
    let place = at;
    for (const [i, field] of fields.entries()) {
      if (i === column) label(field);
      else if (!isNumber(field)) return -1 - i;
      else values[place++] = Number(field);
    }
    return fields.length;
  }
}

/**
 * Reads a CSV file with an image in each line: a label, and pixels row by row. The first line may hold the names of the
 * columns. Separators are commas, semicolons or tabs.
 *
 * @throws DataError naming file and line
 */
export async function readCsv(file: string, { label, shapes }: CsvOptions): Promise<Examples> {
  const lines = new Lines(await readBounded(file));
  if (!lines.advance()) throw new DataError(`${file}: there are no images in it`);
  const first = lines.text();
  const separator = separatorOf(first);
  const names = fieldsOf(first, separator);
  const columns = names.length;
  const where = () => `${file}, line ${lines.number}`;
  if (columns < 2) throw new DataError(`${where()}: a label and pixels are expected: there is one column`);
  const named = holdsNames(names, label);
  const column = labelColumn(named ? names : undefined, columns, label, file);
  const size = columns - 1;
  const labels: string[] = [];
  const numbers: number[] = [];
  let values = new Float32Array(1024 * columns);
  for (let more = named ? lines.advance() : true; more; more = lines.advance()) {
    const start = labels.length * size;
    if (start + columns > values.length) {
      const longer = new Float32Array(2 * values.length);
      longer.set(values);
      values = longer;
    }
    const found = lines.read(separator, column, values, start, (text) => labels.push(text));
    if (found < 0) throw new DataError(`${where()}: column ${-found} is not a number`);
    if (found !== columns) {
      throw new DataError(`${where()}: there are ${found} columns, the first line has ${columns}`);
    }
    if (labels.at(-1) === '') throw new DataError(`${where()}: there is no label`);
    numbers.push(lines.number);
  }
  if (labels.length === 0) throw new DataError(`${file}: there are no images in it`);
  const shape = shapeOfPixels(size, shapes, file);
  const used = values.subarray(0, labels.length * size);
  const images = toPixels(used, (i) => `${file}, line ${numbers[Math.floor(i / size)]}`);
  return { images, shape, labels };
}
