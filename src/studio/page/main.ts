/** The page: ties its parts together. */
import type { Catalog, Described, OwnFiles, Told } from '../shared/messages.js';
import { Trainer } from '../shared/rpc.js';
import { initialSettings, type Settings, settingsOfLink } from '../shared/settings.js';
import { byId, grouped, settled } from './dom.js';
import { DrawPanel } from './drawPanel.js';
import { KeepPanel } from './keepPanel.js';
import { LayersPanel } from './layersPanel.js';
import { Progress } from './progress.js';
import { registerServiceWorker } from './register.js';
import { SettingsPanel } from './settingsPanel.js';
import type { StoredRun } from './store.js';
import { WatchPanel } from './watchPanel.js';

/** Files that are models, and no images. */
const modelName = /\.(safetensors|onnx|keras|h5|pt|pth)$/i;
const buttons = ['start', 'pause', 'step', 'stop'] as const;

class Studio {
  private readonly trainer = new Trainer(new URL('./trainer.js', import.meta.url), (told) => this.told(told));
  private readonly draw = new DrawPanel(this.trainer, (text) => this.say(text));
  private readonly watch = new WatchPanel((pixels, what) => void this.draw.look(pixels, what));
  private readonly layers = new LayersPanel({
    changed: (layers) =>
      this.change(
        layers === undefined ? without(this.settings) : { ...this.settings, layers: layers as never },
      ),
  });
  private readonly progress = new Progress();
  private readonly keep: KeepPanel;
  private form: SettingsPanel | undefined;
  private settings: Settings = initialSettings;
  private own: OwnFiles | undefined;
  /** The run that is trained or was last; its settings are those of the form. */
  private run: StoredRun | undefined;
  private running = false;
  private readonly describeSoon = settled(120, () => void this.describe());

  constructor() {
    this.keep = new KeepPanel(this.trainer, {
      say: (text) => this.say(text),
      open: (run) => void this.open(run),
      compare: () => this.redraw(),
      deleted: (id) => {
        if (id === this.run?.id) this.run = undefined;
        this.update();
      },
    });
    byId('start', HTMLElement).addEventListener('click', () => void this.train(false));
    byId('step', HTMLElement).addEventListener('click', () => void this.train(true));
    byId('pause', HTMLElement).addEventListener('click', () => void this.trainer.call('pause', undefined));
    byId('stop', HTMLElement).addEventListener('click', () => void this.stop());
    byId('layers-details', HTMLDetailsElement).addEventListener('toggle', this.describeSoon);
    byId('maps-details', HTMLDetailsElement).addEventListener('toggle', () => this.draw.refresh());
    byId('look-inside', HTMLElement).addEventListener('click', () => void this.lookInside());
    const model = byId('open-model', HTMLInputElement);
    model.addEventListener('change', () => {
      void this.openFile([...(model.files ?? [])]);
      model.value = '';
    });
    addEventListener('hashchange', () => this.readLink());
  }

  async open(run?: StoredRun): Promise<void> {
    if (run === undefined) return this.begin();
    if (this.running) await this.stop();
    this.run = run;
    this.settings = run.settings;
    this.form?.fill(run.settings);
    this.progress.restore(run.curve);
    this.watch.begin();
    this.redraw();
    await this.describe();
    this.update();
    try {
      await this.trainer.call('load', { settings: run.settings });
      this.say('Opening the stored run …');
      const opened = await this.trainer.call('open', { settings: run.settings, id: run.id });
      this.say(
        opened === undefined
          ? 'The state of this run is gone; it begins anew.'
          : `At step ${opened.step} of ${run.steps}. Start goes on.`,
      );
      if (run.finished !== undefined) this.watch.finished(run.finished);
      this.keep.haveModel(opened !== undefined);
      this.draw.refresh();
    } catch (error) {
      this.fail(error);
    }
  }

