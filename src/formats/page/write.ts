/** A model as one HTML file that opens from a disk, with a place to draw. */
import { float32Of } from '../../core/dtype.js';
import { ModelError } from '../../core/errors.js';
import { at, leading } from '../../core/lists.js';
import { formatShape } from '../../core/shape.js';
import type { ModelDetails } from '../../training/files/modelFile.js';
import type { ExportResults } from '../export.js';
import type { Network, NetworkNode } from '../network.js';
import { numberOption, paddingOf, pairOption } from '../options.js';
import { opOf, pageOps } from './ops.js';
import { type PageModel, pageScript } from './script.js';
import { pageStyle } from './style.js';

type Options = Readonly<Record<string, readonly number[]>>;

/** Padding in pixels above and to the left: what lies behind follows from the output's size. */
function windowOptions(network: Network, node: NetworkNode): Options {
  const { top, left } = paddingOf(network, node);
  return {
    strides: pairOption(node, 'strides'),
    dilation: pairOption(node, 'dilation'),
    padding: [top, left],
  };
}

/** The numbers of functions of one number, in the order in which the page takes them. */
const numberNames: Readonly<Record<string, readonly [string, string?]>> = {
  leakyRelu: ['slope'],
  elu: ['alpha'],
  clip: ['low', 'high'],
  hardSigmoid: ['slope', 'offset'],
};

function optionsOf(network: Network, node: NetworkNode): Options {
  switch (node.kind) {
    case 'conv2d':
    case 'depthwiseConv2d':
    case 'zeroPad2d':
      return windowOptions(network, node);
    case 'maxPool2d':
    case 'averagePool2d':
      return { ...windowOptions(network, node), window: pairOption(node, 'window') };
    case 'batchNorm':
    case 'layerNorm':
      return { epsilon: [numberOption(node, 'epsilon')] };
    case 'permute':
      return { axes: node.options.axes as number[] };
    default:
      return { numbers: (numberNames[node.kind] ?? []).map((name) => numberOption(node, name!)) };
  }
}

/** A separable convolution as the two that it is. */
function separated(network: Network): NetworkNode[] {
  return network.nodes.flatMap((node) => {
    if (node.kind !== 'separableConv2d') return [node];
    const spread = `${node.name} depthwise`;
    const [height, width] = leading(node.shape, 2);
    const { depthwiseFilter: own, pointwiseFilter: mixing, bias } = Object.fromEntries(node.weights);
    const channels = at(own!.shape, 2) * at(own!.shape, 3);
    const plain = { kernelSize: [1, 1], strides: [1, 1], padding: 'valid' };
    return [
      {
        ...node,
        name: spread,
        kind: 'depthwiseConv2d',
        shape: [height, width, channels],
        weights: new Map([['filter', own!]]),
      },
      {
        ...node,
        kind: 'conv2d',
        inputs: [spread],
        options: plain,
        weights: new Map([['filter', mixing!], ...(bias ? [['bias', bias] as const] : [])]),
      },
    ];
  });
}

/** Handwriting whose drawings are brought to where MNIST has its digits. */
const isHandwriting = (dataset: string) => /^(e|q)?mnist/.test(dataset);

/** The model and its weights, one number after the other. */
export function pageModel(
  network: Network,
  details: ModelDetails,
): { readonly model: PageModel; readonly weights: Float32Array } {
  const { inputShape } = network;
  const [, , channels] = inputShape;
  if (inputShape.length !== 3 || (channels !== 1 && channels !== 3)) {
    throw new ModelError(
      `predict.html: draws pictures of 1 or 3 channels, the model takes ${formatShape(inputShape)}`,
    );
  }
  const simple: Network = { inputShape, nodes: separated(network) };
  const parts: Float32Array[] = [];
  let length = 0;
  const nodes = simple.nodes.map((node) => {
    const op = opOf[node.kind];
    if (op === undefined)
      throw new ModelError(`predict.html: ${node.name}: a layer '${node.kind}' is not written`);
    const weights = Object.fromEntries(
      [...node.weights].map(([name, { shape, data }]) => {
        const start = length;
        parts.push(float32Of(data));
        length += data.length;
        return [name, [shape, start] as const];
      }),
    );
    const { name, kind, inputs, shape } = node;
    return { name, kind, inputs, shape, op, options: optionsOf(simple, node), weights };
  });
  const all = new Float32Array(length);
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  const { mean, deviation } = details.normalization;
  const scale = { factor: 1 / (255 * deviation), offset: -mean / deviation };
  const model = {
    inputShape,
    classes: details.classes,
    ...scale,
    centered: isHandwriting(details.dataset),
    nodes,
  };
  return { model, weights: all };
}

function base64(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = '';
  // as many characters at a time as a call takes arguments
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** JSON inside a script: nothing in it ends the script. */
const inScript = (value: unknown) => JSON.stringify(value).replaceAll('<', '\\u003c');

/** A table of functions as the text of a table of functions. */
const functionsText = (table: Readonly<Record<string, (...values: never[]) => unknown>>) =>
  `{${Object.entries(table)
    .map(([name, f]) => `${name}: ${f.toString()}`)
    .join(',\n')}}`;

function about({ dataset, recipe }: ModelDetails, { accuracy, count }: ExportResults): string {
  const measured =
    accuracy === undefined
      ? ''
      : ` It is right on ${(100 * accuracy).toFixed(2)}%${count === undefined ? '' : ` of ${count}`} test images.`;
  return `${recipe === undefined ? 'A model' : `The recipe ${recipe}`}, trained on ${dataset} with Quern.${measured}`;
}

export interface Page {
  readonly html: string;
  /** A script that gives the page the weights, as base64: what a page from a disk may load. */
  readonly weights: string;
}

/**
 * The page, and its weights in a file beside it. It needs no server and no network.
 *
 * @param weightsFile name of that file
 * @throws ModelError for images that cannot be drawn, or a layer that is not written
 */
export function encodePage(
  network: Network,
  details: ModelDetails,
  { results, weightsFile }: { readonly results: ExportResults; readonly weightsFile: string },
): Page {
  const { model, weights } = pageModel(network, details);
  const title = `Quern: ${escaped(details.recipe ?? details.dataset)}`;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'self' file:; style-src 'unsafe-inline'; img-src blob: data:">
<title>${title}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${escaped(about(details, results))}</p>
<div class="columns">
<section>
<canvas id="drawing" width="280" height="280" role="img" aria-label="A place to draw, bright on dark">Drawing needs a canvas.</canvas>
<div class="tools">
<button type="button" id="clear">Clear</button>
<label class="button">Open a picture<input type="file" id="file" accept="image/*"></label>
<figure><canvas id="preview" aria-label="What the model sees"></canvas><figcaption>what the model sees</figcaption></figure>
</div>
</section>
<section aria-live="polite">
<p class="said">It is <strong id="answer">…</strong></p>
<ol id="classes"></ol>
</section>
</div>
</main>
<p id="missing" hidden>The weights are missing: ${escaped(weightsFile)} must lie beside this page.</p>
<script src="${escaped(encodeURI(weightsFile))}"></script>
<script>
const model = ${inScript(model)};
const ops = ${functionsText(pageOps)};
const script = ${functionsText(pageScript)};
if (globalThis.quernWeights === undefined) document.getElementById('missing').hidden = false;
else script.start(model, ops, script, globalThis.quernWeights);
</script>
</body>
</html>
`;
  return { html, weights: `globalThis.quernWeights = "${base64(weights)}";\n` };
}
