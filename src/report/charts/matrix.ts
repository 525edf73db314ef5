/** The confusion matrix as a picture. */

import { at } from '../../core/lists.js';
import type { Confusion } from '../metrics/confusion.js';
import { axis, drawChart, font } from './chart.js';
import { type Step, scales, steps } from './theme.js';

/** Where all mistakes are rarer than this, none is drawn in the strongest color. */
const leastStrongest = 0.02;

/** With more classes, cells are too small for numbers. */
const mostNumbers = 26;

/**
 * The step of a cell: what is right by its share of the label's images; what is wrong by its share of the largest
 * mistake, by the root, so that small ones are seen too.
 */
function stepOf(share: number, right: boolean, largestMistake: number): Step {
  const strength = right ? share : Math.sqrt(share / largestMistake);
  return at(scales[right ? 'right' : 'wrong'], Math.round(strength * (steps - 1)));
}

/** The coordinates that a custom series asks for. */
interface MatrixApi {
  coord(value: readonly number[]): [number, number];
  size(value: readonly number[]): [number, number];
}

interface Cell {
  readonly row: number;
  readonly column: number;
  readonly count: number;
  /** Of the row's images. */
  readonly share: number;
}

/** A square with its number, unless there is no room for numbers. */
function drawCell(
  { row, column, count, share }: Cell,
  largestMistake: number,
  api: MatrixApi,
  fontSize: number | undefined,
) {
  const { fill, text } = stepOf(share, row === column, largestMistake);
  const [x, y] = api.coord([column, row]);
  const [width, height] = api.size([1, 1]);
  const shape = { x: x - width / 2 + 1, y: y - height / 2 + 1, width: width - 2, height: height - 2, r: 3 };
  const children: object[] = [{ type: 'rect', shape, style: { fill: fill[0] } }];
  if (fontSize !== undefined) {
    const font = `${fontSize}px system-ui, sans-serif`;
    const style = { text: String(count), fill: text[0], align: 'center', verticalAlign: 'middle', font };
    children.push({ type: 'text', x, y, style });
  }
  return { type: 'group', children };
}

/** Heat map: a row per label, a column per prediction; blue is right, orange is wrong, the stronger the more often. */
export function confusionChart({ size, counts }: Confusion, classes: readonly string[]): Promise<string> {
  const support = classes.map((_, row) =>
    counts.subarray(row * size, (row + 1) * size).reduce((sum, count) => sum + count, 0),
  );
  const cells: Cell[] = Array.from(counts, (count, i) => {
    const [row, column] = [Math.floor(i / size), i % size];
    return { row, column, count, share: count / at(support, row) };
  }).filter(({ count }) => count > 0);
  const largest = Math.max(
    leastStrongest,
    ...cells.flatMap(({ row, column, share }) => (row === column ? [] : [share])),
  );
  const longest = Math.max(...classes.map(({ length }) => length));
  const edge = Math.min(130, 22 + 6.8 * longest);
  const cell = size <= 12 ? 44 : size <= mostNumbers ? 26 : 14;
  const names = {
    ...axis,
    type: 'category',
    data: [...classes],
    axisTick: { show: false },
    splitLine: { show: false },
  } as const;
  const label = {
    ...axis.axisLabel,
    interval: 0,
    fontSize: cell < 20 ? 9 : 12,
    ...(longest > 15 && { width: edge - 24, overflow: 'truncate' }),
  };
  const upright = longest <= 2;
  const side = cell * size;
  const fontSize = size > mostNumbers ? undefined : cell > 30 ? 13 : 10;
  return drawChart(
    {
      textStyle: font,
      grid: { left: edge, top: upright ? 40 : edge, width: side, height: side },
      xAxis: {
        ...names,
        position: 'top',
        name: 'predicted',
        nameGap: upright ? 22 : edge - 14,
        axisLabel: { ...label, rotate: upright ? 0 : 50 },
      },
      yAxis: { ...names, inverse: true, name: 'label', nameGap: edge - 12, axisLabel: label },
      series: [
        {
          type: 'custom',
          data: cells.map(({ row, column }) => [column, row]),
          renderItem: ({ dataIndex }: { dataIndex: number }, api: MatrixApi) =>
            drawCell(at(cells, dataIndex), largest, api, fontSize),
        },
      ],
    },
    {
      width: Math.ceil(edge + side + 12),
      height: Math.ceil((upright ? 40 : edge) + side + 8),
      name: 'confusion',
      title: `Confusion matrix of ${size} classes: rows are labels, columns are predictions; the table below has the numbers`,
    },
  );
}
