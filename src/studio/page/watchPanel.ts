/** How a training goes: numbers, curves, the confusion matrix, the worst mistakes. */
import type { FitProgress } from '../../browser.js';
import type { BackendState, DataState, Finished, Judged } from '../shared/messages.js';
import { Chart, type Curve } from './curves.js';
import { byId, clock, grouped, h, percent } from './dom.js';
import { picture } from './pictures.js';

export class WatchPanel {
  private readonly loss = new Chart(byId('loss', HTMLElement), 'loss');
  private readonly accuracy = new Chart(byId('accuracy', HTMLElement), 'accuracy');
  private readonly numbers = byId('numbers', HTMLElement);
  private readonly values = new Map<string, HTMLElement>();
  private classes: readonly string[] = [];
  private shape: DataState['shape'] = [28, 28, 1];

  /** @param look is told of an image that is pointed at */
  constructor(private readonly look: (pixels: Uint8Array, label: string) => void) {}

  private set(name: string, value: string): void {
    const known = this.values.get(name);
    if (known !== undefined) {
      known.textContent = value;
      return;
    }
    const place = h('dd', {}, value);
    this.values.set(name, place);
    this.numbers.append(h('div', {}, h('dt', {}, name), place));
  }

  data({ classes, shape }: DataState): void {
    this.classes = classes;
    this.shape = shape;
  }

  backend({ backend, threads, numerics, without }: BackendState): void {
    const on = threads === undefined ? '' : `, ${threads} thread${threads === 1 ? '' : 's'}`;
    byId('backend-report', HTMLElement).replaceChildren(
      h('span', {}, `Computed by ${backend}${on} (${numerics}).`),
      ...without.map((text) => h('span', { class: 'without' }, ` Without: ${text}.`)),
    );
  }

  progress(
    { epoch, epochs, step, steps, learningRate, imagesPerSecond, secondsLeft }: FitProgress,
    last: { loss: number; accuracy: number },
  ): void {
    this.set('epoch', `${epoch} of ${epochs}`);
    this.set('step', `${step} of ${steps}`);
    this.set('loss', last.loss.toFixed(4));
    this.set('accuracy', percent(last.accuracy));
    this.set('learning rate', learningRate.toPrecision(3));
    this.set('images/s', grouped(imagesPerSecond));
    this.set('left', clock(secondsLeft));
    const done = (epoch - 1 + step / steps) / epochs;
    byId('progress', HTMLProgressElement).value = done;
  }

  curves(curves: readonly Curve[]): void {
    this.loss.draw(curves);
    this.accuracy.draw(curves);
  }

  finished({ ending, steps, seconds, weightsSha256, test }: Finished): void {
    const text =
      test === undefined
        ? `Paused after ${grouped(steps)} steps.`
        : `${ending === 'finished' ? 'Finished' : `Ended (${ending})`} after ${clock(seconds)}: ${percent(test.accuracy)} of the test images are right (95% interval ${percent(test.interval[0] ?? 0)} to ${percent(test.interval[1] ?? 0)}), loss ${test.loss.toFixed(4)}.`;
    const place = byId('outcome', HTMLElement);
    place.dataset.seconds = String(seconds);
    place.replaceChildren(
      h('span', { id: 'outcome-text' }, text),
      h('span', { class: 'hash' }, ' weightsSha256 ', h('code', { id: 'weights-sha256' }, weightsSha256)),
    );
  }

  /** What was found in a model file; the matrix of it may be there already. */
  opened(notes: readonly string[]): void {
    this.values.clear();
    this.numbers.replaceChildren();
    byId('outcome', HTMLElement).textContent = notes.join('; ');
  }

  begin(): void {
    this.values.clear();
    this.numbers.replaceChildren();
    byId('outcome', HTMLElement).replaceChildren();
    for (const id of ['matrix', 'mistakes']) byId(id, HTMLElement).replaceChildren();
  }

  judged({ of, done, count, confusion, mistakes }: Judged): void {
    const classes = this.classes;
    const right = classes.reduce((sum, _, i) => sum + (confusion[i * classes.length + i] ?? 0), 0);
    const what = of === 'test' ? 'test images' : 'held-out images';
    byId('matrix-title', HTMLElement).textContent =
      `${percent(right / Math.max(1, done))} right of ${grouped(done)}${done < count ? ` (of ${grouped(count)})` : ''} ${what}`;
    byId('matrix', HTMLElement).replaceChildren(matrix(classes, confusion));
    if (mistakes.length === 0) {
      if (done === count) byId('mistakes', HTMLElement).replaceChildren(h('li', {}, 'None.'));
      return;
    }
    byId('mistakes', HTMLElement).replaceChildren(
      ...mistakes.map(({ pixels, label, taken, probability }) => {
        const text = `${classes[label] ?? label} taken for ${classes[taken] ?? taken}`;
        const show = () => this.look(pixels, text);
        return h(
          'li',
          {},
          h(
            'button',
            { type: 'button', class: 'image', onclick: show, onfocus: show, onpointerenter: show },
            picture(pixels, this.shape, text),
            h('span', {}, text, h('small', {}, ` ${percent(probability, 0)}`)),
          ),
        );
      }),
    );
  }
}

/** Rows are true classes, columns what they were taken for; darker is more of the row. */
function matrix(classes: readonly string[], confusion: readonly number[]): HTMLElement {
  const width = classes.length;
  const short = (name: string) => (name.length > 8 ? `${name.slice(0, 7)}…` : name);
  const rows = classes.map((name, i) => {
    const row = confusion.slice(i * width, (i + 1) * width);
    const total = Math.max(
      1,
      row.reduce((sum, each) => sum + each, 0),
    );
    const cells = row.map((each, j) => {
      const cell = h('td', { class: i === j ? 'right' : 'wrong' }, each === 0 ? '' : String(each));
      // few mistakes are to be seen too
      const share = i === j ? each / total : Math.min(1, Math.sqrt(each / total) * 1.6);
      cell.style.setProperty('--share', String(Math.round(70 * share)));
      return cell;
    });
    return h('tr', {}, h('th', { scope: 'row', title: name }, short(name)), ...cells);
  });
  return h(
    'table',
    { class: classes.some(({ length }) => length > 3) ? 'matrix named' : 'matrix' },
    h('caption', {}, 'rows: the true class; columns: what it was taken for'),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('td', {}),
        ...classes.map((name) => h('th', { scope: 'col', title: name }, h('span', {}, short(name)))),
      ),
    ),
    h('tbody', {}, ...rows),
  );
}
