/** One training step of a tiny network, op by op. */
import type { InsideView, TinyView } from '../../browser.js';
import { h } from '../page/dom.js';

/** Numbers as the table that they are. */
function numbers({ shape, values }: TinyView): HTMLElement {
  const columns = shape.at(-1) ?? 1;
  const rows = Array.from({ length: Math.ceil(values.length / columns) }, (_, i) =>
    h(
      'tr',
      {},
      ...values
        .slice(i * columns, (i + 1) * columns)
        .map((value) => h('td', { class: value < 0 ? 'minus' : 'plus' }, value.toFixed(4))),
    ),
  );
  return h('table', { class: 'numbers' }, h('tbody', {}, ...rows));
}

export function tinyPart({ tiny }: InsideView): HTMLElement {
  const steps = tiny.filter(({ text, values }) => values.length > 0 && !text.endsWith('(constant)'));
  const slider = h('input', {
    type: 'range',
    min: 0,
    max: steps.length - 1,
    value: 0,
    'aria-label': 'op of the step',
  });
  const now = h('div', { class: 'now-op', 'aria-live': 'polite' });
  const list = h(
    'ol',
    { class: 'tape', tabindex: 0, 'aria-label': 'all ops of the step' },
    ...steps.map(({ text, part }) => h('li', { class: part }, text)),
  );
  const show = () => {
    const at = Number(slider.value);
    const step = steps[at];
    if (step === undefined) return;
    const { text, part, rule, shape } = step;
    now.replaceChildren(
      h(
        'p',
        {},
        h('span', { class: `op ${part}` }, part),
        ' ',
        h('code', {}, text),
        ` [${shape.join(', ')}]`,
        rule !== undefined && ` by the rule of ${rule}`,
      ),
      numbers(step),
    );
    for (const [i, item] of [...list.children].entries()) item.classList.toggle('here', i === at);
    const here = list.children[at] as HTMLElement;
    list.scrollTop = here.offsetTop - list.offsetTop - list.clientHeight / 2;
  };
  slider.addEventListener('input', show);
  requestAnimationFrame(show);
  return h('div', { class: 'tiny' }, h('div', {}, slider, now), list);
}
