/** Loss and accuracy over the steps of a training, of one run or two. */
import uPlot from 'uplot';
import { color } from './dom.js';

/** Of the steps since the point before. */
export interface Point {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

export interface Validated {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
  readonly validated: readonly Validated[];
}

type Measure = 'loss' | 'accuracy';
const mostPoints = 2000;

/** All curves over one axis of steps; undefined where a curve has no point. */
function dataOf(curves: readonly Curve[], measure: Measure): uPlot.AlignedData {
  const lists = curves.flatMap(({ points, validated }) =>
    validated.length > 0 ? [points, validated] : [points],
  );
  const steps = [...new Set(lists.flatMap((list) => list.map(({ step }) => step)))].sort((a, b) => a - b);
  const rows = lists.map((list) => {
    const values = new Map(list.map((each) => [each.step, each[measure]]));
    return steps.map((step) => values.get(step));
  });
  return [steps, ...rows] as uPlot.AlignedData;
}

function seriesOf(curves: readonly Curve[]): uPlot.Series[] {
  const colors = ['blue', 'orange'];
  return curves.flatMap(({ name, validated }, i) => {
    const stroke = color(colors[i] ?? 'purple');
    const label = curves.length === 1 ? 'training' : name;
    const training = {
      label,
      stroke,
      width: 2,
      spanGaps: true,
      points: { show: false },
      dash: i === 0 ? [] : [6, 4],
    };
    if (validated.length === 0) return [training];
    const points = { show: true, size: 8, fill: stroke };
    return [
      training,
      { label: `${label}, held out`, stroke, width: 1, spanGaps: true, dash: [2, 4], points },
    ];
  });
}

/** One chart in an element of the page. */
export class Chart {
  private plot: uPlot | undefined;
  private shape = '';
  private last: readonly Curve[] = [];

  constructor(
    private readonly place: HTMLElement,
    private readonly measure: Measure,
  ) {
    new ResizeObserver(() => this.resize()).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.forget();
      this.draw(this.last);
    });
  }

  draw(curves: readonly Curve[]): void {
    this.last = curves;
    const shown = curves.filter(({ points }) => points.length > 0);
    if (shown.length === 0) {
      this.forget();
      return;
    }
    const data = dataOf(shown.map(thinned), this.measure);
    const shape = shown.map(({ name, validated }) => `${name} ${validated.length > 0}`).join('\n');
    if (this.plot !== undefined && this.shape === shape) {
      this.plot.setData(data);
      return;
    }
    this.forget();
    this.shape = shape;
    this.plot = new uPlot(this.options(shown), data, this.place);
    const last = shown[0]?.points.at(-1)?.[this.measure] ?? 0;
    this.place.setAttribute('aria-label', `${this.measure} over steps, now ${last.toFixed(4)}`);
  }

  private options(curves: readonly Curve[]): uPlot.Options {
    const axis = {
      stroke: color('soft'),
      grid: { stroke: color('faint'), width: 1 },
      ticks: { show: false },
    };
    const upTo: uPlot.Scale.Range = (_plot, low, high) =>
      this.measure === 'loss' ? [0, high * 1.05] : [Math.min(low, 0.9), 1];
    return {
      ...this.size(),
      scales: { x: { time: false }, y: { range: upTo } },
      axes: [axis, { ...axis, size: 54 }],
      series: [{ label: 'step' }, ...seriesOf(curves)],
      legend: { live: false },
    };
  }

  private size() {
    return { width: Math.max(240, this.place.clientWidth), height: 220 };
  }

  private resize(): void {
    this.plot?.setSize(this.size());
  }

  private forget(): void {
    this.plot?.destroy();
    this.plot = undefined;
  }
}

/** Every so many points, the last one always. */
function thinned(curve: Curve): Curve {
  const every = Math.ceil(curve.points.length / mostPoints);
  if (every <= 1) return curve;
  const { length } = curve.points;
  return { ...curve, points: curve.points.filter((_, i) => i % every === 0 || i === length - 1) };
}
