/** Lines and fields of a CSV file. */
import { DataError } from '../../../core/errors.js';

const newline = 10;
const carriageReturn = 13;
const quote = 34;

/** Bytes of a line: an image of 8 megapixels. The texts of its fields take many times as much. */
const longestLine = 2 ** 25;
/** Bytes of the lines that columns are told by. */
const largestSample = 2 ** 25;

/** The fields of a line. A field in quotes may hold separators, and quotes twice. */
export function fieldsOf(line: string, separator: string): string[] {
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
export function separatorOf(line: string): string {
  const count = (separator: string) => line.split(separator).length;
  return [',', ';', '\t', '|'].reduce((best, other) => (count(other) > count(best) ? other : best));
}

export const isNumber = (field: string) => field !== '' && Number.isFinite(Number(field));

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

/** The meaning of each column. */
export interface Columns {
  readonly count: number;
  readonly label?: number | undefined;
  /** Names of pictures, or of rows. */
  readonly name?: number | undefined;
  /** 1 for columns that are pixels. */
  readonly pixels: Uint8Array;
}

/** A line: its pixels, and what it holds beside them. */
interface Line {
  readonly columns: number;
  label: string;
  name: string;
  /** The first column of pixels that is no number, from 0; −1 if there is none. */
  odd: number;
}

/** A file of lines, its fields where they lie: making a text of each of millions of pixels would take long. */
export class Lines {
  number = 0;
  private start = 0;
  private end = 0;
  private next = 0;
  private readonly hasQuotes: boolean;

  /** @param file for errors */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
  ) {
    this.hasQuotes = bytes.includes(quote);
  }

  /** Bytes of the text. */
  get length(): number {
    return this.bytes.length;
  }

  /** Bytes of the line. */
  get width(): number {
    return this.end - this.start;
  }

  /** Goes to the next line that is not empty; false behind the last. Throws DataError for one that is too long. */
  advance(): boolean {
    const { bytes } = this;
    while (this.next < bytes.length) {
      this.start = this.next;
      const found = bytes.indexOf(newline, this.start);
      this.end = found < 0 ? bytes.length : found;
      this.next = this.end + 1;
      this.number++;
      if (bytes[this.end - 1] === carriageReturn) this.end--;
      if (this.width > longestLine) {
        throw new DataError(
          `${this.file}, line ${this.number}: too long: ${this.width} bytes, the limit is ${longestLine}`,
          { hint: 'A line holds one image; is the file a text?' },
        );
      }
      if (this.start < this.end) return true;
    }
    return false;
  }

  text(): string {
    return decoder().decode(this.bytes.subarray(this.start, this.end));
  }

  /**
   * Texts of at most `most` lines behind this one, fewer where they are long: all of them if there are no more, else lines from all over the file,
   * which may be sorted by class. Stays where it is.
   */
  sample(most: number): string[] {
    const all = new Lines(this.bytes, this.file);
    all.next = this.next;
    const first: string[] = [];
    let held = 0;
    while (first.length <= most && held <= largestSample) {
      if (!all.advance()) return first;
      first.push(all.text());
      held += all.width;
    }
    const count = Math.max(1, Math.min(most, Math.floor((first.length * largestSample) / held)));
    const spread: string[] = [];
    held = 0;
    const length = this.bytes.length - this.next;
    for (let i = 0; i < count && held <= largestSample; i++) {
      // the line behind this place, which is in the middle of one
      all.next = this.next + Math.floor((length * i) / count);
      if (i > 0 && !all.advance()) break;
      if (!all.advance()) continue;
      spread.push(all.text());
      held += all.width;
    }
    return spread;
  }

  /** Reads the line; the pixels go to `values`, from `at` on. */
  read(separator: string, columns: Columns, values: Float32Array, at: number): Line {
    const { bytes, start, end } = this;
    if (this.hasQuotes && bytes.subarray(start, end).includes(quote)) {
      return this.readQuoted(separator, columns, values, at);
    }
    const code = separator.charCodeAt(0);
    const { label, name, pixels } = columns;
    const line = { columns: 0, label: '', name: '', odd: -1 };
    let place = at;
    for (let from = start; from <= end; line.columns++) {
      let to = from;
      while (to < end && bytes[to] !== code) to++;
      if (pixels[line.columns] === 1) {
        const value = numberIn(bytes, from, to);
        if (Number.isNaN(value) && line.odd < 0) line.odd = line.columns;
        values[place++] = value;
      } else if (line.columns === label) line.label = decoder().decode(bytes.subarray(from, to)).trim();
      else if (line.columns === name) line.name = decoder().decode(bytes.subarray(from, to)).trim();
      from = to + 1;
    }
    return line;
  }

  private readQuoted(
    separator: string,
    { label, name, pixels }: Columns,
    values: Float32Array,
    at: number,
  ): Line {
    const fields = fieldsOf(this.text(), separator);
    let place = at;
    let odd = -1;
    for (const [i, field] of fields.entries()) {
      if (pixels[i] !== 1) continue;
      if (!isNumber(field) && odd < 0) odd = i;
      values[place++] = isNumber(field) ? Number(field) : Number.NaN;
    }
    const text = (column: number | undefined) => (column === undefined ? '' : (fields[column] ?? ''));
    return { columns: fields.length, label: text(label), name: text(name), odd };
  }
}
