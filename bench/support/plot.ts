/** Findings as a picture. The library that draws is a development dependency: an installed Quern has tables and JSON. */
import type { Plot } from './bench.js';

const size = { width: 860, height: 460 };
/** Told apart by everybody: Okabe and Ito (2008). */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#999999'];

/** Whether SVG can be drawn here. */
export async function canPlot(): Promise<boolean> {
  return import('echarts/core').then(
    () => true,
    () => false,
  );
}

/** The plot as the text of an SVG file. */
export async function drawPlot({ title, kind, x, y, series }: Plot): Promise<string> {
  const [core, { BarChart, LineChart }, { GridComponent, LegendComponent, TitleComponent }, { SVGRenderer }] =
    await Promise.all([
      import('echarts/core'),
      import('echarts/charts'),
      import('echarts/components'),
      import('echarts/renderers'),
    ]);
  core.use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);
  const chart = core.init(null, null, { renderer: 'svg', ssr: true, ...size });
  const steep = Math.max(...x.values.map((value) => value.length)) > 8;
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: colours,
    title: { text: title, left: 'center', textStyle: { fontSize: 15 } },
    legend: { top: 30, show: series.length > 1 },
    grid: { left: 70, right: 30, top: 70, bottom: steep ? 130 : 60 },
    xAxis: {
      type: 'category',
      name: x.title,
      nameLocation: 'middle',
      nameGap: steep ? 105 : 32,
      data: [...x.values],
      axisLabel: { interval: 0, rotate: steep ? 35 : 0 },
    },
    yAxis: { type: 'value', name: y.title },
    series: series.map(({ name, values }) => ({ name, type: kind, data: [...values], connectNulls: true })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
