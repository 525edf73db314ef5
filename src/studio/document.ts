/** The page as it is before its script runs. */

/** Nothing but files of the site, and WebAssembly that it makes itself. */
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data: blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'";

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%230072b2'/%3E%3Ccircle cx='8' cy='8' r='2.4' fill='white'/%3E%3C/svg%3E";

const section = (id: string, title: string, content: string) =>
  `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`;

const train = section(
  'train',
  'Train',
  `<div id="settings"></div>
<details id="layers-details"><summary>Layers</summary><div id="layers"></div></details>
<div class="tools" id="controls">
<button type="button" id="start" class="main" disabled>Start</button>
<button type="button" id="pause" disabled>Pause</button>
<button type="button" id="step" disabled>One step</button>
<button type="button" id="stop" disabled>Stop</button>
</div>`,
);

const watch = section(
  'watch',
  'Watch',
  `<progress id="progress" max="1" value="0" aria-label="share of the training that is done"></progress>
<p id="status" role="status" aria-live="polite">Loading …</p>
<dl class="now" id="numbers"></dl>
<p id="outcome"></p>
<div class="charts"><figure><figcaption>loss</figcaption><div id="loss" role="img" aria-label="loss over steps"></div></figure>
<figure><figcaption>accuracy</figcaption><div id="accuracy" role="img" aria-label="accuracy over steps"></div></figure></div>
<p class="soft" id="backend-report"></p>
<div class="two"><div><h3 id="matrix-title">Classes taken for each other</h3><div id="matrix" class="scroll" tabindex="0" role="region" aria-label="confusion matrix"></div></div>
<div><h3>Worst mistakes</h3><ul id="mistakes" class="mistakes"></ul></div></div>`,
);

const draw = section(
  'draw',
  'Draw',
  `<div class="drawing"><div><canvas id="pad" tabindex="0" role="img" aria-label="a place to draw with finger, pen or mouse; Escape clears it"></canvas>
<div class="tools"><button type="button" id="clear">Clear</button>
<label class="button"><input type="checkbox" id="erase"> Eraser</label>
<button type="button" id="pick">Test image</button>
<label class="button">Photo<input type="file" id="photo" accept="image/*" capture="environment"></label></div>
<p class="soft" id="picked"></p></div>
<div><p class="said">It is <strong id="answer" aria-live="polite">…</strong></p>
<ol id="classes" aria-label="probability of each class"></ol>
<div class="small-pictures"><figure><div id="prepared" class="small-picture"></div><figcaption>as the model sees it</figcaption></figure>
<figure><div id="spoke" class="small-picture"></div><figcaption>spoke for it (blue) and against (orange)</figcaption></figure></div></div></div>
<details id="maps-details"><summary>Filters and feature maps of the image that is drawn or pointed at</summary><div id="maps"></div></details>`,
);

const keep = section(
  'keep',
  'Keep',
  `<p class="soft" id="runs-about"></p><div id="runs"></div>
<h3>This run</h3>
<div class="tools"><button type="button" id="copy-link">Copy link</button><button type="button" id="copy-command">Copy command</button>
<select id="format" aria-label="format of the model"></select><button type="button" id="download-model" disabled>Download model</button>
<button type="button" id="download-report" disabled>Download report</button><button type="button" id="download-recipe">Recipe file</button>
<label class="button">Model file<input type="file" id="open-model" multiple></label></div>
<p><code id="command"></code></p><p id="kept" class="soft" role="status"></p>`,
);

const inside = section(
  'look',
  'Look inside',
  `<p class="soft">The training step of these settings as it really runs: ops, gradients, kernels, memory, WebAssembly.</p>
<div class="tools"><button type="button" id="look-inside">Look inside</button></div><div id="inside"></div>`,
);

/** The whole page; its script and style sheet are beside it. */
export const studioPage = (): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<meta name="description" content="Train a neural network in this page, draw on it, look inside.">
<title>Quern studio</title><link rel="icon" href="${icon}"><link rel="stylesheet" href="studio.css">
<link rel="modulepreload" href="studio.js"></head>
<body><header><h1>Quern studio</h1>
<p>Train a neural network in this page, draw on it, look inside. Nothing leaves this machine.</p>
<nav aria-label="parts of the page"><a href="#train">Train</a><a href="#watch">Watch</a><a href="#draw">Draw</a><a href="#keep">Keep</a><a href="#look">Look inside</a></nav></header>
<main><div class="left">${train}${draw}</div><div class="right">${watch}${keep}</div><div class="whole">${inside}</div></main>
<noscript><p>This page needs JavaScript.</p></noscript>
<script type="module" src="studio.js"></script></body></html>
`;
