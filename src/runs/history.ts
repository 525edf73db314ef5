/** The history of a training: JSON lines, and the same as a table for spreadsheets. */
import { parseJson } from '../core/schema.js';
import { checkEpoch } from '../training/files/checkpoint.js';
import type { EpochRecord } from '../training/fit/options.js';

/** The columns that every table has, in this order; what else records hold comes after them. */
const columns = [
  'epoch',
  'step',
  'loss',
  'accuracy',
  'validationLoss',
  'validationAccuracy',
  'learningRate',
  'seconds',
  'imagesPerSecond',
] as const;

/** One JSON object per line. */
export function historyLines(history: readonly EpochRecord[]): string {
  return history.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** Comma-separated values (RFC 4180) under a line of names; what a record does not hold is empty. */
export function historyTable(history: readonly EpochRecord[]): string {
  const names = [...new Set<string>([...columns, ...history.flatMap((record) => Object.keys(record))])];
  const rows = history.map((record) => {
    const values = new Map<string, unknown>(Object.entries(record));
    return names.map((name) => cell(values.get(name))).join(',');
  });
  return [names.join(','), ...rows].map((row) => `${row}\r\n`).join('');
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * The records of JSON lines. A last line without an end is left out: somebody else's tool may have cut it.
 *
 * @param path names the file in errors
 * @throws DataError naming the line that is no record
 */
export function parseHistory(text: string, path: string): EpochRecord[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line, i) => parseJson(line, `${path}: line ${i + 1}`, checkEpoch));
}
