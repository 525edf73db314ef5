/** Findings as a picture. */
import { drawChart } from '../../src/report/charts/chart.js';
import type { Plot } from './bench.js';

const width = 860;
/** Told apart by everybody: Okabe and Ito (2008). */
const colors = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#999999'];

/** The plot as the text of an SVG file. */
export function drawPlot({ title, kind, x, y, series }: Plot): Promise<string> {
  // bars lie where their names would not fit below them
  const longest = Math.max(...x.values.map(({ length }) => length));
  const lying = kind === 'bar' && longest > 10;
  const bars = x.values.length * series.length;
  const height = lying ? 130 + Math.max(18 * bars, 24 * x.values.length) : 460;
  const categories = {
    type: 'category' as const,
    name: x.title,
    nameLocation: 'middle' as const,
    nameGap: 32,
    data: [...x.values],
    axisLabel: { interval: 0 },
    inverse: lying,
  };
  const numbers = {
    type: 'value' as const,
    name: y.title,
    nameLocation: 'middle' as const,
    nameGap: lying ? 32 : 60,
  };
  const option = {
    backgroundColor: '#ffffff',
    color: colors,
    title: { text: title, left: 'center', top: 8, textStyle: { fontSize: 15 } },
    legend: { top: 38, itemGap: 24, show: series.length > 1 },
    grid: { left: lying ? 40 + 6.6 * longest : 90, right: 40, top: 75, bottom: 60 },
    xAxis: lying ? numbers : categories,
    yAxis: lying ? categories : numbers,
    series: series.map(({ name, values }) => ({ name, type: kind, data: [...values], connectNulls: true })),
  };
  return drawChart(option, { width, height, name: 'plot', title });
}
