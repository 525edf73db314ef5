/** The layers: what each gives, holds and costs; changed, added, removed. */
import type { Described } from '../shared/messages.js';
import { byId, grouped, h } from './dom.js';

type Value = number | string | boolean | null | readonly Value[] | { readonly [name: string]: Value };

interface LayerDescription {
  readonly kind: string;
  readonly options?: { readonly [name: string]: Value };
  readonly parts?: { readonly [name: string]: LayerDescription };
}

/** New layers, with all their options, as `describeLayer` gives them. */
const additions: Readonly<Record<string, LayerDescription['options']>> = {
  dense: { units: 32 },
  conv2d: { filters: 16, kernelSize: [3, 3] },
  depthwiseConv2d: { kernelSize: [3, 3] },
  separableConv2d: { filters: 16, kernelSize: [3, 3] },
  maxPool2d: { window: [2, 2] },
  averagePool2d: { window: [2, 2] },
  globalAveragePool2d: {},
  batchNorm: {},
  layerNorm: {},
  dropout: { rate: 0.25 },
  flatten: {},
  ...{ relu: {}, leakyRelu: { slope: 0.1 }, gelu: {}, silu: {}, tanh: {}, sigmoid: {} },
};

const choices: Readonly<Record<string, readonly string[]>> = { padding: ['valid', 'same'] };

interface LayersListener {
  /** Layers in place of the recipe's; undefined: the recipe's again. */
  changed(layers: LayerDescription | undefined): void;
}

export class LayersPanel {
  private layers: readonly LayerDescription[] = [];

  constructor(private readonly listener: LayersListener) {}

  show({ layers, summary, problem }: Described, edited: boolean): void {
    const whole = layers as LayerDescription;
    const chain = whole.kind === 'sequential';
    this.layers = chain ? Object.values(whole.parts ?? {}) : [whole];
    let placed = false;
    const rows = this.layers.flatMap((layer, i) => {
      const path = chain ? `layers.${i}` : '';
      const own = summary?.layers.filter(
        ({ path: one }) => one === path || one.startsWith(`${path}.`) || path === '',
      );
      const sum = (name: 'parameters' | 'multiplyAdds') => own?.reduce((total, row) => total + row[name], 0);
      const shape = own?.at(-1)?.outputShape.join(' × ');
      const wrong = chain && problem !== undefined && mentions(problem, path, i === this.layers.length - 1);
      placed ||= wrong;
      return this.rows(layer, i, chain, {
        ...{ shape, parameters: sum('parameters'), multiplyAdds: sum('multiplyAdds') },
        problem: wrong ? problem : undefined,
      });
    });
    const total =
      summary &&
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, 'together'),
        h('td', {}),
        h('td', {}, grouped(summary.parameters)),
        h('td', {}, grouped(summary.multiplyAdds)),
      );
    const head = ['layer', 'gives', 'parameters', 'multiply-adds'];
    byId('layers', HTMLElement).replaceChildren(
      h(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'layers' },
        h(
          'table',
          { class: 'layers' },
          h('thead', {}, h('tr', {}, ...head.map((name) => h('th', { scope: 'col' }, name)))),
          h('tbody', {}, ...rows, total),
        ),
      ),
      chain ? this.tools(edited) : '',
      problem === undefined || placed ? '' : said(problem),
    );
  }

  private tools(edited: boolean): HTMLElement {
    const kind = h(
      'select',
      { id: 'new-layer', 'aria-label': 'kind of the new layer' },
      ...Object.keys(additions).map((name) => h('option', { value: name }, name)),
    );
    const add = () => {
      const layer = { kind: kind.value, options: additions[kind.value] ?? {} };
      // before the last one, which gives the classes
      this.change([...this.layers.slice(0, -1), layer, ...this.layers.slice(-1)]);
    };
    return h(
      'div',
      { class: 'tools' },
      kind,
      h('button', { type: 'button', id: 'add-layer', onclick: add }, 'Add layer'),
      edited &&
        h(
          'button',
          { type: 'button', onclick: () => this.listener.changed(undefined) },
          "The recipe's layers",
        ),
    );
  }

  /** Two rows: what the layer is and costs; its options, what is done with it, and what is wrong with it. */
  private rows(
    { kind, options = {}, parts }: LayerDescription,
    i: number,
    chain: boolean,
    told: {
      shape: string | undefined;
      parameters: number | undefined;
      multiplyAdds: number | undefined;
      problem: string | undefined;
    },
  ): HTMLElement[] {
    const number = (value: number | undefined) => (value === undefined ? '' : grouped(value));
    const label = `${kind}, layer ${i + 1}`;
    const button = (text: string, name: string, work: () => void, disabled: boolean) =>
      h(
        'button',
        { type: 'button', class: 'small', 'aria-label': `${name} ${label}`, onclick: work, disabled },
        text,
      );
    const { length } = this.layers;
    const state = told.problem === undefined ? '' : 'bad';
    const what = h(
      'tr',
      { class: state },
      h('th', { scope: 'row' }, kind),
      h('td', {}, told.shape ?? ''),
      h('td', {}, number(told.parameters)),
      h('td', {}, number(told.multiplyAdds)),
    );
    if (!chain) return [what];
    const acts = h(
      'div',
      { class: 'acts' },
      button('↑', 'move up', () => this.change(swapped(this.layers, i - 1, i)), i === 0),
      button('↓', 'move down', () => this.change(swapped(this.layers, i, i + 1)), i === length - 1),
      button('×', 'remove', () => this.change(this.layers.filter((_, at) => at !== i)), length === 1),
    );
    const inputs = parts === undefined ? this.optionInputs(i, options, label) : [];
    const line = h('div', { class: 'line' }, h('div', { class: 'options' }, ...inputs), acts);
    const how = h('td', { colspan: 4 }, line, told.problem !== undefined && said(told.problem));
    return [what, h('tr', { class: `how ${state}` }, how)];
  }

  private optionInputs(
    i: number,
    options: NonNullable<LayerDescription['options']>,
    label: string,
  ): HTMLElement[] {
    return Object.entries(options).flatMap(([name, value]) => {
      if ((typeof value === 'object' && !Array.isArray(value)) || name.endsWith('Initializer')) return [];
      const set = (changed: Value) =>
        this.change(
          this.layers.map((layer, at) =>
            at === i ? { ...layer, options: { ...layer.options, [name]: changed } } : layer,
          ),
        );
      return [h('label', {}, `${name} `, inputFor(name, value, `${name} of ${label}`, set))];
    });
  }

  private change(layers: readonly LayerDescription[]): void {
    const parts = Object.fromEntries(layers.map((layer, i) => [`layers.${i}`, layer]));
    this.listener.changed({ kind: 'sequential', parts });
  }
}

