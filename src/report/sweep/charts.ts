/** The charts of a sweep. */
import { percent } from '../../core/format.js';
import { at } from '../../core/lists.js';
import { ranked, type SweepRecord, type TrialRecord } from '../../sweep/record.js';
import { parseSpace, type Space, shareOf } from '../../sweep/space.js';
import { colors } from '../charts/theme.js';
import { ticks } from '../charts/ticks.js';
import { type Html, html } from '../page/html.js';
import { axes, chartFrame, label, line, scaleOf, short, strength, stroke, svg } from './drawing.js';

const sound = ({ trials }: SweepRecord): TrialRecord[] =>
  ranked(trials).filter(({ validationAccuracy, failure }) => validationAccuracy !== null && failure === null);

/** From the worst to the best that matters: a few bad trials do not take the room of all others. */
function accuracyRange(values: readonly number[]): [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [at(sorted, Math.floor(sorted.length * 0.1)), sorted.at(-1)!];
  const room = Math.max(0.002, (high - low) * 0.08);
  return [Math.max(0, low - room), Math.min(1, high + room)];
}

const axisWidth = 150;
const parallel = { height: 290, top: 46, bottom: 34, side: 46 };

function valueTicks(space: Space): readonly (readonly [number, string])[] {
  if (space.kind === 'choices')
    return space.values.map((value) => [shareOf(space, value), String(value)] as const);
  const { low, high, logarithmic } = space;
  const middle = logarithmic ? Math.sqrt(low * high) : (low + high) / 2;
  return [low, middle, high].map((value) => [shareOf(space, value), short(value)] as const);
}

/** A line for each trial through its settings to its accuracy: the better, the stronger its color. */
export function parallelChart(record: SweepRecord): Html {
  const { description } = record;
  const spaces = Object.entries(description.spaces).map(
    ([name, text]) => [name, parseSpace(name, text)] as const,
  );
  const { height, top, bottom, side } = parallel;
  const width = Math.max(360, 2 * side + spaces.length * axisWidth + 20);
  const trials = sound(record);
  const [low, high] = accuracyRange(trials.map(({ validationAccuracy }) => validationAccuracy!));
  const x = (index: number) => side + (index * (width - 2 * side)) / spaces.length;
  const y = (share: number) => height - bottom - share * (height - top - bottom);
  const score = (trial: TrialRecord) =>
    Math.min(1, Math.max(0, (trial.validationAccuracy! - low) / (high - low || 1)));
  const lines = [...trials].reverse().map((trial) => {
    const best = trial.trial === record.winner;
    const points = spaces.map(([name, space], i) => [x(i), y(shareOf(space, trial.values[name]!))] as const);
    const color = best ? colors.orange[0] : strength(score(trial));
    return html`<polyline points="${line([...points, [x(spaces.length), y(score(trial))]])}" fill="none" stroke="${color}" stroke-width="${best ? 2.5 : 1.3}" opacity="${best ? 1 : 0.8}"/>`;
  });
  const axis = (index: number, name: string, marks: readonly (readonly [number, string])[]) => {
    const last = index === spaces.length;
    return html`${stroke([x(index), top - 6], [x(index), height - bottom + 6])}${label(x(index), top - 18 - (index % 2) * 14, name, { anchor: last ? 'end' : index === 0 ? 'start' : 'middle', soft: false })}${marks.map(([share, text]) => label(x(index) + (last ? -6 : 6), y(share) + 4, text, { anchor: last ? 'end' : 'start' }))}`;
  };
  return svg(
    { width, height },
    `Settings of ${trials.length} trials and their validation accuracies, from ${percent(low)} to ${percent(high)}`,
    html`${lines}${spaces.map(([name, space], i) => axis(i, name, valueTicks(space)))}${axis(
      spaces.length,
      'accuracy',
      [0, 0.5, 1].map((share) => [share, percent(low + share * (high - low))] as const),
    )}`,
  );
}

