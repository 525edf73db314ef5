/** The charts of a report. */

import { at } from '../../core/lists.js';
import type { CurvePoint } from '../../runs/curve.js';
import type { EpochRecord } from '../../training/fit/options.js';
import type { Calibration } from '../metrics/calibration.js';
import type { Rung } from '../metrics/ladder.js';
import { axis, type ChartOption, drawChart, font } from './chart.js';
import { colors } from './theme.js';

interface Line {
  readonly name: string;
  readonly values: readonly (readonly [number, number])[];
  readonly color: string;
  readonly dashed?: boolean;
  /** Of steps, behind the epochs. */
  readonly thin?: boolean;
}

const curve = { width: 350, height: 240 } as const;

/** Numbers of an axis: as many digits as tell them apart, 1e-7 where 0.0000001 would stand. */
const digits = (value: number) =>
  value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(Number(value.toPrecision(6)));

/**
 * Round bounds of an axis around values, within what there can be, with some four steps between.
 *
 * @param most the highest that there can be; the lowest is 0
 */
function bounds(values: readonly number[], most = Number.POSITIVE_INFINITY) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = high - low || high || 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const interval = power * ([1, 2, 5].find((factor) => factor * power >= span / 4) ?? 10);
  // rounded, since 3 × 0.1 is not 0.3
  const round = (steps: number) => Number((steps * interval).toPrecision(12));
  const min = Math.max(0, round(Math.floor(low / interval)));
  const max = Math.min(most, round(Math.ceil(high / interval)));
  if (max > min) return { min, max, interval };
  return min === most ? { min: min - interval, max, interval } : { min, max: min + interval, interval };
}

const valuesOf = (all: readonly Line[]) => all.flatMap(({ values }) => values.map(([, value]) => value));

function lines(title: string, all: readonly Line[], y: object): ChartOption {
  return {
    textStyle: font,
    title: { text: title, left: 0, top: 0, textStyle: { ...font, fontSize: 14, fontWeight: 600 } },
    legend: {
      show: all.length > 1 && all.length < 7,
      // text is measured without its font, so there is some room for error
      right: 16,
      top: 0,
      textStyle: { ...font, fontSize: 12 },
      itemGap: 10,
      itemWidth: 22,
    },
    grid: { left: 52, right: 12, top: 38, bottom: 44 },
    xAxis: {
      ...axis,
      type: 'value',
      name: 'epoch',
      nameGap: 28,
      minInterval: 1,
      min: 0,
      max: 'dataMax',
      splitLine: { show: false },
    },
    yAxis: { ...axis, type: 'value', scale: true, ...y },
    series: all.map(({ name, values, color, dashed, thin }) => ({
      type: 'line',
      name,
      data: values,
      symbol: dashed ? 'emptyCircle' : 'circle',
      symbolSize: thin || values.length > 40 ? 0 : 6,
      itemStyle: { color: color },
      lineStyle: { color: color, width: thin ? 1 : 2, ...(dashed && { type: [6, 4] }) },
    })),
  };
}

const points = (history: readonly EpochRecord[], value: (record: EpochRecord) => number | undefined) =>
  history.flatMap((record) => {
    const found = value(record);
    return found === undefined ? [] : [[record.epoch, found] as const];
  });

function pair(
  history: readonly EpochRecord[],
  training: (record: EpochRecord) => number | undefined,
  validation: (record: EpochRecord) => number | undefined,
): Line[] {
  const both: Line[] = [
    { name: 'training', values: points(history, training), color: colors.blue[0] },
    { name: 'validation', values: points(history, validation), color: colors.orange[0], dashed: true },
  ];
  return both.filter(({ values }) => values.length > 0);
}

/**
 * The steps within epochs. Of several epochs only what lies in the range of their means and validations: the first steps
 * would press all else flat.
 */
function within(epochs: readonly Line[], curve: readonly CurvePoint[], value: (point: CurvePoint) => number) {
  const known = valuesOf(epochs);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const single = epochs.every(({ values }) => values.length < 2);
  const values = curve
    .map((point) => [point.at, value(point)] as const)
    .filter(([, each]) => single || (each >= low && each <= high));
  const steps: Line = { name: 'steps', values, color: colors.green[0], thin: true };
  return values.length === 0 ? [...epochs] : [steps, ...epochs];
}

const last = (values: readonly (readonly [number, number])[]) => values.at(-1)![1];

