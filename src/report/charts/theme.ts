/**
 * The colors of reports, each for light and for dark pages. Charts are drawn with the light ones; a style sheet swaps
 * them where the page is dark, so one picture serves both. Programs that know no style sheets show the light ones.
 */

/** Light, then dark. The light ones tell colors apart in a drawing, so no two are equal. */
export const colors = {
  page: ['#ffffff', '#0f1419'],
  panel: ['#f6f8fa', '#171d24'],
  ink: ['#1b2129', '#e8edf2'],
  soft: ['#55606c', '#a3b0bd'],
  line: ['#d5dbe1', '#313b46'],
  faint: ['#e9edf1', '#232b34'],
  // told apart by everybody: M. Okabe and K. Ito, Color universal design, 2008
  blue: ['#0072b2', '#56b4e9'],
  orange: ['#b84f00', '#f0913a'],
  green: ['#00795a', '#2fc49b'],
  purple: ['#a8487f', '#dd8fbb'],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

type Rgb = readonly [number, number, number];

const parse = (hex: string): Rgb =>
  [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as never;

const print = (rgb: Rgb) =>
  `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`;

/** A color on the way from one to another, `share` from 0 to 1. */
export function mix(from: string, to: string, share: number): string {
  const [start, end] = [parse(from), parse(to)];
  return print(start.map((value, i) => value + share * (end[i]! - value)) as never);
}

/** Relative luminance, from 0 to 1 (WCAG 2.2). */
function luminance(hex: string): number {
  const [red, green, blue] = parse(hex).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as never as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** From 1 to 21; text wants 4.5 (WCAG 2.2). */
export function contrast(first: string, second: string): number {
  const [low, high] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

/** One step of a scale: its color, and the color of text on it, each for light and for dark. */
export interface Step {
  readonly fill: readonly [light: string, dark: string];
  readonly text: readonly [light: string, dark: string];
}

export const steps = 12;

/** Black or white in four shades that look alike: which of them says what becomes of it on a dark page. */
const inks = {
  dark: { dark: ['#000000', '#000001'], bright: ['#000100', '#fffffe'] },
  bright: { dark: ['#fffffe', '#000000'], bright: ['#fffeff', '#fffffe'] },
} as const;

const inkOn = (fill: string) => (contrast(fill, '#000000') > contrast(fill, '#ffffff') ? 'dark' : 'bright');

/** From nearly the page's own color to a strong one: on a light page darker, on a dark page brighter. */
function scale(light: readonly [string, string], dark: readonly [string, string]): Step[] {
  return Array.from({ length: steps }, (_, i) => {
    const share = i / (steps - 1);
    const fill = [mix(...light, share), mix(...dark, share)] as const;
    return { fill, text: inks[inkOn(fill[0])][inkOn(fill[1])] };
  });
}

/** Scales of colors for right and wrong. */
export const scales = {
  right: scale(['#eaf3fa', '#00558a'], ['#1a2a38', '#6cc0f2']),
  wrong: scale(['#fdf1e6', '#a94400'], ['#2d2219', '#f79a48']),
} as const;

const every = [
  ...Object.values(colors),
  ...Object.values(scales)
    .flat()
    .flatMap(({ fill, text }) => [fill, text]),
];

/** All pairs, without repetition. */
export const pairs: readonly (readonly [light: string, dark: string])[] = [
  ...new Map(every.map((pair) => [pair[0], pair])).values(),
];

// paper is white, so only screens are ever dark
const onDark = '@media screen and (prefers-color-scheme: dark)';

/** Of drawings: every light color becomes its dark one. */
export function drawingStyle(): string {
  const rules = pairs.flatMap(([light, dark]) => [
    `[fill="${light}"]{fill:${dark}}`,
    `[stroke="${light}"]{stroke:${dark}}`,
  ]);
  return `${onDark}{${rules.join('')}}`;
}

/** Of pages: `var(--ink)` and so on. */
export function pageVariables(): string {
  const set = (which: 0 | 1) =>
    Object.entries(colors)
      .map(([name, pair]) => `--${name}:${pair[which]};`)
      .join('');
  return `:root{color-scheme:light dark;${set(0)}}${onDark}{:root{${set(1)}}}`;
}
