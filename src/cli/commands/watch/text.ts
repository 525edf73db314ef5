/** Runs on a screen of letters. */
import { clock, decimals, grouped, percent } from '../../../core/format.js';
import { at } from '../../../core/lists.js';
import type { Watched, WatchedRun } from '../../../watch/watched.js';
import { sparkline, textTable } from '../../terminal/table.js';

const share = (value: number | null | undefined) => (value == null ? '-' : percent(value));

function runRow(run: WatchedRun): string[] {
  const last = run.history.at(-1);
  const progress = run.live?.progress;
  return [
    run.name.length <= 24 ? run.name : `…${run.name.slice(-23)}`,
    run.state,
    `${run.history.length}/${run.epochs}`,
    share(progress?.accuracy ?? last?.accuracy),
    share(last?.validationAccuracy),
    share(run.testAccuracy),
    progress === undefined ? '' : clock(progress.secondsLeft),
  ];
}

function curve(
  name: string,
  values: readonly number[],
  print: (value: number) => string,
  width: number,
): string[] {
  if (values.length < 2) return [];
  return [
    `${name.padEnd(20)}${sparkline(values, values, Math.max(10, width - 42))} ${print(at(values, 0))} → ${print(values.at(-1)!)}`,
  ];
}

/** The first run in full: its progress, and its curves as lines of bars. */
function firstRun(run: WatchedRun, width: number): string[] {
  const { live, history } = run;
  const points = live?.points ?? [];
  const validation = history.flatMap((each) => each.validationAccuracy ?? []);
  const lines = [
    ...curve(
      'loss',
      points.length > 1 ? points.map(({ loss }) => loss) : history.map(({ loss }) => loss),
      decimals,
      width,
    ),
    ...curve(
      'accuracy',
      points.length > 1 ? points.map(({ accuracy }) => accuracy) : history.map(({ accuracy }) => accuracy),
      percent,
      width,
    ),
    ...curve('validation accuracy', validation, percent, width),
  ];
  if (live === null) return [`${run.name}: ${run.state}`, ...lines];
  const { epoch, epochs, step, steps, imagesPerSecond, secondsLeft } = live.progress;
  const wide = Math.max(10, Math.min(40, width - 40));
  const done = Math.round(((epoch - 1 + step / steps) / epochs) * wide);
  const bar = '█'.repeat(done) + '░'.repeat(wide - done);
  return [
    `${run.name}: epoch ${epoch} of ${epochs}, ${grouped(imagesPerSecond)} images/s, ${clock(secondsLeft)} left`,
    bar,
    ...lines,
  ];
}

/** A picture of `height` lines of at most `width` letters. */
export function watchText(
  { title, runs, sweep }: Watched,
  { width, height }: { readonly width: number; readonly height: number },
): string {
  const head =
    sweep === null
      ? title
      : `${sweep.description.recipe}: ${sweep.done} of ${sweep.trials} trials, ${sweep.state}`;
  const [first] = runs;
  if (first === undefined) return `${head}\n\nno runs here yet`.slice(0, width * height);
  const upper = [head, '', ...firstRun(first, width), ''];
  const room = Math.max(1, height - upper.length - 2);
  const table = textTable({
    header: ['run', 'state', 'epochs', 'accuracy', 'validation', 'test', 'left'],
    rows: runs.slice(0, runs.length > room ? room - 1 : room).map(runRow),
    alignments: ['left', 'left', 'right', 'right', 'right', 'right', 'right'],
  }).split('\n');
  const more = runs.length > room ? [`and ${runs.length - room + 1} more`] : [];
  return [...upper, ...table, ...more]
    .slice(0, height)
    .map((line) => line.slice(0, width))
    .join('\n');
}
