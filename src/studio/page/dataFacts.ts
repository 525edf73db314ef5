/** What is told about data of one's own, and what was taken where nothing was told. */
import { type DataFacts, dataFacts } from '../shared/settings.js';
import { field, h } from './dom.js';

type Fact = keyof DataFacts;

const labels: Readonly<Record<Fact, readonly [string, string]>> = {
  storedShape: ['stored shape', 'of images that are lists of pixels, such as 20x30x1'],
  label: ['label', 'the column of labels: its name, or its number from 1'],
  pixelRange: ['pixel range', 'what is black and white, such as 0,16'],
  invert: ['invert', 'dark on bright becomes bright on dark'],
  centerDigits: ['center digits', "to the place and size of MNIST's"],
  skipBad: ['skip bad', 'leave out what cannot be read'],
};

export class DataFactsForm {
  private readonly inputs = new Map<Fact, HTMLInputElement>();
  private readonly notes = h('ul', { class: 'soft notes', id: 'data-notes', role: 'status' });
  readonly element: HTMLElement;

  /** @param changed is given all facts that are told */
  constructor(changed: (told: DataFacts) => void) {
    const fields = (Object.keys(dataFacts) as Fact[]).map((name) => {
      const type = dataFacts[name] === 'flag' ? 'checkbox' : 'text';
      const input = h('input', { type, id: `told-${name}` });
      input.addEventListener('change', () => changed(this.told()));
      this.inputs.set(name, input);
      return field(labels[name][0], input, labels[name][1]);
    });
    this.element = h(
      'div',
      { hidden: true },
      this.notes,
      h('details', {}, h('summary', {}, 'Facts about this data'), h('div', { class: 'fields' }, ...fields)),
    );
  }

  private told(): DataFacts {
    const told = [...this.inputs].flatMap(([name, input]) => {
      const value = input.type === 'checkbox' ? input.checked : input.value.trim();
      return value === false || value === '' ? [] : [[name, value] as const];
    });
    return Object.fromEntries(told);
  }

  /** Shows what is told; undefined hides all, for data that is known. */
  show(told: DataFacts | undefined): void {
    this.element.hidden = told === undefined;
    for (const [name, input] of this.inputs) {
      const value = told?.[name];
      if (input.type === 'checkbox') input.checked = value === true;
      else input.value = String(value ?? '');
    }
  }

  /** Adds a line; without one, forgets all. */
  note(text: string | undefined): void {
    if (text === undefined) this.notes.replaceChildren();
    else this.notes.append(h('li', {}, text));
  }
}
