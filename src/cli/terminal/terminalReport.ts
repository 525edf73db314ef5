/** A run in a few lines. */
import { at, last } from '../../core/lists.js';
import type { Measures } from '../../report/metrics/measures.js';
import type { EpochRecord } from '../../training/fit/options.js';
import { pairsText } from '../commands/evaluate/text.js';
import { decimals, percent } from './format.js';
import { sparkline, textTable } from './table.js';

/** A curve with its first and last value. */
function curve(
  name: string,
  history: readonly EpochRecord[],
  value: (record: EpochRecord) => number | undefined,
  print: (value: number) => string,
): string[][] {
  const known = history.map(value).filter((one) => one !== undefined);
  if (known.length === 0) return [];
  return [[name, sparkline(known), `${print(at(known, 0))} → ${print(last(known))}`]];
}

/** Loss and accuracy by epoch as small bars, each from its lowest to its highest value. */
function curves(history: readonly EpochRecord[]): string {
  const rows = [
    ...curve('loss', history, ({ loss }) => loss, decimals),
    ...curve('validation loss', history, ({ validationLoss }) => validationLoss, decimals),
    ...curve('accuracy', history, ({ accuracy }) => accuracy, percent),
    ...curve('validation accuracy', history, ({ validationAccuracy }) => validationAccuracy, percent),
    ...curve(
      'learning rate',
      history,
      ({ learningRate }) => learningRate,
      (rate) => rate.toPrecision(3),
    ),
  ];
  return textTable({ header: [`${history.length} epochs`, '', 'first → last'], rows });
}

/** `97.79% of 10000 right (95% interval …), among 2: 99.52%, …, calibration error 0.54%` */
function summary({ accuracy, interval: [low, high], count, topK, calibration }: Measures): string {
  const tops = topK.slice(1).map(({ k, accuracy }) => `among ${k}: ${percent(accuracy)}`);
  return [
    `${percent(accuracy)} of ${count} right (95% interval ${percent(low)} to ${percent(high)})`,
    ...tops,
    `calibration error ${percent(calibration.expectedError)}`,
  ].join(', ');
}

/**
 * A run in short: its curves, and where there are predictions the pairs of classes that it confuses most.
 *
 * @param measures of the predictions on the test set, where they are known
 */
export function terminalReport(history: readonly EpochRecord[], measures?: Measures): string {
  const parts = history.length === 0 ? [] : [curves(history)];
  if (measures !== undefined) parts.push(pairsText(measures, 8), summary(measures));
  return parts.join('\n\n');
}