/** Loss by epoch: of training, with dropout and the weights of each step, and of validation. */
export function lossChart(
  history: readonly EpochRecord[],
  steps: readonly CurvePoint[] = [],
): Promise<string> {
  const epochs = pair(
    history,
    ({ loss }) => loss,
    ({ validationLoss }) => validationLoss,
  );
  const all = within(epochs, steps, ({ loss }) => loss);
  const ends = epochs.map(({ name, values }) => `${name} ends at ${last(values).toFixed(4)}`).join(', ');
  return drawChart(
    lines('Loss', all, { ...bounds(valuesOf(all)), axisLabel: { ...axis.axisLabel, formatter: digits } }),
    {
      ...curve,
      name: 'loss',
      title: `Loss over ${history.length} epochs: ${ends}`,
    },
  );
}

/** Accuracy by epoch, in percent. */
export function accuracyChart(
  history: readonly EpochRecord[],
  steps: readonly CurvePoint[] = [],
): Promise<string> {
  const share = (value: number | undefined) => (value === undefined ? undefined : 100 * value);
  const epochs = pair(
    history,
    ({ accuracy }) => share(accuracy),
    ({ validationAccuracy }) => share(validationAccuracy),
  );
  const all = within(epochs, steps, ({ accuracy }) => 100 * accuracy);
  const ends = epochs.map(({ name, values }) => `${name} ends at ${last(values).toFixed(2)}%`).join(', ');
  const axisLabel = { ...axis.axisLabel, formatter: (value: number) => `${digits(value)}%` };
  return drawChart(lines('Accuracy', all, { ...bounds(valuesOf(all), 100), axisLabel }), {
    ...curve,
    name: 'accuracy',
    title: `Accuracy over ${history.length} epochs: ${ends}`,
  });
}

/** Learning rate of each epoch's last step. */
export function rateChart(history: readonly EpochRecord[]): Promise<string> {
  const values = points(history, ({ learningRate }) => learningRate);
  const all = [{ name: 'learning rate', values, color: colors.green[0] }];
  const axisLabel = { ...axis.axisLabel, formatter: digits };
  return drawChart(lines('Learning rate', all, { scale: false, axisLabel }), {
    ...curve,
    name: 'rate',
    title: `Learning rate over ${history.length} epochs: from ${digits(at(values, 0)[1])} to ${digits(last(values))}`,
  });
}

/** How often the model was right, by how sure it was. */
export function reliabilityChart({ bins, expectedError }: Calibration): Promise<string> {
  const label = { ...axis.axisLabel, formatter: (value: number) => `${Math.round(value * 100)}%` };
  const numbers = { ...axis, type: 'value', min: 0, max: 1, interval: 0.2, axisLabel: label } as const;
  const known = bins.filter(({ count }) => count > 0);
  return drawChart(
    {
      textStyle: font,
      grid: { left: 62, right: 14, top: 12, bottom: 46 },
      xAxis: { ...numbers, name: 'confidence', nameGap: 28, splitLine: { show: false } },
      yAxis: { ...numbers, name: 'accuracy', nameGap: 44 },
      series: [
        {
          type: 'custom',
          // clipped to the axes by the bins themselves
          data: known.map(({ low, high, accuracy }) => [low, high, accuracy!]),
          renderItem: (_: unknown, api: CustomApi) => {
            const [left, top] = api.coord([api.value(0), api.value(2)]);
            const [right, bottom] = api.coord([api.value(1), 0]);
            const shape = { x: left + 1, y: top, width: right - left - 2, height: Math.max(1, bottom - top) };
            return { type: 'rect', shape, style: { fill: colors.blue[0], opacity: 0.55 } };
          },
        },
        {
          type: 'line',
          data: [
            [0, 0],
            [1, 1],
          ],
          symbol: 'none',
          lineStyle: { color: colors.soft[0], width: 1.5, type: [5, 4] },
        },
        {
          type: 'line',
          data: known.map(({ confidence, accuracy }) => [confidence, accuracy]),
          symbol: 'circle',
          // the area tells how many predictions there are
          symbolSize: (_: unknown, { dataIndex }: { dataIndex: number }) =>
            5 + 11 * Math.sqrt(at(known, dataIndex).count / Math.max(...known.map(({ count }) => count))),
          itemStyle: { color: colors.orange[0] },
          lineStyle: { width: 0 },
        },
      ],
    },
    {
      width: 460,
      height: 340,
      name: 'reliability',
      title: `Accuracy by confidence; expected calibration error ${(100 * expectedError).toFixed(2)}%`,
    },
  );
}

/** The coordinates that a custom series asks for. */
interface CustomApi {
  value(dimension: number): number;
  coord(value: readonly number[]): [number, number];
}

