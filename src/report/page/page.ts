/** The page of a report, and its pictures. */
import { clock, decimals, grouped, percent } from '../../core/format.js';
import type { RunRecord } from '../../runs/records.js';
import { asFile } from '../charts/chart.js';
import { accuracyChart, ladderChart, lossChart, rateChart, reliabilityChart } from '../charts/charts.js';
import { confusionChart } from '../charts/matrix.js';
import { ladder } from '../metrics/ladder.js';
import { comparable, type Examined, type ReportData } from './collect.js';
import { firstLayerPart, galleries, robustnessPart } from './galleryPart.js';
import { Html, html } from './html.js';
import { enlarge, montage, pngOf } from './picture.js';
import { pageStyle } from './style.js';
import {
  binTable,
  classTable,
  configurationTable,
  confusionTable,
  historyTable,
  layerTable,
  pairTable,
} from './tables.js';

export interface Report {
  /** The page: one file that needs no other. */
  readonly page: string;
  /** Its pictures as files of their own, by name. */
  readonly pictures: ReadonlyMap<string, string | Uint8Array>;
}

type Pictures = Map<string, string | Uint8Array>;

/** A drawing for the page; the same as a file. */
function drawn(pictures: Pictures, name: string, svg: string): Html {
  pictures.set(`${name}.svg`, asFile(svg));
  return new Html(svg);
}

const titleOf = ({ config }: RunRecord) => `${config.settings.recipe} on ${config.settings.dataset}`;

const fact = (name: string, value: string | undefined) =>
  value !== undefined && html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

function headline({ run, summary, examined }: ReportData): Html {
  const { history, result } = run;
  const measures = examined?.measures;
  const accuracy = measures?.accuracy ?? result?.testAccuracy ?? undefined;
  const [low, high] = measures?.interval ?? result?.testInterval ?? [];
  const loss = examined?.loss ?? result?.testLoss ?? undefined;
  const parameters = summary?.parameters ?? result?.parameters;
  const seconds = result?.trainSeconds ?? history.reduce((sum, record) => sum + record.seconds, 0);
  const validation = history.at(-1)?.validationAccuracy;
  const trained = result?.trainAccuracy;
  const { limit } = run.config.settings;
  const split = examined === undefined ? 'test' : examined.split;
  return html`<div class="headline">
${
  accuracy !== undefined &&
  html`<div class="score">${percent(accuracy)}<small>${split} accuracy${
    low !== undefined && html`, 95% interval ${percent(low)} to ${percent(high!)}`
  }</small></div>`
}
<dl class="facts">${fact(`${split} loss`, loss === undefined ? undefined : decimals(loss))}
${fact('train accuracy', trained == null ? undefined : percent(trained))}
${fact('validation accuracy', validation === undefined ? undefined : percent(validation))}
${fact('calibration error', measures && percent(measures.calibration.expectedError))}
${fact('parameters', parameters === undefined ? undefined : grouped(parameters))}
${fact('multiply-adds', summary && grouped(summary.multiplyAdds))}
${fact('epochs', `${history.length} of ${run.config.settings.epochs}`)}
${fact('limit', limit === undefined ? undefined : `first ${grouped(limit)} images`)}
${fact('training time', clock(seconds))}
${fact('seed', String(run.config.settings.seed))}</dl></div>`;
}

function introduction({ run }: ReportData): string {
  const { backend, threads, numerics, versions, settings } = run.config;
  const state = run.state === 'finished' ? '' : `The run is not finished: ${run.failure ?? run.state}. `;
  return `${state}Trained with Quern ${versions.quern} on ${backend} (${threads} threads, ${numerics}) with ${settings.optimizer.name}, batches of ${settings.batchSize}.`;
}

async function curves({ run: { history, curve } }: ReportData, pictures: Pictures): Promise<Html> {
  const charts = [
    drawn(pictures, 'loss', await lossChart(history, curve)),
    drawn(pictures, 'accuracy', await accuracyChart(history, curve)),
    drawn(pictures, 'learning-rate', await rateChart(history)),
  ];
  return html`<section id="curves"><h2>Learning curves</h2>
<p class="about">Training numbers are means over an epoch, each step with the weights that it had and with dropout; validation is measured at the end of the epoch.${
    curve !== undefined && curve.length > 0 && ' The thin line is of the steps within epochs.'
  }</p>
<div class="charts">${charts.map((chart) => html`<figure>${chart}</figure>`)}</div>
${historyTable(history)}</section>`;
}

async function standing(data: ReportData, pictures: Pictures): Promise<Html | undefined> {
  const { run, references } = data;
  const own = comparable(data);
  if (own === undefined || references.length === 0) return undefined;
  const rungs = ladder(references, { name: `this run: ${run.config.settings.recipe}`, ...own });
  const sources = rungs.map(({ name, accuracy, source, url, about }) => {
    if (source === undefined) return '';
    const where = url === undefined ? source : html`<a href="${url}" rel="noreferrer">${source}</a>`;
    return html`<li><b>${accuracy.toFixed(2)}%</b> ${name}. ${where}${about && `; ${about}`}</li>`;
  });
  return html`<section id="ladder"><h2>Beside published results</h2>
<p class="about">Test accuracies as their authors give them. The bar across this run is its 95% interval: what lies within it is no different by this one run.</p>
<div class="two"><figure class="wide" role="region" aria-label="Published results" tabindex="0">${drawn(pictures, 'ladder', await ladderChart(rungs))}</figure>
<div><h3>Sources</h3><ul class="sources">${sources}</ul></div></div></section>`;
}

