/** The page of several runs: their curves in one drawing each, and how they differ. */
import { at } from '../../core/lists.js';
import type { RunRecord } from '../../runs/records.js';
import type { EpochRecord } from '../../training/fit/options.js';
import { asFile } from '../charts/chart.js';
import { runColors, runsChart } from '../charts/charts.js';
import { Html, html } from './html.js';
import type { Report } from './page.js';
import { pageStyle } from './style.js';
import { table } from './tables.js';

/** Rows under a header: what differs or is measured, then a column per run. */
interface Rows {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

interface ComparedRuns {
  /** The runs with their names in drawings and tables, and in full. */
  readonly runs: readonly { readonly name: string; readonly title: string; readonly run: RunRecord }[];
  /** Settings, data and arithmetic that are not the same. */
  readonly differences: Rows;
  readonly results: Rows;
}

const charts: readonly [title: string, file: string, key: keyof EpochRecord, isShare: boolean][] = [
  ['Loss', 'loss', 'loss', false],
  ['Validation loss', 'validation-loss', 'validationLoss', false],
  ['Accuracy', 'accuracy', 'accuracy', true],
  ['Validation accuracy', 'validation-accuracy', 'validationAccuracy', true],
];

async function drawings({ runs }: ComparedRuns): Promise<Map<string, string>> {
  const drawn = new Map<string, string>();
  for (const [title, file, key, isShare] of charts) {
    const lines = runs.map(({ name, run }) => ({
      name,
      values: run.history.flatMap((record) => {
        const value = record[key];
        return value === undefined ? [] : [[record.epoch, isShare ? 100 * value : value] as const];
      }),
    }));
    if (lines.some(({ values }) => values.length > 0))
      drawn.set(file, await runsChart(title, file, lines, isShare));
  }
  return drawn;
}

/** Makes the page and its drawings. The same runs make the same bytes. */
export async function renderComparison(compared: ComparedRuns): Promise<Report> {
  const { runs, differences, results } = compared;
  const drawn = await drawings(compared);
  const figures = [...drawn.values()].map((svg) => html`<figure>${new Html(svg)}</figure>`);
  const names = runs.map(({ name, title }, i) => {
    const color = at(runColors, i % runColors.length);
    return html`<li><b style="color:var(--${color})">${name}</b> ${title}</li>`;
  });
  const title = `${runs.length} runs compared`;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}</title><link rel="icon" href="data:,"><style>${new Html(pageStyle())}</style></head>
<body><header><h1>${title}</h1><ul class="sources">${names}</ul></header>
<main>${
    figures.length > 0 &&
    html`<section id="curves"><h2>Learning curves</h2>
<p class="about">A line per run. Training numbers are means over an epoch, validation is measured at its end.</p>
<div class="charts">${figures}</div></section>`
  }
<section id="results"><h2>Results</h2>${table('Results', results.header, results.rows)}</section>
<section id="differences"><h2>What differs</h2>${
    differences.rows.length === 0
      ? html`<p class="about">Nothing: same settings, data and arithmetic.</p>`
      : table('What differs', differences.header, differences.rows)
  }</section></main>
<footer>Made by <code>quern runs compare</code>. Nothing on this page is loaded from elsewhere.</footer>
</body></html>
`;
  const pictures = [...drawn].map(([file, svg]) => [`${file}.svg`, asFile(svg)] as const);
  return { page: page.text, pictures: new Map(pictures) };
}