/** A rung of the ladder: a point on a line, with its interval if it is the run's own, and its number at the right. */
function drawRung(isOwn: boolean, { min, max }: { min: number; max: number }, api: CustomApi) {
  const place = (value: number) => api.coord([value, api.value(1)]);
  const [accuracy, low, high] = [api.value(0), api.value(2), api.value(3)];
  const [x, middle] = place(accuracy);
  const y = middle + 9;
  const color = isOwn ? colors.orange[0] : colors.blue[0];
  const line = (from: number, to: number, stroke: string, lineWidth: number) => ({
    type: 'line',
    shape: { x1: place(from)[0], y1: y, x2: place(to)[0], y2: y },
    style: { stroke, lineWidth },
  });
  const style = {
    text: `${accuracy.toFixed(2)}%`,
    fill: isOwn ? color : colors.ink[0],
    font: `${isOwn ? 700 : 400} 13px system-ui, sans-serif`,
    textVerticalAlign: 'middle',
  };
  return {
    type: 'group',
    children: [
      line(min, max, colors.faint[0], 1),
      ...(isOwn ? [line(low, high, color, 4)] : []),
      { type: 'circle', shape: { cx: x, cy: y, r: isOwn ? 7 : 5 }, style: { fill: color } },
      { type: 'text', x: place(max)[0] + 8, y, style },
    ],
  };
}

/** Test accuracies in percent. */
const accuracyAxis = {
  ...axis,
  type: 'value',
  name: 'test accuracy',
  nameGap: 28,
  splitNumber: 4,
  splitLine: { ...axis.splitLine, showMinLine: false, showMaxLine: false },
  axisLabel: {
    ...axis.axisLabel,
    showMinLabel: false,
    showMaxLabel: false,
    formatter: (value: number) => `${digits(value)}%`,
  },
};

/** Published accuracies with the run among them. */
export function ladderChart(rungs: readonly Rung[]): Promise<string> {
  const own = rungs.find(({ interval }) => interval !== undefined);
  const all = rungs.flatMap(({ accuracy, interval }) => [accuracy, ...(interval ?? [])]);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const margin = Math.max(0.05, (high - low) * 0.06);
  const scale = { min: Math.max(0, low - margin), max: Math.min(100, high + margin) };
  const rowHeight = 44;
  const cut = (text: string) => (text.length > 66 ? `${text.slice(0, 65)}…` : text);
  return drawChart(
    {
      textStyle: font,
      grid: { left: 8, right: 64, top: 4, bottom: 46 },
      xAxis: { ...accuracyAxis, ...scale },
      yAxis: {
        type: 'category',
        inverse: true,
        data: rungs.map(({ name }) => cut(name)),
        axisLine: { show: false },
        axisTick: { show: false },
        axisLabel: {
          interval: 0,
          inside: true,
          align: 'left',
          margin: 2,
          padding: [0, 0, 22, 0],
          fontSize: 12,
          color: colors.soft[0],
          formatter: (text: string, i: number) =>
            at(rungs, i).interval === undefined ? text : `{own|${text}}`,
          rich: { own: { color: colors.orange[0], fontWeight: 700, fontSize: 12 } },
        },
      },
      series: [
        {
          type: 'custom',
          data: rungs.map(({ accuracy, interval = [accuracy, accuracy] }, i) => [accuracy, i, ...interval]),
          renderItem: ({ dataIndex }: { dataIndex: number }, api: CustomApi) =>
            drawRung(rungs[dataIndex] === own, scale, api),
        },
      ],
    },
    {
      width: 520,
      height: 50 + rowHeight * rungs.length,
      name: 'ladder',
      title: `Published test accuracies beside this run: ${rungs.map(({ name, accuracy }) => `${name} ${accuracy.toFixed(2)}%`).join('; ')}`,
    },
  );
}

/** The colors of several runs, in turn. */
export const runColors = ['blue', 'orange', 'green', 'purple', 'ink', 'soft'] as const;

/** One number of several runs by epoch, a line per run; shares in percent. */
export function runsChart(
  title: string,
  name: string,
  runs: readonly Pick<Line, 'name' | 'values'>[],
  isShare: boolean,
): Promise<string> {
  const all = runs
    .map((run, i): Line => {
      const color = colors[at(runColors, i % runColors.length)][0];
      return { ...run, color, dashed: Math.floor(i / runColors.length) % 2 === 1 };
    })
    .filter(({ values }) => values.length > 0);
  const unit = isShare ? '%' : '';
  const print = (value: number) => `${digits(Number(value.toFixed(4)))}${unit}`;
  const axisLabel = { ...axis.axisLabel, formatter: (value: number) => `${digits(value)}${unit}` };
  const scale = bounds(valuesOf(all), isShare ? 100 : undefined);
  const ends = all.map(({ name, values }) => `${name} ends at ${print(last(values))}`).join(', ');
  return drawChart(lines(title, all, { ...scale, axisLabel }), {
    ...curve,
    name,
    title: `${title} of ${runs.length} runs: ${ends}`,
  });
}
