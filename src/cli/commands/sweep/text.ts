/** A sweep in the terminal. */
import { percent } from '../../../core/format.js';
import { at, last } from '../../../core/lists.js';
import { ranked, type SweepRecord, type TrialRecord } from '../../../sweep/record.js';
import { textTable } from '../../terminal/table.js';

const share = (value: number | null) => (value === null ? '-' : percent(value));

function row(trial: TrialRecord, names: readonly string[], epochs: number): string[] {
  const state = trial.state === 'paused' ? '' : trial.state;
  return [
    String(trial.trial),
    ...names.map((name) => String(trial.values[name])),
    `${trial.epochs}/${epochs}`,
    share(trial.validationAccuracy),
    trial.validationLoss === null ? '-' : trial.validationLoss.toFixed(4),
    trial.failure === null ? state : `failed: ${trial.failure.split('\n')[0]}`,
  ];
}

/** The trials from the best to the worst: the same whatever the machines. */
function sweepTable(record: SweepRecord, rows = Number.POSITIVE_INFINITY): string {
  const { description, trials } = record;
  const names = Object.keys(description.spaces);
  const seen = ranked(trials).filter(({ state }) => state !== 'waiting');
  return textTable({
    header: ['trial', ...names, 'epochs', 'validation', 'loss', ''],
    rows: seen.slice(0, rows).map((trial) => row(trial, names, last(description.rungs))),
    alignments: ['right', ...names.map(() => 'right' as const), 'right', 'right', 'right', 'left'],
  });
}

/** `12 of 27 trials begun, 3 finished, 1 failed` */
function countsText({ trials }: SweepRecord): string {
  const count = (state: TrialRecord['state']) => trials.filter((each) => each.state === state).length;
  const begun = trials.length - count('waiting');
  const ill = count('failed');
  return `${begun} of ${trials.length} trials, ${count('finished')} trained to the end${ill === 0 ? '' : `, ${ill} failed`}`;
}

function importanceText({ importance, description }: SweepRecord): string {
  if (importance.length === 0) return '';
  const rows = importance.map(({ setting, share: part, low, high }) => [
    setting,
    percent(part),
    `${percent(low)} to ${percent(high)}`,
  ]);
  const table = textTable({
    header: ['setting', 'share', '80% of trees'],
    rows,
    alignments: ['left', 'right', 'right'],
  });
  return `Of the differences in validation accuracy after epoch ${description.rungs[0]}:\n${table}`;
}

function winnerText(record: SweepRecord): string {
  const { winner, trials, seeds, testAccuracy } = record;
  if (winner === null) return 'no trial came to a result';
  const best = at(trials, winner);
  const values = Object.entries(best.values).map(([name, value]) => `${name}=${value}`);
  const lines = [`best: trial ${winner}: ${values.join(' ')}: validation ${share(best.validationAccuracy)}`];
  if (testAccuracy !== null) {
    const { mean, interval, count } = testAccuracy;
    const range =
      interval === null
        ? ''
        : ` (95% interval of the mean ${percent(interval[0])} to ${percent(interval[1])})`;
    lines.push(`test accuracy over ${count} ${count === 1 ? 'seed' : 'seeds'}: ${percent(mean)}${range}`);
  }
  if (record.timeIsUp)
    lines.push(`time was up: ${countsText(record)}; the same command without --time goes on`);
  for (const { seed, failure, model } of seeds) {
    if (failure !== null) lines.push(`seed ${seed} failed: ${failure}`);
    if (model !== null) lines.push(`model of seed ${seed}: ${model}`);
  }
  return lines.join('\n');
}

/** All of a sweep that has come to its end. */
export function sweepText(record: SweepRecord): string {
  return [sweepTable(record), importanceText(record), winnerText(record)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The picture of a running sweep: `height` lines of at most `width` letters. */
export function liveText(
  record: SweepRecord,
  running: readonly string[],
  { width, height }: { width: number; height: number },
): string {
  const head = `${record.description.recipe}: ${countsText(record)}`;
  const table = sweepTable(record, Math.max(3, height - 6)).split('\n');
  const now = running.length === 0 ? 'waiting for a worker' : `training ${running.join(', ')}`;
  return [head, '', ...table, '', now].map((line) => line.slice(0, width)).join('\n');
}