async function quality(examined: Examined, pictures: Pictures): Promise<Html> {
  const { measures, dataset, split } = examined;
  const { calibration, topK, brierScore, count } = measures;
  const matrix = drawn(pictures, 'confusion', await confusionChart(measures.confusion, measures.classes));
  const reliability = drawn(pictures, 'reliability', await reliabilityChart(calibration));
  const tops = topK
    .slice(1)
    .map(
      ({ k, accuracy }) =>
        html`<tr><th scope="row">among the ${k} most probable</th><td>${percent(accuracy)}</td></tr>`,
    );
  return html`<section id="classes"><h2>Class by class</h2>
<p class="about">${grouped(count)} images of ${dataset} (${split}). Rows are labels, columns what they were taken for; blue is right, orange wrong, the stronger the more often.</p>
<div class="two"><figure class="wide" role="region" aria-label="Confusion matrix" tabindex="0">${matrix}</figure>
<div><h3>Commonest mistakes</h3>${pairTable(measures)}${confusionTable(measures)}</div></div>
<h3 style="margin-top:28px">Scores</h3>${classTable(measures)}</section>
<section id="calibration"><h2>Calibration</h2>
<p class="about">Is the model right as often as it says? Bars: the share that was right among predictions of about that confidence; dots: the larger, the more predictions. On the dashed line confidence and accuracy agree; below it the model is too sure of itself.</p>
<div class="two"><figure class="charts">${reliability}</figure>
<div class="scroll" role="region" aria-label="Quality of probabilities" tabindex="0"><table><tbody>
<tr><th scope="row">expected calibration error, 15 bins</th><td>${percent(calibration.expectedError)}</td></tr>
<tr><th scope="row">maximum calibration error</th><td>${percent(calibration.maximumError)}</td></tr>
<tr><th scope="row">log-loss, nats</th><td>${decimals(examined.loss)}</td></tr>
<tr><th scope="row">Brier score, 0 to 2</th><td>${decimals(brierScore)}</td></tr>
${tops}</tbody></table>${binTable(calibration)}</div></div></section>`;
}

function runPart({ run, summary }: ReportData): Html {
  const weights = run.result && html`<p>Weights: <code>sha256 ${run.result.weightsSha256}</code></p>`;
  return html`<section id="run"><h2>The run</h2>
${summary && html`<h3>Model</h3>${layerTable(summary)}`}
<h3 style="margin-top:26px">Configuration</h3>${weights}${configurationTable(run.config)}</section>`;
}

/** Galleries as pictures of their own: enlarged, without texts. */
function addMontages({ first, examined }: ReportData, pictures: Pictures): void {
  const add = (name: string, all: Parameters<typeof montage>[0], columns: number, factor: number) => {
    if (all.length > 0) pictures.set(`${name}.png`, pngOf(enlarge(montage(all, columns, 1), factor)));
  };
  const shown = (list: Examined['gallery']) => list.map(({ picture }) => picture);
  if (examined !== undefined) {
    add('predictions', shown(examined.gallery), 8, 3);
    add('mistakes', shown(examined.mistakes), 8, 3);
    add('feature-maps', examined.features?.maps ?? [], 8, 3);
  }
  if (first !== undefined) add('first-layer', first.pictures, 8, first.kind === 'filters' ? 12 : 3);
}

/** Makes the page and its pictures. The same data make the same bytes. */
export async function renderReport(data: ReportData): Promise<Report> {
  const { run, examined, first, absent } = data;
  const pictures: Pictures = new Map();
  const parts: [id: string, name: string, part: Html | undefined][] = [
    ['curves', 'Curves', run.history.length > 0 ? await curves(data, pictures) : undefined],
    ['ladder', 'Published results', await standing(data, pictures)],
    ['classes', 'Classes', examined && (await quality(examined, pictures))],
    ['predictions', 'Predictions', examined && galleries(examined)],
    ['robustness', 'Robustness', examined?.robustness && robustnessPart(examined)],
    ['layer', 'First layer', first && firstLayerPart(first, examined?.features)],
    ['run', 'The run', runPart(data)],
  ];
  addMontages(data, pictures);
  const there = parts.filter(([, , part]) => part !== undefined);
  const title = titleOf(run);
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="generator" content="Quern ${run.config.versions.quern}">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}: training report</title><link rel="icon" href="data:,"><style>${new Html(pageStyle())}</style></head>
<body><header><h1>${title}</h1><p class="soft">${introduction(data)}</p>
<nav aria-label="Parts">${there.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}</nav>
${headline(data)}
${absent.length > 0 && html`<div class="notes" role="note">${absent.map((reason) => html`<p>${reason}</p>`)}</div>`}</header>
<main>${there.map(([, , part]) => part)}</main>
<footer>Made by <code>quern report</code> from the run that began on ${run.config.started.slice(0, 10)}. Nothing on this page is loaded from elsewhere.</footer>
</body></html>
`;
  return { page: page.text, pictures };
}
