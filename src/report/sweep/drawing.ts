/** Charts of a sweep as SVG, drawn by hand: in the colors of reports, which a style sheet makes dark on dark pages. */
import { colors, scales, steps } from '../charts/theme.js';
import { type Content, Html, html } from '../page/html.js';

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export const chartFrame: Frame = { width: 360, height: 240, left: 50, right: 12, top: 14, bottom: 40 };

/** A number with as few digits as tell it. */
export const short = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(0) : String(Number(value.toPrecision(3)));

/** The color of a share from 0 to 1: the better, the stronger. */
export const strength = (share: number): string =>
  scales.right[Math.round(Math.min(1, Math.max(0, share)) * (steps - 1))]!.fill[0];

/** A scale from numbers to places. */
export function scaleOf(low: number, high: number, from: number, to: number): (value: number) => number {
  const range = high - low || 1;
  return (value) => from + ((value - low) / range) * (to - from);
}

const at = (value: number) => Math.round(value * 10) / 10;

export const line = (points: readonly (readonly [number, number])[]): string =>
  points.map(([x, y]) => `${at(x)},${at(y)}`).join(' ');

interface LabelStyle {
  readonly anchor?: 'start' | 'middle' | 'end';
  /** In the color of what is said beside the data. */
  readonly soft?: boolean;
}

export function label(
  x: number,
  y: number,
  text: string,
  { anchor = 'start', soft = true }: LabelStyle = {},
): Html {
  const fill = soft ? colors.soft[0] : colors.ink[0];
  return html`<text x="${at(x)}" y="${at(y)}" font-size="12" text-anchor="${anchor}" fill="${fill}">${text}</text>`;
}

/** A line from one point to another, each [x, y]. */
export function stroke(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  color: string = colors.line[0],
): Html {
  return html`<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" stroke="${color}"/>`;
}

/** A drawing with what somebody is told who does not see it. */
export function svg(
  { width, height }: Pick<Frame, 'width' | 'height'>,
  title: string,
  content: Content,
): Html {
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}" font-family="system-ui, sans-serif"><title>${title}</title>${content}</svg>`;
}

/** Both axes with their numbers and names. */
export function axes(
  { width, height, left, right, top, bottom }: Frame,
  x: { readonly ticks: readonly number[]; readonly place: (value: number) => number; readonly name: string },
  y: {
    readonly ticks: readonly number[];
    readonly place: (value: number) => number;
    readonly print: (value: number) => string;
  },
): Html {
  return html`${y.ticks.map(
    (value) =>
      html`${stroke([left, y.place(value)], [width - right, y.place(value)], colors.faint[0])}${label(left - 6, y.place(value) + 4, y.print(value), { anchor: 'end' })}`,
  )}${stroke([left, height - bottom], [width - right, height - bottom])}${x.ticks.map((value) =>
    label(x.place(value), height - bottom + 16, short(value), { anchor: 'middle' }),
  )}${label((left + width - right) / 2, height - bottom + 34, x.name, { anchor: 'middle' })}${top < 0 && new Html('')}`;
}