/** The best validation accuracy by the time of processors that was spent. */
export function progressChart({ progress }: SweepRecord): Html | undefined {
  if (progress.length < 2) return undefined;
  const { width, height, left, right, top, bottom } = chartFrame;
  const end = progress.at(-1)!.processorSeconds;
  const [low, high] = accuracyRange(progress.map(({ best }) => best));
  const x = scaleOf(0, end / 60, left, width - right);
  const y = scaleOf(low, high, height - bottom, top);
  const points = progress.flatMap(({ processorSeconds, best }, i) => {
    const place = x(processorSeconds / 60);
    const before = progress[i - 1];
    const own = [place, y(Math.max(low, best))] as const;
    return before === undefined ? [own] : [[place, y(Math.max(low, before.best))] as const, own];
  });
  return svg(
    chartFrame,
    `Best validation accuracy over ${short(end / 60)} minutes of processors: ends at ${percent(progress.at(-1)!.best)}`,
    html`${axes(chartFrame, { ticks: ticks(0, end / 60), place: x, name: 'minutes of processors' }, { ticks: ticks(low, high, 4), place: y, print: percent })}<polyline points="${line(points)}" fill="none" stroke="${colors.blue[0]}" stroke-width="2"/>`,
  );
}

/** The curves of all trials. */
export function curvesChart(record: SweepRecord): Html | undefined {
  const trials = sound(record);
  const { width, height, left, right, top, bottom } = chartFrame;
  const epochs = record.description.rungs.at(-1)!;
  const accuracies = trials.flatMap(({ history }) =>
    history.flatMap((each) => each.validationAccuracy ?? []),
  );
  if (accuracies.length === 0) return undefined;
  const [low, high] = accuracyRange(accuracies);
  const x = scaleOf(Math.min(1, epochs - 1), epochs, left + 6, width - right);
  const y = scaleOf(low, high, height - bottom, top);
  const place = (value: number) => y(Math.max(low, value));
  const drawn = [...trials].reverse().map((trial) => {
    const best = trial.trial === record.winner;
    const color = best ? colors.orange[0] : strength((trial.validationAccuracy! - low) / (high - low));
    const points = trial.history.map(
      ({ epoch, validationAccuracy = 0 }) => [x(epoch), place(validationAccuracy)] as const,
    );
    const [endX, endY] = points.at(-1)!;
    return html`<polyline points="${line(points)}" fill="none" stroke="${color}" stroke-width="${best ? 2.5 : 1.3}"/><circle cx="${endX.toFixed(1)}" cy="${endY.toFixed(1)}" r="2.5" fill="${color}"/>`;
  });
  const whole = ticks(1, epochs).filter(Number.isInteger);
  return svg(
    chartFrame,
    `Validation accuracy by epoch of ${trials.length} trials`,
    html`${axes(chartFrame, { ticks: whole, place: x, name: 'epoch' }, { ticks: ticks(low, high, 4), place: y, print: percent })}${drawn}`,
  );
}

/** How much of the differences each setting explains, with what lies between most trees. */
export function importanceChart({ importance }: SweepRecord): Html | undefined {
  if (importance.length === 0) return undefined;
  const row = 34;
  const frame = { ...chartFrame, height: importance.length * row + 40 };
  const { width, left, right, height } = frame;
  const x = scaleOf(0, 1, left - 40, width - right - 12);
  const bars = importance.map(({ setting, share, low, high }, i) => {
    const middle = i * row + 24;
    return html`${label(left - 40, middle - 6, `${setting}: ${percent(share)}`, { soft: false })}<rect x="${left - 40}" y="${middle}" width="${Math.max(1, x(share) - left + 40).toFixed(1)}" height="8" rx="2" fill="${colors.blue[0]}"/><line x1="${x(low).toFixed(1)}" y1="${middle + 4}" x2="${x(high).toFixed(1)}" y2="${middle + 4}" stroke="${colors.orange[0]}" stroke-width="2"/>`;
  });
  return svg(
    { width, height },
    `Importance: ${importance.map(({ setting, share }) => `${setting} ${percent(share)}`).join(', ')}`,
    html`${bars}${[0, 0.5, 1].map((value) => label(x(value), height - 4, percent(value).replace('.00', ''), { anchor: value === 0 ? 'start' : value === 1 ? 'end' : 'middle' }))}`,
  );
}
