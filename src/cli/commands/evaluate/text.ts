/** Measures of predictions, as text. */
import { at } from '../../../core/lists.js';
import {
  type ClassScores,
  type ConfusedPair,
  type Confusion,
  confusedPairs,
  confusionRows,
} from '../../../report/metrics/confusion.js';
import type { McNemar } from '../../../report/metrics/mcnemar.js';
import type { Measures } from '../../../report/metrics/measures.js';
import type { Robustness } from '../../../report/metrics/robustness.js';
import { decimals, percent } from '../../terminal/format.js';
import { textTable } from '../../terminal/table.js';

const share = (value: number | null) => (value === null ? '-' : percent(value));

const rights = (count: number) => Array<'right'>(count).fill('right');

/** Precision, recall and F1 of every class, and their means. */
export function classText({ classes, perClass, macro, count }: Measures): string {
  const row = (name: string, scores: Omit<ClassScores, 'support'>, support: number) => [
    name,
    String(support),
    share(scores.precision),
    share(scores.recall),
    share(scores.f1),
  ];
  const rows = classes.map((name, i) => row(name, at(perClass, i), at(perClass, i).support));
  const header = ['class', 'images', 'precision', 'recall', 'F1'];
  return textTable({
    header,
    rows: [...rows, row('mean of classes', macro, count)],
    alignments: ['left', ...rights(4)],
  });
}

/** With more classes the matrix is wider than a terminal: the commonest mistakes stand for it. */
const widest = 20;

/** The confusion matrix: rows are labels, columns predictions, by the first letters of their names. */
export function confusionText(measures: Measures): string {
  const { classes, confusion } = measures;
  if (classes.length > widest) return pairsText(measures, 20);
  const rows = confusionRows(confusion).map((counts, i) => [
    at(classes, i),
    ...counts.map((count) => (count === 0 ? '·' : String(count))),
  ]);
  const width = Math.max(3, ...rows.flatMap(([, ...cells]) => cells.map(({ length }) => length)));
  const header = ['label \\ predicted', ...classes.map((name) => name.slice(0, width))];
  return textTable({ header, rows, alignments: ['left', ...rights(classes.length)] });
}

const pairRow = (classes: readonly string[], { label, predicted, count, share }: ConfusedPair) => [
  at(classes, label),
  at(classes, predicted),
  String(count),
  percent(share),
];

/** The pairs of classes that are confused most, and how often. */
export function pairsText(
  { confusion, classes }: { confusion: Confusion; classes: readonly string[] },
  limit: number,
) {
  const pairs = confusedPairs(confusion, limit);
  if (pairs.length === 0) return 'no mistakes';
  const header = ['label', 'taken for', 'times', 'of the label'];
  const rows = pairs.map((pair) => pairRow(classes, pair));
  return textTable({ header, rows, alignments: ['left', 'left', 'right', 'right'] });
}

/** Top-k accuracies and the quality of the probabilities, a line per fact. */
export function probabilityText({ topK, calibration, brierScore }: Measures): string {
  const rows = [
    ...topK.slice(1).map(({ k, accuracy }) => [`among the ${k} most probable`, percent(accuracy)]),
    [`expected calibration error, ${calibration.bins.length} bins`, percent(calibration.expectedError)],
    ['maximum calibration error', percent(calibration.maximumError)],
    ['Brier score, 0 to 2', decimals(brierScore)],
  ];
  return textTable({ header: ['probabilities', ''], rows, alignments: ['left', 'right'] });
}

/** The usual boundary of what chance explains. */
const significant = 0.05;

/** Says which of two models is better, and whether that may be chance. */
export function comparisonText(other: string, accuracy: number, found: McNemar): string {
  const { firstOnly, secondOnly, method, p } = found;
  const shown = p < 1e-15 ? '< 1e-15' : p < 1e-4 ? `= ${p.toExponential(1)}` : `= ${p.toFixed(4)}`;
  const verdict =
    p >= significant
      ? 'no difference that chance does not explain'
      : `${firstOnly > secondOnly ? 'this model' : 'the other'} is better`;
  return [
    `compared with ${other}: ${percent(accuracy)}`,
    `only this model right on ${firstOnly} images, only the other on ${secondOnly}: ${verdict} (McNemar ${method === 'exact' ? 'exact' : 'χ²'}, p ${shown})`,
  ].join('\n');
}

/** Accuracy on images that are worse. */
export function robustnessText(accuracy: number, found: readonly Robustness[]): string {
  const rows = found.map((one) => [
    one.kind,
    one.text,
    percent(one.accuracy),
    `${one.accuracy > accuracy ? '+' : ''}${(100 * (one.accuracy - accuracy)).toFixed(2)}`,
  ]);
  const header = ['images that are worse', 'by', 'accuracy', 'points'];
  return textTable({ header, rows, alignments: ['left', 'left', 'right', 'right'] });
}
