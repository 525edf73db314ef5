import { DataError } from '../../../core/errors.js';
import type { ImageShape } from '../../images/picture.js';
import { checkInMemory, largestInMemory } from '../../memory.js';
import { className, isIndexName, labelNames } from '../names.js';
import type { Numbers } from '../pixels/scale.js';
import { shapeOfPixels } from '../pixels/shape.js';
import type { Reading } from '../reading.js';
import type { Raw } from '../source.js';
import { ColumnFinder, type Roles } from './columns.js';
import { type Columns, fieldsOf, isNumber, Lines, separatorOf } from './lines.js';
import { RowStore } from './rowStore.js';
import { readText } from './text.js';

/** Bytes that a name of a picture and its label take at most of the time, beside the text. */
const bytesPerPath = 256;

/** Lines that columns are told by. */
const sampled = 2000;

/** Tells names in a first line: they are no numbers, but a label may be none either, and columns numbered. */
function holdsNames(fields: readonly string[], { label }: Reading['options']): boolean {
  const words = fields.filter((field) => !isNumber(field));
  if (words.length > 1) return true;
  const [word] = words;
  if (word === undefined) return false;
  if (word === label || labelNames.includes(word.toLowerCase()) || isIndexName(word)) return true;
  // columns that are numbered one by one are no pixels
  const numbers = fields.filter(isNumber).map(Number);
  return numbers.length > 8 && numbers.every((number, i) => i === 0 || number === numbers[i - 1]! + 1);
}

/** A table of one's own: what its columns are is known, its lines are still to be read. */
export interface Table {
  readonly file: string;
  readonly lines: Lines;
  readonly separator: string;
  readonly names: readonly string[] | undefined;
  readonly count: number;
  readonly roles: Roles;
}

const decimalComma = /^[+-]?\d*,\d+$/;

/** Throws DataError for numbers such as 0,5: the comma would be taken for a separator, or the field for a text. */
function checkDecimals(lines: readonly string[], file: string): void {
  for (const separator of [';', '\t', '|']) {
    const found = lines.some((line) => {
      if (!line.includes(separator) || !line.includes(',')) return false;
      const fields = fieldsOf(line, separator);
      const commas = fields.filter((field) => decimalComma.test(field)).length;
      // beside a label and a name all are numbers
      return commas > 0 && fields.length - commas - fields.filter(isNumber).length <= 2;
    });
    if (!found) continue;
    const called = { ';': 'semicolons', '\t': 'tabs', '|': 'bars' }[separator];
    throw new DataError(`${file}: its numbers have decimal commas, between ${called}: points are read`, {
      hint: 'Write 0.5 for 0,5; the separator may stay.',
    });
  }
}

/** Opens a CSV file and finds out what its columns are. @param wantsLabel whether there must be one of labels */
export async function openTable(file: string, reading: Reading, wantsLabel: boolean): Promise<Table> {
  const lines = new Lines(await readText(file), file);
  if (!lines.advance()) throw new DataError(`${file}: there are no images in it`);
  const first = lines.text();
  const separator = separatorOf(first);
  const fields = fieldsOf(first, separator);
  const count = fields.length;
  if (count < 2 && wantsLabel) {
    throw new DataError(
      `${file}, line ${lines.number}: a label and pixels are expected: there is one column`,
    );
  }
  const names = holdsNames(fields, reading.options) ? fields : undefined;
  const texts = names === undefined ? [first, ...lines.sample(sampled)] : lines.sample(sampled);
  checkDecimals(names === undefined ? texts : [first, ...texts], file);
  const rows = texts.map((text) => fieldsOf(text, separator)).filter((row) => row.length === count);
  const roles = new ColumnFinder({ names, rows, count }, file, reading, wantsLabel).find();
  return { file, lines, separator, names, count, roles };
}

/** Says which columns are neither pixels nor labels. */
function notePassedOver({ file, names, roles }: Table, reading: Reading): void {
  const { index, others } = roles;
  const columns = index === undefined ? others : [index, ...others];
  if (columns.length === 0) return;
  const called = (i: number) => (names?.[i] ? `'${names[i]}'` : String(i + 1));
  const shown = columns.slice(0, 10).map(called).join(', ');
  const more = columns.length > 10 ? ` and ${columns.length - 10} more` : '';
  reading.note(`${file}: not taken for pixels: column${columns.length > 1 ? 's' : ''} ${shown}${more}`);
}

