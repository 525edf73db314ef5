/**
 * Strokes of digits as hands draw them: several forms of each, slanted, stretched, turned, shaken, thin or thick, large or small,
 * anywhere on the pad. Frozen: accuracies are measured on what seed 1 gives.
 */

export type Point = readonly [number, number];
export type Strokes = readonly (readonly Point[])[];

export interface DrawnDigit {
  readonly label: number;
  readonly strokes: Strokes;
  /** Of the pen, as a share of the pad's side. */
  readonly width: number;
}

/** Part of an ellipse, from one angle to another in degrees: 0 is right, 90 is down. */
function arc(x: number, y: number, [rx, ry]: Point, [from, to]: Point): Point[] {
  return Array.from({ length: 17 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / 16) * Math.PI) / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)];
  });
}

const line = (...points: readonly Point[]): readonly Point[] => points;

/** Forms by digit, in a box from 0 to 1, y downwards. */
const forms: readonly (readonly Strokes[])[] = [
  [
    [arc(0.5, 0.5, [0.32, 0.48], [-90, 270])],
    [arc(0.5, 0.5, [0.24, 0.48], [-60, 310])],
    [arc(0.5, 0.5, [0.4, 0.46], [-110, 255])],
  ],
  [
    [line([0.5, 0.02], [0.5, 0.98])],
    [line([0.3, 0.22], [0.52, 0.02], [0.52, 0.98])],
    [line([0.58, 0.02], [0.44, 0.98])],
  ],
  [
    [[...arc(0.48, 0.28, [0.3, 0.26], [190, 380]), [0.2, 0.95], [0.82, 0.95]]],
    [[...arc(0.46, 0.3, [0.28, 0.28], [180, 400]), [0.18, 0.96], [0.5, 0.9], [0.84, 0.96]]],
    [
      [
        ...arc(0.48, 0.26, [0.26, 0.24], [200, 395]),
        ...arc(0.3, 0.84, [0.12, 0.1], [-40, -300]),
        [0.85, 0.94],
      ],
    ],
  ],
  [
    [[...arc(0.45, 0.26, [0.28, 0.24], [200, 430]), ...arc(0.45, 0.73, [0.32, 0.25], [-80, 160])]],
    [[...arc(0.42, 0.25, [0.26, 0.23], [190, 440]), ...arc(0.44, 0.72, [0.3, 0.26], [-90, 170])]],
    [[[0.18, 0.04], [0.75, 0.04], [0.42, 0.4], ...arc(0.42, 0.69, [0.33, 0.28], [-80, 165])]],
  ],
  [
    [line([0.3, 0.02], [0.18, 0.6], [0.85, 0.6]), line([0.66, 0.25], [0.6, 0.98])],
    [line([0.2, 0.05], [0.2, 0.5], [0.75, 0.5]), line([0.75, 0.05], [0.75, 0.98])],
    [line([0.68, 0.98], [0.68, 0.03], [0.12, 0.66], [0.9, 0.66])],
  ],
  [
    [[[0.78, 0.04], [0.3, 0.04], [0.26, 0.44], ...arc(0.46, 0.68, [0.32, 0.28], [-130, 150])]],
    [
      [[0.3, 0.06], [0.27, 0.45], ...arc(0.45, 0.68, [0.33, 0.27], [-125, 155])],
      line([0.3, 0.06], [0.8, 0.05]),
    ],
    [[[0.74, 0.05], [0.34, 0.05], [0.28, 0.42], ...arc(0.48, 0.66, [0.27, 0.3], [-140, 160])]],
  ],
  [
    [[[0.62, 0.02], [0.36, 0.3], ...arc(0.5, 0.7, [0.28, 0.27], [180, -190])]],
    [[[0.7, 0.06], [0.42, 0.16], [0.24, 0.5], ...arc(0.5, 0.71, [0.27, 0.26], [190, -180])]],
    [[[0.45, 0.02], [0.26, 0.5], ...arc(0.48, 0.72, [0.24, 0.25], [180, -200])]],
  ],
  [
    [line([0.16, 0.05], [0.84, 0.05], [0.42, 0.98])],
    [line([0.16, 0.07], [0.8, 0.05], [0.5, 0.55], [0.4, 0.98])],
    [line([0.16, 0.06], [0.84, 0.06], [0.4, 0.98]), line([0.32, 0.5], [0.74, 0.5])],
  ],
  [
    [[...arc(0.5, 0.26, [0.24, 0.24], [-20, -290]), ...arc(0.5, 0.74, [0.28, 0.24], [-90, 270])]],
    [arc(0.5, 0.26, [0.23, 0.24], [-90, 270]), arc(0.5, 0.74, [0.28, 0.24], [-90, 270])],
    [
      [
        [0.74, 0.14],
        ...arc(0.5, 0.25, [0.24, 0.22], [-40, -200]),
        [0.66, 0.56],
        ...arc(0.5, 0.76, [0.26, 0.22], [-20, 200]),
        [0.4, 0.52],
        [0.74, 0.14],
      ],
    ],
  ],
  [
    [[...arc(0.5, 0.28, [0.26, 0.26], [0, -360]), [0.74, 0.5], [0.68, 0.98]]],
    [[...arc(0.48, 0.28, [0.26, 0.25], [-20, -350]), [0.74, 0.3], [0.72, 0.98]]],
    [[...arc(0.5, 0.27, [0.25, 0.25], [10, -340]), [0.74, 0.55], ...arc(0.5, 0.78, [0.24, 0.2], [0, 130])]],
  ],
];

/** mulberry32: numbers from 0 to 1. */
function numbersOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Digits in turn, `count` of them. */
export function drawnDigits(count: number, seed: number): DrawnDigit[] {
  const next = numbersOf(seed);
  const between = (low: number, high: number) => low + (high - low) * next();
  return Array.from({ length: count }, (_, i) => {
    const label = i % 10;
    const form = forms[label]![Math.floor(next() * 3)]!;
    const [slant, turn] = [between(-0.3, 0.3), (between(-12, 12) * Math.PI) / 180];
    const [height, ratio] = [between(0.3, 0.8), between(0.55, 0.95)];
    const width = between(0.03, 0.09);
    const room = (extent: number) => between(extent / 2 + width, 1 - extent / 2 - width);
    const center: Point = [room(Math.min(0.8, height * ratio)), room(Math.min(0.8, height))];
    const shake = 0.012 * height;
    const placed = ([x, y]: Point): Point => {
      const [u, v] = [(x - 0.5 - slant * (y - 0.5)) * ratio * height, (y - 0.5) * height];
      const [a, b] = [u * Math.cos(turn) - v * Math.sin(turn), u * Math.sin(turn) + v * Math.cos(turn)];
      return [center[0] + a + between(-shake, shake), center[1] + b + between(-shake, shake)];
    };
    return { label, strokes: form.map((stroke) => stroke.map(placed)), width };
  });
}