  private async begin(): Promise<void> {
    try {
      const catalog: Catalog = await this.trainer.call('catalog', undefined);
      this.keep.formats(catalog.formats);
      const [first] = catalog.datasets;
      const has = catalog.datasets.some(({ name }) => name === this.settings.dataset);
      if (first !== undefined && !has) this.settings = { ...this.settings, dataset: first.name };
      this.form = new SettingsPanel(this.settings, catalog, {
        changed: (settings) => this.change(settings),
        dropped: (files) => void this.drop(files),
      });
      this.readLink();
      await this.describe();
      await this.keep.show(undefined);
      this.say('Ready.');
      await this.load();
    } catch (error) {
      this.fail(error);
    }
  }

  /** A model file in the place of a run: to draw for, and to look at. */
  private async openFile(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    if (this.running) await this.stop();
    this.run = undefined;
    this.update();
    this.say('Opening the model …');
    try {
      const { settings } = this;
      const { name, notes, classes, shape, parameters, judged } = await this.trainer.call('openFile', {
        settings,
        files,
      });
      const [height = 28, width = 28, channels = 1] = shape;
      this.watch.opened(notes);
      this.draw.use({ classes, shape: [height, width, channels] });
      this.keep.haveModel(true);
      const not = judged ? '' : '; the test images are of another form';
      this.say(`${name} is opened: ${classes.length} classes, ${grouped(parameters)} parameters${not}.`);
    } catch (error) {
      this.fail(error);
    }
  }

  private readLink(): void {
    try {
      const settings = settingsOfLink(location.hash);
      if (settings === undefined) return;
      this.form?.fill(settings);
      this.change(settings);
    } catch (error) {
      this.fail(error);
    }
  }

  private async drop(files: readonly { path: string; file: File }[]): Promise<void> {
    if (files.length === 0) return;
    if (files.every(({ path }) => modelName.test(path))) return this.openFile(files.map(({ file }) => file));
    const name = files[0]!.path.split('/')[0] ?? 'own';
    const { told: _, ...settings } = this.settings;
    this.own = undefined;
    this.change({ ...settings, dataset: 'own' });
    this.form?.fill(this.settings);
    this.own = { name, files };
    await this.load();
    await this.describe();
  }