const columnsText = ({ names, count }: Table) =>
  names === undefined ? `${count} columns` : `its columns are ${names.slice(0, 10).join(', ')}`;

/** The rows of a table of pixels. */
interface Rows {
  readonly numbers: Numbers;
  readonly shape: ImageShape;
  readonly labels: string[];
  /** Names of the rows, where a column numbers them. */
  readonly names: string[] | undefined;
}

/**
 * Reads the lines of a table of pixels.
 *
 * @param limit of the bytes that the text and its rows take in memory
 * @throws DataError naming file and line
 */
export function readRows(table: Table, reading: Reading, limit = largestInMemory): Rows {
  const { file, lines, separator, count, roles } = table;
  notePassedOver(table, reading);
  const { label, index, pixels: own } = roles;
  const size = own.length;
  if (size === 0) throw new DataError(`${file}: there are no pixels in it: ${columnsText(table)}`);
  const shape = shapeOfPixels(size, reading, file);
  const pixels = new Uint8Array(count);
  for (const column of own) pixels[column] = 1;
  const columns: Columns = { count, label, name: index, pixels };
  const labels: string[] = [];
  const names: string[] = [];
  const numbers: number[] = [];
  const held = lines.length;
  // a pixel takes a digit, and every field ends
  const most = Math.floor((held + 1) / (count + size));
  const rows = new RowStore({ size, most, held, limit }, file);
  const row = new Float32Array(count);
  for (let more = table.names ? lines.advance() : true; more; more = lines.advance()) {
    const line = lines.read(separator, columns, row, 0);
    const flaw = flawOf(line, columns);
    if (flaw !== undefined) {
      reading.addBad(new DataError(`${file}, line ${lines.number}: ${flaw}`));
      continue;
    }
    rows.add(row);
    labels.push(className(line.label));
    if (index !== undefined) names.push(line.name);
    numbers.push(lines.number);
  }
  reading.settleBad(file);
  if (numbers.length === 0) throw new DataError(`${file}: there are no images in it`);
  const where = (i: number) => `${file}, line ${numbers[Math.floor(i / size)]}`;
  return {
    numbers: { values: rows.all(), where },
    shape,
    labels,
    names: index === undefined ? undefined : names,
  };
}

function flawOf(line: ReturnType<Lines['read']>, { count, label }: Columns): string | undefined {
  if (line.columns !== count) return `there are ${line.columns} columns, the first line has ${count}`;
  if (line.odd >= 0) return `column ${line.odd + 1} is not a number`;
  return label !== undefined && line.label === '' ? 'there is no label' : undefined;
}

/** Names of pictures and their labels, where a table has those. */
export function readPaths({ file, lines, separator, count, names, roles }: Table, reading: Reading) {
  const { label, paths } = roles;
  const columns: Columns = { count, label, name: paths, pixels: new Uint8Array(count) };
  const found: { readonly path: string; readonly label: string }[] = [];
  const none = new Float32Array(0);
  for (let more = names ? lines.advance() : true; more; more = lines.advance()) {
    const line = lines.read(separator, columns, none, 0);
    if (line.name === '' || (label !== undefined && line.label === '')) {
      const what = line.name === '' ? 'there is no name of a picture' : 'there is no label';
      reading.addBad(new DataError(`${file}, line ${lines.number}: ${what}`));
    } else found.push({ path: line.name, label: className(line.label) });
    checkInMemory(lines.length + found.length * bytesPerPath, file);
  }
  return found;
}

/** Tells whether a file lacks the labels that a table beside it has: all other columns are the same. */
export function lacksLabels(table: Table, other: Table): boolean {
  const { label } = table.roles;
  if (label === undefined || other.count >= table.count) return false;
  if (other.names !== undefined && table.names !== undefined)
    return !other.names.includes(table.names[label]!);
  return other.count === table.count - 1;
}

/** Reads a table of pixels and labels. */
export function rawOfTable(table: Table, reading: Reading): Raw {
  const { numbers, shape, labels } = readRows(table, reading);
  return { numbers, shape, labels };
}
