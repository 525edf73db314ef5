/** Runs in the browser: draws what the server tells. It and the few files that it imports are served as they are compiled. */
import { ticks } from '../report/charts/ticks.js';
import type { LiveValidation } from '../runs/live.js';
import type { Watched, WatchedRun } from './watched.js';

const palette = ['blue', 'orange', 'green', 'purple', 'soft', 'ink'];
const color = (index: number) => `var(--${palette[index % palette.length]})`;
const percent = (value: number) => `${(value * 100).toFixed(2)}%`;
const short = (value: number) => String(Number(value.toPrecision(5)));
const clock = (seconds: number) => {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
};

type Child = Node | string;

/** An element; texts are texts, whatever is in them. */
function element(
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name: string, attributes: Readonly<Record<string, string | number>>, text = ''): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

function fill(id: string, ...children: Child[]): void {
  document.getElementById(id)!.replaceChildren(...children);
}

interface Curve {
  readonly points: readonly (readonly [number, number])[];
  readonly color: string;
  readonly dashed: boolean;
}

const frame = { width: 520, height: 250, left: 64, right: 10, top: 10, bottom: 34 };

/** Curves over epochs. */
function chart(title: string, curves: readonly Curve[], print: (value: number) => string): HTMLElement {
  const { width, height, left, right, top, bottom } = frame;
  const all = curves.flatMap(({ points }) => points);
  const svg = drawn('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': title });
  if (all.length > 0) {
    const end = Math.max(1, ...all.map(([x]) => x));
    const sorted = all.map(([, y]) => y).sort((a, b) => a - b);
    // A wild beginning does not take the room of all the rest.
    const [low, high] = [
      sorted[Math.floor(sorted.length * 0.02)]!,
      sorted[Math.ceil((sorted.length - 1) * 0.98)]!,
    ];
    const room = Math.max((high - low) * 0.08, 1e-4);
    const x = (value: number) => left + (value / end) * (width - left - right);
    const y = (value: number) => {
      const share = (value - low + room) / (high - low + 2 * room);
      return height - bottom - Math.min(1, Math.max(0, share)) * (height - top - bottom);
    };
    for (const value of ticks(low, high)) {
      svg.append(
        drawn('line', { x1: left, x2: width - right, y1: y(value), y2: y(value), stroke: 'var(--faint)' }),
        drawn('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, print(value)),
      );
    }
    const every = Math.max(1, Math.ceil(end / 8));
    for (let epoch = 0; epoch <= end; epoch += every)
      svg.append(
        drawn('text', { x: x(epoch), y: height - bottom + 16, 'text-anchor': 'middle' }, String(epoch)),
      );
    svg.append(drawn('text', { x: (left + width) / 2, y: height - 3, 'text-anchor': 'middle' }, 'epochs'));
    for (const { points, color: stroke, dashed } of curves) {
      const places = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ');
      svg.append(
        drawn('polyline', {
          points: places,
          fill: 'none',
          stroke,
          'stroke-width': 1.8,
          ...(dashed && { 'stroke-dasharray': '5 4' }),
        }),
      );
    }
  }
  return element('figure', { style: 'margin:0' }, element('h2', {}, title), svg);
}

/** Within epochs where they are known, and validation at their ends. */
function curvesOf(runs: readonly WatchedRun[], what: 'loss' | 'accuracy'): Curve[] {
  return runs.flatMap((run, i) => {
    const live = run.live?.points ?? [];
    const told = new Set(live.map(({ at }) => Math.ceil(at)));
    const ends = run.history
      .filter(({ epoch }) => !told.has(epoch))
      .map((each) => [each.epoch, each[what]] as const);
    const within = live.map((each) => [each.at, each[what]] as const);
    const training = [...ends, ...within].sort((a, b) => a[0] - b[0]);
    const validation = run.history.flatMap((each) => {
      const value = what === 'loss' ? each.validationLoss : each.validationAccuracy;
      return value === undefined ? [] : [[each.epoch, value] as const];
    });
    return [
      { points: training, color: color(i), dashed: false },
      { points: validation, color: color(i), dashed: true },
    ];
  });
}

function showNow(runs: readonly WatchedRun[]): void {
  const run = runs.find(({ live }) => live !== null);
  if (run?.live == null) {
    fill('now');
    return;
  }
  const { progress } = run.live;
  const fact = (name: string, value: string) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, value));
  const part = (progress.epoch - 1 + progress.step / progress.steps) / progress.epochs;
  const validation = run.history.at(-1)?.validationAccuracy;
  fill(
    'now',
    fact('run', run.name),
    fact('epoch', `${progress.epoch} of ${progress.epochs}`),
    fact('loss', progress.loss.toFixed(4)),
    fact('accuracy', percent(progress.accuracy)),
    ...(validation === undefined ? [] : [fact('validation', percent(validation))]),
    fact('images/s', Math.round(progress.imagesPerSecond).toLocaleString('en')),
    fact('time left', clock(progress.secondsLeft)),
    element('div', { class: 'bar' }, element('i', { style: `width:${(part * 100).toFixed(1)}%` })),
  );
}

