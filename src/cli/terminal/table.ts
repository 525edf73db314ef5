/** Tables as plain text and as Markdown. */
import { oneLine } from './output.js';

export type Alignment = 'left' | 'right';

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Of each column; those that are not named are left. */
  readonly alignments?: readonly Alignment[] | undefined;
}

/** Columns padded to their widest cell, two spaces apart. */
export function textTable({ header, rows, alignments = [] }: Table): string {
  const lines = [header, ...rows].map((line) => line.map(oneLine));
  const widths = header.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      widths
        .map((width, column) => {
          const cell = line[column] ?? '';
          return alignments[column] === 'right' ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const escaped = (cell: string) => oneLine(cell.replaceAll('\n', ' ')).replaceAll('|', '\\|');

/** A table of GitHub-flavoured Markdown. */
export function markdownTable({ header, rows, alignments = [] }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  const rule = header.map((_, column) => (alignments[column] === 'right' ? '---:' : '---'));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}

const blocks = '▁▂▃▄▅▆▇█';

/**
 * Numbers as a line of small bars, from the lowest to the highest of `among`. More numbers than `width` are taken at even
 * distances, the last always.
 */
export function sparkline(values: readonly number[], among: readonly number[] = values, width = 40): string {
  const low = Math.min(...among);
  const range = Math.max(...among) - low;
  const count = Math.min(values.length, width);
  const shown = Array.from(
    { length: count },
    (_, i) => values[Math.ceil(((i + 1) * values.length) / count) - 1]!,
  );
  return shown
    .map(
      (value) => blocks[range === 0 ? 0 : Math.round(((value - low) / range) * (blocks.length - 1))] ?? ' ',
    )
    .join('');
}
