/** A page about a run: what is to be seen of it, standing alone. */
import type { Settings } from '../shared/settings.js';
import { byId } from './dom.js';

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** A part of the page without what only works in it. */
function still(id: string): string {
  const place = byId(id, HTMLElement);
  const copy = place.cloneNode(true) as HTMLElement;
  const originals = place.querySelectorAll('canvas');
  for (const [i, canvas] of copy.querySelectorAll('canvas').entries()) {
    const image = document.createElement('img');
    image.src = originals[i]!.toDataURL();
    image.alt = originals[i]!.getAttribute('aria-label') ?? id;
    image.className = canvas.className;
    if (canvas.className !== 'pixels') image.style.maxWidth = '100%';
    canvas.replaceWith(image);
  }
  for (const button of copy.querySelectorAll('button')) {
    const block = document.createElement('div');
    block.append(...button.childNodes);
    button.replaceWith(block);
  }
  return copy.innerHTML;
}

/** The rules of the page's own style sheet. */
function rules(): string {
  const sheets = [...document.styleSheets];
  return sheets.flatMap((sheet) => [...sheet.cssRules].map(({ cssText }) => cssText)).join('\n');
}

export function reportOf(settings: Settings, command: string): string {
  const title = `${settings.recipe} on ${settings.dataset}, seed ${settings.seed}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(title)}</title><style>${rules()}
img.pixels{display:block;width:100%;image-rendering:pixelated}</style></head>
<body><header><h1>${escaped(title)}</h1><p>Trained in the studio of Quern.</p></header><main><div class="left">
<section><h2>Result</h2><p>${still('outcome')}</p><dl class="now">${still('numbers')}</dl><p><code>${escaped(command)}</code></p><p class="soft">${still('backend-report')}</p></section>
<section><h2>Curves</h2><h3>loss</h3>${still('loss')}<h3>accuracy</h3>${still('accuracy')}</section></div><div class="right">
<section><h2>${escaped(byId('matrix-title', HTMLElement).textContent ?? '')}</h2>${still('matrix')}</section>
<section><h2>Worst mistakes</h2><ul class="mistakes">${still('mistakes')}</ul></section>
<section><h2>Layers</h2><div class="scroll">${still('layers')}</div></section></div></main></body></html>
`;
}