  /** Other settings are another run. */
  private change(settings: Settings): void {
    const other = settings.dataset !== this.settings.dataset;
    const toldOtherwise = JSON.stringify(settings.told) !== JSON.stringify(this.settings.told);
    this.settings = settings;
    if (!this.running) this.run = undefined;
    this.describeSoon();
    this.update();
    if (settings.dataset === 'own' ? toldOtherwise && this.own !== undefined : other) void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.form?.aboutData();
      const data = await this.trainer.call('load', {
        settings: this.settings,
        ...(this.settings.dataset === 'own' && this.own !== undefined && { own: this.own }),
      });
      this.watch.data(data);
      this.draw.use(data);
      this.say(
        `${data.name}: ${data.classes.length} classes, ${data.test.toLocaleString('en')} test images.`,
      );
    } catch (error) {
      this.fail(error);
    }
  }

  private async describe(): Promise<void> {
    try {
      const described: Described = await this.trainer.call('describe', this.settings);
      this.form?.describe(described);
      this.layers.show(described, this.settings.layers !== undefined);
      this.keep.settings(this.settings, described.dataset);
      this.ready = described.problem === undefined;
      this.update();
    } catch (error) {
      this.ready = false;
      this.update();
      this.fail(error);
    }
  }

  private ready = false;

  private update(): void {
    const enabled = {
      start: this.ready && !this.running,
      pause: this.running,
      step: this.ready && !this.running,
      stop: this.running || this.run !== undefined,
    };
    for (const name of buttons) byId(name, HTMLButtonElement).disabled = !enabled[name];
    byId('start', HTMLElement).textContent =
      this.run === undefined || this.run.finished?.test ? 'Start' : 'Go on';
  }

  private async train(single: boolean): Promise<void> {
    const goesOn = this.run !== undefined && this.run.finished?.test === undefined;
    if (!goesOn) {
      this.progress.clear();
      this.watch.begin();
      this.run = this.keep.newRun(this.settings);
    }
    const { id, settings } = this.run!;
    this.running = true;
    this.update();
    this.say(single ? 'One step …' : 'Preparing …');
    try {
      const finished = await this.trainer.call('train', { settings, id, resume: goesOn, single });
      this.watch.finished(finished);
      this.say(finished.test === undefined ? 'Paused. Start goes on to the same bytes.' : 'Finished.');
      this.run = { ...this.run!, ...(finished.test !== undefined && { finished }), saved: finished.steps };
      this.keep.haveModel(true);
    } catch (error) {
      this.fail(error);
    } finally {
      this.running = false;
      await this.keepRun();
      this.update();
      this.draw.refresh();
    }
  }

  /** Ends the run for good: what follows is another. */
  private async stop(): Promise<void> {
    await this.trainer.call('pause', undefined);
    while (this.running) await new Promise((resolve) => setTimeout(resolve, 50));
    this.run = undefined;
    this.say('Stopped. The run is kept below.');
    this.update();
  }

  private async keepRun(): Promise<void> {
    if (this.run === undefined) return;
    this.run = { ...this.run, curve: { ...this.progress.curve, name: this.run.settings.recipe } };
    await this.keep.keep(this.run);
  }

  private async lookInside(): Promise<void> {
    const button = byId('look-inside', HTMLButtonElement);
    button.disabled = true;
    button.textContent = 'Looking …';
    try {
      const view = await this.trainer.call('inside', this.settings);
      const { renderInside } = await import('../inside/render.js');
      renderInside(byId('inside', HTMLElement), view);
    } catch (error) {
      this.fail(error);
    } finally {
      button.disabled = false;
      button.textContent = 'Look inside';
    }
  }

  private redraw(): void {
    const other = this.keep.beside;
    const own = { ...this.progress.curve, name: 'this run' };
    this.watch.curves(
      other === undefined
        ? [own]
        : [own, { ...other.curve, name: `beside: ${other.settings.recipe}, seed ${other.settings.seed}` }],
    );
  }

  /** What the worker tells, by its kind. */
  private readonly heard: { readonly [K in Told['kind']]: (told: Extract<Told, { kind: K }>) => void } = {
    note: ({ text }) => this.say(text),
    dataNote: ({ text }) => this.form?.aboutData(text),
    loading: ({ what, done, total }) => this.say(`Loading ${what}: ${Math.round((100 * done) / total)}%`),
    began: ({ backend, data, steps }) => {
      this.watch.backend(backend);
      this.watch.data(data);
      this.draw.use(data);
      if (this.run !== undefined) this.run = { ...this.run, steps };
      this.say('Training …');
    },
    progress: ({ progress, totalSteps }) => {
      this.watch.progress(progress, this.progress.add(progress, totalSteps));
      this.redraw();
      this.draw.refresh();
    },
    epoch: ({ record }) => {
      this.progress.epoch(record);
      this.redraw();
      void this.keepRun();
    },
    judged: ({ judged }) => this.watch.judged(judged),
    saved: ({ step, bytes }) => {
      if (this.run !== undefined) this.run = { ...this.run, saved: step, bytes };
      this.keep.saved(undefined);
      void this.keepRun();
    },
    unsaved: ({ why }) => this.keep.saved(why),
  };

  private told(told: Told): void {
    (this.heard[told.kind] as (told: Told) => void)(told);
  }

  private say(text: string): void {
    const status = byId('status', HTMLElement);
    status.textContent = text;
    status.classList.remove('wrong');
  }

  private fail(error: unknown): void {
    this.say(error instanceof Error ? error.message : String(error));
    byId('status', HTMLElement).classList.add('wrong');
  }

  /** For tests: draws strokes on the pad. */
  strokes(...given: Parameters<DrawPanel['strokes']>): void {
    this.draw.strokes(...given);
  }
}

function without({ layers: _, ...settings }: Settings): Settings {
  return settings;
}

const studio = new Studio();
Object.assign(globalThis, { studio });
void registerServiceWorker();
await studio.open();
