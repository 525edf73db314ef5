/** The plan, a row for each kernel. */
import type { InsideView, KernelView } from '../../browser.js';
import { h, percent } from '../page/dom.js';

const scaled = (value: number, unit: string) =>
  value < 1e3
    ? `${value} ${unit}`
    : value < 1e6
      ? `${(value / 1e3).toFixed(1)} k${unit}`
      : `${(value / 1e6).toFixed(1)} M${unit}`;

function bar(share: number): HTMLElement {
  const cell = h('td', { class: 'share' }, h('span', {}, percent(share, 1)));
  cell.style.setProperty('--share', String(Math.min(1, share)));
  return cell;
}

function row(kernel: KernelView, i: number, peak: number): HTMLElement {
  const { kind, label, part, inputs, outputs, flops, bytes, share, alive, algorithm } = kernel;
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, `${i} `, h('span', { class: `op ${part}` }, part), ` ${kind}`),
    bar(share),
    h(
      'td',
      { class: 'text' },
      label,
      h('small', {}, algorithm),
      h('small', {}, `${inputs.join(', ')} → ${outputs.join(', ')}`),
    ),
    h('td', {}, scaled(flops, 'FLOP')),
    h('td', {}, scaled(bytes, 'B')),
    bar(peak === 0 ? 0 : alive / peak),
  );
}

export function kernelsPart({ kernels, memory }: InsideView): HTMLElement {
  const head = [
    'kernel',
    'time',
    'its ops, how they are computed, reads → writes',
    'work',
    'bytes',
    'of the peak',
  ];
  const body = h('tbody');
  const draw = (order: readonly (readonly [KernelView, number])[]) =>
    body.replaceChildren(...order.map(([kernel, i]) => row(kernel, i, memory.peakBytes)));
  const all = kernels.map((kernel, i) => [kernel, i] as const);
  const box = h('input', { type: 'checkbox' });
  box.addEventListener('change', () =>
    draw(box.checked ? [...all].sort(([a], [b]) => b.share - a.share) : all),
  );
  draw(all);
  return h(
    'div',
    {},
    h('label', { class: 'choice' }, box, ' the slowest first'),
    h(
      'div',
      { class: 'scroll tall', tabindex: 0, role: 'region', 'aria-label': 'kernels' },
      h(
        'table',
        { class: 'kernels' },
        h('thead', {}, h('tr', {}, ...head.map((name) => h('th', { scope: 'col' }, name)))),
        body,
      ),
    ),
  );
}
