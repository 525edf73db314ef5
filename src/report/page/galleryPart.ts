/** The parts of the page that show images. */
import { percent } from '../../core/format.js';
import type { Examined } from './collect.js';
import type { FirstLayer } from './firstLayer.js';
import type { Shown } from './gallery.js';
import { type Html, html } from './html.js';
import { dataUrl, type Pixels } from './picture.js';

const image = (pixels: Pixels, text: string) =>
  html`<img src="${dataUrl(pixels)}" width="${pixels.width}" height="${pixels.height}" alt="${text}">`;

/** Nothing is quite certain: 0.9996 is not 100.0%. */
const confidence = (share: number) => (share >= 0.9995 ? '>99.9%' : `${(100 * share).toFixed(1)}%`);

function card({ picture, label, predicted, right, guesses, index }: Shown): Html {
  const said = right ? `${predicted}, rightly` : `${label}, taken for ${predicted}`;
  const bars = guesses.map(
    ({ name, probability }) =>
      html`<li><span>${name}</span><span>${confidence(probability)}</span><i style="width:${(100 * probability).toFixed(1)}%"></i></li>`,
  );
  return html`<li class="${right ? 'right' : 'wrong'}">${image(picture, `Image ${index}: ${said}`)}<b>${predicted}</b>${!right && html`<div class="was">is ${label}</div>`}<ol class="guesses">${bars}</ol></li>`;
}

/** A gallery of predictions, and the mistakes of which the model was surest. */
export function galleries({ gallery, mistakes, measures }: Examined): Html {
  const wrong = measures.count - measures.correct;
  return html`<section id="predictions"><h2>Predictions</h2>
<p class="about">${gallery.length} images drawn at random, with the most probable classes.</p>
<ul class="gallery">${gallery.map(card)}</ul></section>
<section id="mistakes"><h2>Most confident mistakes</h2>
${
  mistakes.length === 0
    ? html`<p class="about">There are none: all ${measures.count} images were told right.</p>`
    : html`<p class="about">Of ${wrong} mistakes the ${mistakes.length} of which the model was surest.</p>
<ul class="gallery">${mistakes.map(card)}</ul>`
}</section>`;
}

/** The accuracy on images that are worse, with an example of each. */
export function robustnessPart({ robustness = [], measures }: Examined): Html {
  const kinds = [...new Set(robustness.map(({ kind }) => kind))];
  const cells = (kind: string) =>
    robustness
      .filter((one) => one.kind === kind)
      .map(
        ({ text, accuracy, example }) =>
          html`<li>${image(example, `An image after ${kind} by ${text}`)}<b>${percent(accuracy)}</b>${text}</li>`,
      );
  const rows = kinds.map((kind) => html`<div><h3>${kind}</h3><ul class="worse">${cells(kind)}</ul></div>`);
  return html`<section id="robustness"><h2>Robustness</h2>
<p class="about">Accuracy on images that were made worse; it is ${percent(measures.accuracy)} on the images as they are.</p>
<div class="kinds">${rows}</div></section>`;
}

const tiles = (pictures: readonly Pixels[], what: string) =>
  html`<div class="tiles">${pictures.map((picture, i) => image(picture, `${what} ${i}`))}</div>`;

function shownOf(shown: number, count: number, what: string): string {
  return shown < count ? `The first ${shown} of ${count} ${what}` : `All ${count} ${what}`;
}

/** The filters of the first layer, and its output for an image. */
export function firstLayerPart(first: FirstLayer, features: Examined['features']): Html {
  const { path, kind, pictures, count, limit } = first;
  const what = kind === 'filters' ? 'filters' : 'units, each with its weights as an image,';
  return html`<section id="layer"><h2>First layer</h2>
<p class="about">${shownOf(pictures.length, count, what)} of <code>${path || 'the model'}</code>: orange is positive, blue negative, white zero; the strongest color is ±${limit.toFixed(3)} and beyond.</p>
${tiles(pictures, kind === 'filters' ? 'Filter' : 'Weights of unit')}
${
  features &&
  html`<h3 style="margin-top:26px">What it makes of an image</h3>
<p class="about">The layer's output for this image, a picture per filter, each from its lowest value (violet) to its highest (yellow).</p>
<div class="example">${image(features.image, 'The image')}${tiles(features.maps, 'Feature map')}</div>`
}</section>`;
}
