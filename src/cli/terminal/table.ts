/** Tables as plain text and as Markdown. */
import { oneLine } from './output.js';

export type Alignment = 'left' | 'right';

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Of each column; those that are not named are left. */
  readonly alignments?: readonly Alignment[] | undefined;
}

/** No column gets narrower than this. */
const narrowest = 6;

/** Widths of columns that fit a line: the widest ones give what is too much. */
function fitted(widths: readonly number[], among: number): number[] {
  const fit = [...widths];
  let excess = fit.reduce((sum, width) => sum + width, 2 * (fit.length - 1)) - among;
  while (excess > 0) {
    const widest = Math.max(...fit);
    if (widest <= narrowest) break;
    fit[fit.indexOf(widest)] = widest - 1;
    excess--;
  }
  return fit;
}

/** A cell in pieces of a width, broken behind a space, comma, slash or dash where there is one. */
function pieces(cell: string, width: number): string[] {
  const found: string[] = [];
  let rest = cell;
  while (rest.length > width) {
    const at = Math.max(...[' ', ',', '/', '-', '_'].map((sign) => rest.lastIndexOf(sign, width - 1))) + 1;
    const end = at > width / 3 ? at : width;
    found.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return [...found, rest];
}

/** Columns of the terminal on stdout; elsewhere lines are as long as they are. */
const terminalWidth = () => (process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY);

/**
 * Columns padded to their widest cell, two spaces apart. Where that is wider than the terminal, the widest columns are made
 * narrower, and their cells go on below themselves.
 */
export function textTable({ header, rows, alignments = [] }: Table, width = terminalWidth()): string {
  const lines = [header, ...rows].map((line) => line.map(oneLine));
  const widest = header.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const widths = fitted(widest, width);
  return lines
    .flatMap((line) => {
      const cells = widths.map((room, column) => pieces(line[column] ?? '', room));
      const height = Math.max(...cells.map(({ length }) => length));
      return Array.from({ length: height }, (_, i) =>
        cells
          .map((cell, column) => {
            const piece = cell[i] ?? '';
            const room = widths[column]!;
            return alignments[column] === 'right' ? piece.padStart(room) : piece.padEnd(room);
          })
          .join('  ')
          .trimEnd(),
      );
    })
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