function showRuns(runs: readonly WatchedRun[]): void {
  const head = ['run', 'state', 'epochs', 'loss', 'accuracy', 'validation', 'test', 'images/s'];
  const rows = runs.map((run, i) => {
    const last = run.history.at(-1);
    const progress = run.live?.progress;
    const share = (value: number | null | undefined) => (value == null ? '' : percent(value));
    const cells = [
      run.state,
      `${run.history.length}/${run.epochs}`,
      (progress?.loss ?? last?.loss)?.toFixed(4) ?? '',
      share(progress?.accuracy ?? last?.accuracy),
      share(last?.validationAccuracy),
      share(run.testAccuracy),
      progress === undefined ? '' : Math.round(progress.imagesPerSecond).toLocaleString('en'),
    ];
    const key = element('span', { class: 'key', style: `background:${color(i)}` });
    const name = element('td', { title: `${run.recipe} on ${run.dataset}, seed ${run.seed}` }, key, run.name);
    return element('tr', {}, name, ...cells.map((text) => element('td', {}, text)));
  });
  const header = element('tr', {}, ...head.map((text) => element('th', { scope: 'col' }, text)));
  const table = element('table', {}, element('thead', {}, header), element('tbody', {}, ...rows));
  fill('runs', element('h2', {}, 'Runs'), element('div', { class: 'scroll', tabindex: '0' }, table));
}

function picture(pixels: string, [height = 1, width = 1, channels = 1]: readonly number[]): HTMLElement {
  const canvas = element('canvas') as HTMLCanvasElement;
  [canvas.width, canvas.height] = [width, height];
  const bytes = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 4; c++)
      image.data[4 * i + c] = c === 3 ? 255 : bytes[i * channels + Math.min(c, channels - 1)]!;
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

function matrix({ classes, confusion }: LiveValidation): HTMLElement {
  const rows = confusion.map((row, label) => {
    const whole = row.reduce((sum, each) => sum + each, 0) || 1;
    const cells = row.map((count, taken) => {
      const strength = Math.round((taken === label ? count / whole : Math.min(1, (4 * count) / whole)) * 70);
      const hue = taken === label ? 'blue' : 'orange';
      const style =
        count === 0 ? '' : `background:color-mix(in srgb, var(--${hue}) ${strength}%, transparent)`;
      return element(
        'td',
        { style, title: `${classes[label]} taken for ${classes[taken]}` },
        count === 0 ? '' : String(count),
      );
    });
    return element('tr', {}, element('th', { scope: 'row' }, classes[label]!), ...cells);
  });
  return element(
    'div',
    { class: 'scroll', tabindex: '0' },
    element('table', { class: 'matrix' }, element('tbody', {}, ...rows)),
  );
}

function showValidation(validation: Watched['validation']): void {
  if (validation === null) {
    fill('validation');
    return;
  }
  const { mistakes, shape, epoch, run } = validation;
  const list = mistakes.map(({ label, taken, probability, pixels }) =>
    element(
      'li',
      {},
      picture(pixels, shape),
      element('b', {}, taken),
      `was ${label}, ${Math.round(probability * 100)}% sure`,
    ),
  );
  fill(
    'validation',
    element(
      'h2',
      {},
      `Validation of ${run} after epoch ${epoch}: labels by row, what they were taken for by column`,
    ),
    element(
      'div',
      { class: 'two' },
      matrix(validation),
      element('div', {}, element('h2', {}, 'Worst mistakes'), element('ul', { class: 'mistakes' }, ...list)),
    ),
  );
}

function show(watched: Watched & { readonly problem?: string }): void {
  if (watched.problem !== undefined) {
    fill('about', watched.problem);
    return;
  }
  const { runs, sweep, title, validation } = watched;
  const name =
    sweep === null ? title : `${sweep.description.recipe}: ${sweep.done} of ${sweep.trials} trials`;
  document.title = `${name} · quern watch`;
  fill('title', name);
  const running = runs.filter(({ state }) => state === 'running').length;
  fill(
    'about',
    runs.length === 0
      ? 'No runs here yet.'
      : `${running} running, ${runs.length} shown. Solid: training; dashed: validation.`,
  );
  showNow(runs);
  fill(
    'charts',
    chart('Accuracy', curvesOf(runs, 'accuracy'), (value) => `${short(100 * value)}%`),
    chart('Loss', curvesOf(runs, 'loss'), short),
  );
  showRuns(runs);
  showValidation(validation);
}

const events = new EventSource('events');
events.onmessage = ({ data }) => show(JSON.parse(data));
events.onerror = () => fill('about', 'quern watch does not answer; the picture is the last that it sent.');
