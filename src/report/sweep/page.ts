/** The page of a sweep: one file that needs no other. */
import { clock, percent } from '../../core/format.js';
import { at, last } from '../../core/lists.js';
import { ranked, type SweepRecord } from '../../sweep/record.js';
import { Html, html } from '../page/html.js';
import { pageStyle } from '../page/style.js';
import { curvesChart, importanceChart, parallelChart, progressChart } from './charts.js';

const fact = (name: string, value: string | undefined) =>
  value !== undefined && html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

const share = (value: number | null) => (value === null ? '' : percent(value));

function headline(record: SweepRecord): Html {
  const { winner, trials, testAccuracy, description } = record;
  const best = winner === null ? undefined : at(trials, winner);
  const validation = best?.validationAccuracy ?? undefined;
  const spent = [...trials, ...record.seeds].reduce((sum, { processorSeconds }) => sum + processorSeconds, 0);
  const range = testAccuracy?.interval;
  const score =
    testAccuracy !== null
      ? html`<div class="score">${percent(testAccuracy.mean)}<small>test accuracy, mean of ${testAccuracy.count} ${testAccuracy.count === 1 ? 'seed' : 'seeds'}${
          range != null && html`, 95% interval ${percent(range[0])} to ${percent(range[1])}`
        }</small></div>`
      : validation !== undefined &&
        html`<div class="score">${percent(validation)}<small>best validation accuracy</small></div>`;
  const count = (state: string) => trials.filter((each) => each.state === state).length;
  const begun = trials.length - count('waiting');
  return html`<div class="headline">${score}<dl class="facts">
${Object.entries(best?.values ?? {}).map(([name, value]) => fact(name, String(value)))}
${fact('validation accuracy', validation === undefined ? undefined : percent(validation))}
${fact('trials', record.timeIsUp ? `${begun} of ${trials.length}, then time was up` : String(begun))}
${fact('trained to the end', String(count('finished')))}
${fact('search', description.search)}
${fact('time of processors', clock(spent))}</dl></div>`;
}

function trialTable({ trials, description, winner }: SweepRecord): Html {
  const names = Object.keys(description.spaces);
  const rows = ranked(trials)
    .filter(({ state }) => state !== 'waiting')
    .map(
      ({ trial, values, epochs, validationAccuracy, validationLoss, failure, weightsSha256 }) =>
        html`<tr><th scope="row">${trial}${trial === winner && ' ★'}</th>${names.map((name) => html`<td>${String(values[name])}</td>`)}<td>${epochs}</td><td>${share(validationAccuracy)}</td><td>${validationLoss?.toFixed(4)}</td><td class="text">${failure === null ? html`<code>${(weightsSha256 ?? '').slice(0, 12)}</code>` : failure.split('\n')[0]}</td></tr>`,
    );
  return html`<div class="scroll" role="region" aria-label="Trials" tabindex="0"><table><thead><tr><th scope="col">trial</th>${names.map((name) => html`<th scope="col">${name}</th>`)}<th scope="col">epochs</th><th scope="col">validation</th><th scope="col">loss</th><th scope="col" class="text">weights</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function seedTable({ seeds }: SweepRecord): Html | undefined {
  if (seeds.length === 0) return undefined;
  return html`<section id="seeds"><h2>The best settings, measured</h2>
<p class="about">Trained anew with other seeds on all training images. Only here was the test set looked at.</p>
<div class="scroll"><table><thead><tr><th scope="col">seed</th><th scope="col">test accuracy</th><th scope="col">test loss</th><th scope="col" class="text">weights</th><th scope="col" class="text">model</th></tr></thead><tbody>${seeds.map(
    ({ seed, testAccuracy, testLoss, weightsSha256, model, failure }) =>
      html`<tr><th scope="row">${seed}</th><td>${share(testAccuracy)}</td><td>${testLoss?.toFixed(4)}</td><td class="text">${failure ?? html`<code>${(weightsSha256 ?? '').slice(0, 12)}</code>`}</td><td class="text">${model !== null && html`<code>${model}</code>`}</td></tr>`,
  )}</tbody></table></div></section>`;
}

function chart(title: string, about: string, drawing: Html | undefined): Html | undefined {
  return drawing && html`<figure><h3>${title}</h3>${drawing}<figcaption>${about}</figcaption></figure>`;
}

function introduction({ description, state }: SweepRecord): string {
  const { search, eta, rungs, validation, numerics, quern, backend, dataset } = description;
  const epochs = last(rungs);
  const how =
    search === 'asha'
      ? `Trials pause after epoch ${rungs.slice(0, -1).join(' and ')}, and one of ${eta} goes on, to ${epochs} at most; schedules are always those of ${epochs} epochs.`
      : `Every trial is trained for ${epochs} epochs.`;
  const whether = state === 'finished' ? '' : ` The sweep is ${state}.`;
  return `${how} All is chosen by ${percent(validation)} of the training images of ${dataset}, held out. Quern ${quern} on ${backend} (${numerics}).${whether}`;
}

/** Makes the page. The same record makes the same bytes. */
export async function renderSweep(record: SweepRecord): Promise<string> {
  const { description } = record;
  const title = `${description.recipe}: a sweep over ${Object.keys(description.spaces).join(', ')}`;
  const any = record.trials.some(({ validationAccuracy }) => validationAccuracy !== null);
  const settings =
    any &&
    html`<section id="settings"><h2>Settings and accuracy</h2>
<p class="about">A line is a trial: its settings and, at the right, its validation accuracy where it stands. The better, the stronger; orange is the best of those that were trained longest. The worst tenth lies at or below the end of the axis.</p>
<figure class="wide" role="region" aria-label="Parallel coordinates" tabindex="0">${parallelChart(record)}</figure></section>`;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="generator" content="Quern ${description.quern}">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}</title><link rel="icon" href="data:,"><style>${new Html(pageStyle())}</style></head>
<body><header><h1>${title}</h1><p class="soft">${introduction(record)}</p>
${headline(record)}</header>
<main>${settings}
<section id="charts"><h2>How it went</h2><div class="charts">
${chart('Best so far', 'Of all trials where they stand.', progressChart(record))}
${chart('Importance of settings', `Shares of the differences in accuracy after epoch ${description.rungs[0]} (functional ANOVA of 64 trees); orange: what lies between 80% of the trees. A wide bar is no knowledge.`, importanceChart(record))}
${chart('Curves', 'Validation accuracy; what was not promoted ends early.', curvesChart(record))}</div></section>
${seedTable(record)}
<section id="trials"><h2>Trials</h2><p class="about">From the best to the worst, those that were trained longest first. The table is the same on any number of machines.</p>${trialTable(record)}</section></main>
<footer>Made by <code>quern sweep</code>, begun on ${record.begun.slice(0, 10)}. Nothing on this page is loaded from elsewhere.</footer>
</body></html>
`;
  return page.text;
}
