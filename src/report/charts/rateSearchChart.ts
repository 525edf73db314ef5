/** The chart of a search for a learning rate. */
import type { RateSearch } from '../../training/rateFinder/rateFinder.js';
import { axis, drawChart, font } from './chart.js';
import { colors } from './theme.js';

/** 0.00095 → `9.5e-4`, 0.1 → `1e-1`, 1 → `1` */
const exponential = (value: number) => {
  const text = value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  return text.endsWith('e0') ? text.slice(0, -2) : text;
};

/** Loss over learning rate, on a logarithmic axis: what was measured, what it is smoothed to, and the suggestion. */
export function rateSearchChart({ points, suggestion }: RateSearch): Promise<string> {
  const highest = Math.max(...points.map(({ smoothed }) => smoothed));
  const shown = points.filter(({ loss }) => loss <= 1.5 * highest);
  const at = points.find(({ learningRate }) => learningRate === suggestion);
  const line = (
    name: string,
    values: readonly (readonly [number, number])[],
    color: string,
    width: number,
  ) => ({
    type: 'line',
    name,
    data: values,
    symbol: 'none',
    itemStyle: { color: color },
    lineStyle: { color: color, width },
  });
  const loss = line(
    'loss',
    shown.map((point) => [point.learningRate, point.loss] as const),
    colors.green[0],
    1,
  );
  const smoothed = line(
    'smoothed',
    points.map((point) => [point.learningRate, point.smoothed] as const),
    colors.blue[0],
    2,
  );
  const suggested = {
    ...line('suggestion', at === undefined ? [] : [[at.learningRate, at.smoothed]], colors.orange[0], 0),
    symbol: 'circle',
    symbolSize: 11,
  };
  const told = suggestion === null ? 'nothing to suggest' : `suggestion ${exponential(suggestion)}`;
  return drawChart(
    {
      textStyle: font,
      legend: { right: 14, top: 0, textStyle: { ...font, fontSize: 12 }, itemGap: 14, itemWidth: 22 },
      grid: { left: 60, right: 20, top: 38, bottom: 46 },
      xAxis: {
        ...axis,
        type: 'log',
        name: 'learning rate',
        nameGap: 28,
        min: 'dataMin',
        max: 'dataMax',
        axisLabel: { ...axis.axisLabel, formatter: (value: number) => exponential(value) },
        splitLine: { show: false },
      },
      yAxis: { ...axis, type: 'value', name: 'loss', nameGap: 42, scale: true },
      series: at === undefined ? [loss, smoothed] : [loss, smoothed, suggested],
    },
    { width: 640, height: 380, name: 'rates', title: `Loss over learning rate: ${told}` },
  );
}
