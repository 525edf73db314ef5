/** Arrays as pictures on canvases. */
import { color, h } from './dom.js';

type Rgb = readonly [number, number, number];

function canvasOf(
  width: number,
  height: number,
  paint: (i: number) => Rgb,
  label: string,
): HTMLCanvasElement {
  const canvas = h('canvas', { width, height, role: 'img', 'aria-label': label, class: 'pixels' });
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set([...paint(i), 255], 4 * i);
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return canvas;
}

/** Pixels from 0 to 255, gray or in color, `[height, width, channels]`. */
export function picture(
  pixels: ArrayLike<number>,
  [height, width, channels]: readonly [number, number, number],
  label: string,
): HTMLCanvasElement {
  const at = (i: number, channel: number) => pixels[i * channels + Math.min(channel, channels - 1)] ?? 0;
  return canvasOf(width, height, (i) => [at(i, 0), at(i, 1), at(i, 2)], label);
}

/** Values from the lowest, dark, to the highest, bright. */
export function heat(
  values: ArrayLike<number>,
  width: number,
  height: number,
  label: string,
): HTMLCanvasElement {
  const all = Array.from(values);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const span = high - low || 1;
  // dark blue to yellow, told apart by everybody (after cividis)
  const paint = (i: number): Rgb => {
    const share = ((values[i] ?? low) - low) / span;
    return [255 * share, 32 + 200 * share, 78 - 20 * share];
  };
  return canvasOf(width, height, paint, label);
}

const rgb = (hex: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as never;

/** Values of both signs: blue speaks for, orange against. */
export function signed(
  values: ArrayLike<number>,
  width: number,
  height: number,
  label: string,
): HTMLCanvasElement {
  const most = Math.max(1e-12, ...Array.from(values, Math.abs));
  const [plus, minus, none] = [rgb(color('blue')), rgb(color('orange')), rgb(color('faint'))];
  const paint = (i: number): Rgb => {
    const value = (values[i] ?? 0) / most;
    const share = Math.sqrt(Math.abs(value));
    const to = value > 0 ? plus : minus;
    return none.map((from, c) => from + share * (to[c]! - from)) as never;
  };
  return canvasOf(width, height, paint, label);
}
