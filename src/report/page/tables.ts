/** The tables of the page. */
import { decimals, grouped, percent } from '../../core/format.js';
import { isObject } from '../../core/json.js';
import { at } from '../../core/lists.js';
import { formatShape } from '../../core/shape.js';
import type { Summary } from '../../nn/summary.js';
import type { RunConfig } from '../../runs/config.js';
import type { EpochRecord } from '../../training/fit/options.js';
import type { Calibration } from '../metrics/calibration.js';
import { confusedPairs, confusionRows } from '../metrics/confusion.js';
import type { Measures } from '../metrics/measures.js';
import { type Content, type Html, html } from './html.js';

/** A table that scrolls where it is too wide. The columns of texts are aligned left. */
export function table(
  label: string,
  header: readonly string[],
  rows: readonly (readonly Content[])[],
  texts: readonly number[] = [],
): Html {
  const kind = (column: number) => (texts.includes(column) ? 'text' : 'number');
  const head = header.map((name, i) => html`<th scope="col" class="${kind(i)}">${name}</th>`);
  const body = rows.map(
    ([name, ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map((cell, i) => html`<td class="${kind(i + 1)}">${cell}</td>`)}</tr>`,
  );
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table${header.length > 16 && html` class="many"`}><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

const folded = (title: string, content: Html) =>
  html`<details><summary>${title}</summary>${content}</details>`;

const shareOf = (value: number | null) => (value === null ? '–' : percent(value));

/** Precision, recall and F1 of every class, and what it is most often taken for. */
export function classTable({ classes, perClass, macro, confusion, count }: Measures): Html {
  const pairs = confusedPairs(confusion, Number.POSITIVE_INFINITY);
  const rows = classes.map((name, i): Content[] => {
    const { precision, recall, f1, support } = at(perClass, i);
    const worst = pairs.find(({ label }) => label === i);
    const bar = html`<span class="bar" aria-hidden="true"><i style="width:${(100 * (recall ?? 0)).toFixed(1)}%"></i></span>`;
    return [
      name,
      grouped(support),
      shareOf(precision),
      html`${shareOf(recall)}${bar}`,
      shareOf(f1),
      worst === undefined ? '–' : `${classes[worst.predicted]} (${worst.count})`,
    ];
  });
  const mean = [
    html`<b>mean of classes</b>`,
    grouped(count),
    shareOf(macro.precision),
    shareOf(macro.recall),
    shareOf(macro.f1),
    '',
  ];
  const header = ['class', 'images', 'precision', 'recall', 'F1', 'most often taken for'];
  return table('Scores of each class', header, [...rows, mean], [5]);
}

/** The pairs of classes that are confused most. */
export function pairTable({ classes, confusion }: Measures): Html {
  const rows = confusedPairs(confusion, 12).map(({ label, predicted, count, share }): Content[] => [
    at(classes, label),
    at(classes, predicted),
    count,
    percent(share),
  ]);
  return table('Commonest mistakes', ['label', 'taken for', 'times', 'of the label'], rows, [1]);
}

/** The numbers behind the reliability diagram, folded. */
export function binTable({ bins }: Calibration): Html {
  const rows = bins.map(({ low, high, count, confidence, accuracy }) => [
    `${percent(low)} to ${percent(high)}`,
    grouped(count),
    shareOf(confidence),
    shareOf(accuracy),
  ]);
  const header = ['confidence', 'predictions', 'mean confidence', 'accuracy'];
  return folded('Bins as a table', table('Bins of the reliability diagram', header, rows));
}

/** The numbers behind the heat map, folded. */
export function confusionTable({ classes, confusion }: Measures): Html {
  const rows = confusionRows(confusion).map((counts, i) => [at(classes, i), ...counts]);
  return folded(
    'Confusion matrix as a table',
    table('Confusion matrix', ['label \\ predicted', ...classes], rows),
  );
}

/** The numbers behind the curves, folded. */
export function historyTable(history: readonly EpochRecord[]): Html {
  const validated = history.some(({ validationLoss }) => validationLoss !== undefined);
  const header = [
    'epoch',
    'loss',
    'accuracy',
    ...(validated ? ['validation loss', 'validation accuracy'] : []),
    'learning rate',
    'seconds',
    'images/s',
  ];
  const rows = history.map((record) => [
    record.epoch,
    decimals(record.loss),
    percent(record.accuracy),
    ...(validated
      ? [
          record.validationLoss === undefined ? '–' : decimals(record.validationLoss),
          record.validationAccuracy === undefined ? '–' : percent(record.validationAccuracy),
        ]
      : []),
    record.learningRate.toPrecision(4),
    record.seconds.toFixed(1),
    grouped(record.imagesPerSecond),
  ]);
  return folded('Epochs as a table', table('Epochs', header, rows));
}

/** The layers of the model. */
export function layerTable({ layers, inputShape, parameters, multiplyAdds }: Summary): Html {
  const rows = layers.map((layer) => [
    html`<code>${layer.path || 'model'}</code>`,
    layer.kind,
    formatShape(layer.outputShape),
    grouped(layer.parameters),
    grouped(layer.multiplyAdds),
  ]);
  const input = ['input', '', formatShape(inputShape), '', ''];
  const total = [html`<b>total</b>`, '', '', grouped(parameters), grouped(multiplyAdds)];
  return table(
    'Layers',
    ['layer', 'kind', 'output', 'parameters', 'multiply-adds'],
    [input, ...rows, total],
    [1, 2],
  );
}

/** Plain data as paths and values: `optimizer.options.beta1`, 0.9. */
function flat(value: unknown, path: string): [string, string][] {
  if (isObject(value)) {
    return Object.entries(value).flatMap(([name, member]) =>
      flat(member, path === '' ? name : `${path}.${name}`),
    );
  }
  return value === undefined ? [] : [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
}

/**
 * The conditions of the run: settings, backend, versions, machine, data. Without paths of the machine that it ran on.
 */
export function configurationTable(config: RunConfig): Html {
  const { settings, arguments: _arguments, recipeFile, version: _version, ...others } = config;
  const { architecture: _architecture, from, ...decisive } = settings;
  const known = {
    ...decisive,
    ...(from !== undefined && { from: `weights with sha256 ${from.sha256}` }),
    ...(recipeFile !== undefined && { recipeFile: `sha256 ${recipeFile.sha256}` }),
    ...others,
  };
  const rows = flat(known, '').map(([name, value]) => [
    html`<code>${name}</code>`,
    html`<code>${value}</code>`,
  ]);
  return table('Configuration', ['setting', 'value'], rows, [1]);
}
