/** Draws, and shows what the model takes it for and why. */
import type { DataState, FeatureMaps, Filters } from '../shared/messages.js';
import type { Trainer } from '../shared/rpc.js';
import { byId, h, percent } from './dom.js';
import { Pad } from './pad.js';
import { heat, picture, signed } from './pictures.js';

const mostClasses = 10;

export class DrawPanel {
  private readonly pad = new Pad(byId('pad', HTMLCanvasElement), () => this.changed());
  private data: Pick<DataState, 'shape' | 'classes'> = { shape: [28, 28, 1], classes: [] };
  private busy = false;
  private again = false;
  /** The image that is looked at: what was drawn, or one that was pointed at. */
  private seen: Uint8Array | undefined;

  constructor(
    private readonly trainer: Trainer,
    private readonly say: (text: string) => void,
  ) {
    const clear = () => this.pad.clear();
    byId('clear', HTMLElement).addEventListener('click', clear);
    byId('pad', HTMLElement).addEventListener('keydown', (event) => {
      if (['Escape', 'Delete', 'Backspace'].includes(event.key)) clear();
    });
    byId('erase', HTMLInputElement).addEventListener('change', ({ target }) => {
      this.pad.erases = (target as HTMLInputElement).checked;
    });
    byId('pick', HTMLElement).addEventListener('click', () => void this.pick());
    const photo = byId('photo', HTMLInputElement);
    photo.addEventListener('change', () => void this.photo(photo));
  }

  /** Another dataset: what was drawn is taken anew. */
  use({ shape, classes }: Pick<DataState, 'shape' | 'classes'>): void {
    this.data = { shape, classes };
    this.changed();
  }

  /** The model has changed. */
  refresh(): void {
    this.changed();
  }

  /** Draws strokes through points from 0 to 1, as a hand would. */
  strokes(strokes: readonly (readonly (readonly [number, number])[])[], width: number): void {
    this.pad.clear();
    const { width: side } = byId('pad', HTMLCanvasElement);
    for (const points of strokes)
      this.pad.stroke(
        points.map(([x, y]) => [x * side, y * side] as const),
        width * side,
      );
  }

  private async pick(): Promise<void> {
    try {
      const { pixels, label } = await this.trainer.call('testImage', Math.floor(Math.random() * 1e6));
      this.pad.image(pixels, this.data.shape);
      byId('picked', HTMLElement).textContent = `a test image: ${this.data.classes[label] ?? label}`;
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  private async photo(input: HTMLInputElement): Promise<void> {
    const file = input.files?.[0];
    input.value = '';
    if (file === undefined) return;
    await this.pad.photo(file).catch(() => this.say(`${file.name}: the browser cannot read this picture`));
  }

  private changed(): void {
    if (this.pad.empty || this.pad.centered) byId('picked', HTMLElement).textContent = '';
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    requestAnimationFrame(() => {
      void this.classify().finally(() => {
        this.busy = false;
        if (!this.again) return;
        this.again = false;
        this.changed();
      });
    });
  }

  private async classify(): Promise<void> {
    if (this.pad.empty) {
      this.bars(undefined);
      byId('prepared', HTMLElement).replaceChildren();
      byId('spoke', HTMLElement).replaceChildren();
      return;
    }
    const ask = this.pad.centered
      ? { drawing: this.pad.pixels() }
      : { pixels: this.pad.small(this.data.shape) };
    try {
      const { pixels, probabilities } = await this.trainer.call('classify', ask);
      byId('prepared', HTMLElement).replaceChildren(picture(pixels, this.data.shape, 'as the model sees it'));
      this.bars(probabilities);
      if (probabilities !== undefined) await this.explain(pixels, probabilities);
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  /** What spoke for the most probable class, and what the layers give. */
  private async explain(pixels: Uint8Array, probabilities: Float32Array): Promise<void> {
    const label = probabilities.indexOf(Math.max(...probabilities));
    const spoken = await this.trainer.call('saliency', { pixels, label });
    const [height, width] = this.data.shape;
    if (spoken !== undefined) {
      byId('spoke', HTMLElement).replaceChildren(
        signed(spoken, width, height, `pixels that spoke for ${this.data.classes[label] ?? label}`),
      );
    }
    await this.look(pixels, 'what was drawn');
  }

  /** Shows what the layers make of an image. */
  async look(pixels: Uint8Array, what: string): Promise<void> {
    this.seen = pixels;
    if (!byId('maps-details', HTMLDetailsElement).open) return;
    const { maps, filters } = await this.trainer.call('look', pixels);
    if (this.seen !== pixels) return;
    byId('maps', HTMLElement).replaceChildren(
      ...(filters ? [filtersOf(filters)] : []),
      ...maps.map((one) => mapsOf(one, what)),
    );
  }

  private bars(probabilities: Float32Array | undefined): void {
    const { classes } = this.data;
    const order = classes.map((_, i) => i);
    if (classes.length > mostClasses && probabilities !== undefined)
      order.sort((a, b) => probabilities[b]! - probabilities[a]!);
    const best = probabilities?.indexOf(Math.max(...probabilities));
    byId('answer', HTMLElement).textContent =
      best === undefined ? '…' : `${classes[best] ?? best} (${percent(probabilities?.[best] ?? 0, 1)})`;
    byId('classes', HTMLElement).replaceChildren(
      ...order.slice(0, mostClasses).map((i) => {
        const share = probabilities?.[i] ?? 0;
        const bar = h('div', { class: 'bar' });
        bar.style.setProperty('--share', String(share));
        return h(
          'li',
          { class: i === best ? 'best' : '' },
          h('span', {}, classes[i] ?? ''),
          bar,
          h('span', {}, probabilities === undefined ? '' : percent(share, 1)),
        );
      }),
    );
  }
}

const strip = (title: string, pictures: readonly HTMLElement[]) =>
  h('figure', {}, h('figcaption', {}, title), h('div', { class: 'strip' }, ...pictures));

const mapsOf = ({ layer, height, width, maps }: FeatureMaps, what: string) =>
  strip(
    `${layer}: ${maps.length} maps of ${height} × ${width}`,
    maps.map((map, i) => heat(map, width, height, `map ${i + 1} of ${layer}, of ${what}`)),
  );

const filtersOf = ({ layer, height, width, filters }: Filters) =>
  strip(
    `weights of ${layer}: blue above zero, orange below`,
    filters.map((filter, i) => signed(filter, width, height, `weights ${i + 1} of ${layer}`)),
  );