/** What an option is changed with: a box to tick, a choice, or a text that is read as the value was. */
function inputFor(name: string, value: Value, label: string, set: (value: Value) => void): HTMLElement {
  const attributes = { 'aria-label': label };
  if (typeof value === 'boolean') {
    const box = h('input', { ...attributes, type: 'checkbox', checked: value });
    box.addEventListener('change', () => set(box.checked));
    return box;
  }
  const listed = choices[name];
  if (listed !== undefined && typeof value === 'string') {
    const select = h(
      'select',
      attributes,
      ...listed.map((one) => h('option', { value: one, selected: one === value }, one)),
    );
    select.addEventListener('change', () => set(select.value));
    return select;
  }
  const text = Array.isArray(value) ? value.join(', ') : String(value);
  const input = h('input', { ...attributes, type: 'text', value: text, size: Math.max(3, text.length) });
  input.addEventListener('change', () => {
    const parts = input.value.split(',').map((part) => Number(part));
    if (Array.isArray(value)) set(parts);
    else set(typeof value === 'number' ? (parts[0] ?? 0) : input.value);
  });
  return input;
}

const said = (problem: string) => h('p', { class: 'wrong', role: 'alert', id: 'layers-problem' }, problem);

function swapped(layers: readonly LayerDescription[], a: number, b: number): LayerDescription[] {
  const all = [...layers];
  [all[a], all[b]] = [all[b]!, all[a]!];
  return all;
}

/** Tells if a problem names the layer at a path; one about what the last layer gives belongs to the last. */
function mentions(problem: string, path: string, last: boolean): boolean {
  if (last && /^the last layer/.test(problem)) return true;
  return path !== '' && new RegExp(`\\b${path.replace('.', '\\.')}(?!\\d)`).test(problem);
}
