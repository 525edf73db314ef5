/** Findings as a table of plain text. */
import type { Column, Findings, Row } from './bench.js';

const grouped = (text: string) => text.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',');

/** Whole numbers as they are, others with three digits that count: 1234.5 → `1,230`, 0.01234 → `0.0123`. */
export function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return grouped(String(value));
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = Number(value.toPrecision(3));
  return grouped(rounded.toFixed(Math.min(digits, 12)));
}

function number(value: number, unit: string | undefined): string {
  return unit === 'share' ? `${(100 * value).toFixed(0)}%` : threeDigits(value);
}

function cell(value: Row[string] | undefined, unit: string | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return number(value, unit);
  if (value.count < 2) return number(value.median, unit);
  // half of the width between the quartiles, as a share of the median
  const spread = (value.high - value.low) / 2 / value.median;
  return `${number(value.median, unit)} ±${(100 * spread).toFixed(0)}%`;
}

const heading = ({ title, unit }: Column) =>
  unit === undefined || unit === 'share' ? title : `${title} (${unit})`;

/** A line per row, columns aligned, numbers to the right. */
export function formatTable({ columns, rows }: Pick<Findings, 'columns' | 'rows'>): string {
  const lines = [
    columns.map(heading),
    ...rows.map((row) => columns.map(({ key, unit }) => cell(row[key], unit))),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const isText = columns.map(({ key }) => rows.every((row) => typeof (row[key] ?? '') === 'string'));
  const print = (line: readonly string[]) =>
    line
      .map((text, i) => (isText[i] ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const rule = '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return [print(lines[0]!), rule, ...lines.slice(1).map(print)].join('\n');
}

/** `1 thread`, `2 threads` */
export const threadCount = (count: number): string => `${count} ${count === 1 ? 'thread' : 'threads'}`;
