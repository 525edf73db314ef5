/** What is trained, and how: the form. A field that is left empty is as the recipe has it. */
import type { Catalog, Described } from '../shared/messages.js';
import { checkSettings, type Settings, type SettingValue } from '../shared/settings.js';
import { DataFactsForm } from './dataFacts.js';
import { byId, field, h } from './dom.js';

const optimizers = ['sgd', 'adam', 'adamW', 'muon', 'rmsprop', 'adagrad', 'adadelta'];

/** Numbers of the form, by the names of settings. */
const numbers = {
  seed: ['seed', 'same seed, same weights'],
  epochs: ['epochs', 'how often every image is seen'],
  batchSize: ['batch size', ''],
  learningRate: ['learning rate', ''],
  validation: ['held out', 'fraction of the training images, such as 0.1'],
  limit: ['only the first', 'images'],
  threads: ['threads', ''],
} as const satisfies Partial<Record<keyof Settings, readonly [string, string]>>;

type NumberName = keyof typeof numbers;
const numberNames = Object.keys(numbers) as NumberName[];

/** Settings that stand elsewhere in the form. */
const elsewhere = ['learningRate', 'batchSize', 'optimizer', 'schedule'];
/** Augmentation can be had by every recipe. */
const augmentations = ['augmentation.shift', 'augmentation.rotate', 'augmentation.shear'];

interface SettingsListener {
  changed(settings: Settings): void;
  dropped(files: readonly { path: string; file: File }[]): void;
}

export class SettingsPanel {
  private readonly inputs = new Map<NumberName, HTMLInputElement>();
  private readonly recipe = h('select', { id: 'recipe' });
  private readonly dataset = h('select', { id: 'dataset' });
  private readonly optimizer = h('select', { id: 'optimizer' });
  private readonly backend = h('select', { id: 'backend' });
  private readonly more = h('div', { class: 'fields' });
  private readonly facts = new DataFactsForm((told) => {
    const { told: _, ...settings } = this.settings;
    this.update(Object.keys(told).length === 0 ? settings : { ...settings, told });
  });
  private readonly about = h('p', { class: 'soft', id: 'about-recipe' });

  constructor(
    private settings: Settings,
    { recipes, datasets }: Catalog,
    private readonly listener: SettingsListener,
  ) {
    this.recipe.append(...recipes.map((name) => h('option', { value: name }, name)));
    this.dataset.append(
      ...datasets.map(({ name, title }) => h('option', { value: name }, title)),
      h('option', { value: 'own' }, 'data of my own'),
    );
    this.optimizer.append(
      h('option', { value: '' }, ''),
      ...optimizers.map((name) => h('option', { value: name }, name)),
    );
    this.backend.append(
      h('option', { value: 'wasm' }, 'WebAssembly'),
      h('option', { value: 'gpu' }, 'GPU (WebGPU, WebGL)'),
    );
    for (const name of numberNames) {
      this.inputs.set(name, h('input', { type: 'number', id: `set-${name}`, step: 'any', min: 0 }));
    }
    this.place();
    for (const [name, text] of [
      ['validation', 'none'],
      ['limit', 'all'],
      ['threads', 'as there are'],
    ] as const)
      this.inputs.get(name)?.setAttribute('placeholder', text);
    this.fill(settings);
  }

  private place(): void {
    const number = (name: NumberName) => field(numbers[name][0], this.inputs.get(name)!, numbers[name][1]);
    const dataset = field('dataset', this.dataset);
    dataset.classList.add('wide');
    byId('settings', HTMLElement).replaceChildren(
      h('div', { class: 'fields' }, field('recipe', this.recipe), dataset),
      this.about,
      this.dropZone(),
      this.facts.element,
      h(
        'div',
        { class: 'fields' },
        ...(['seed', 'epochs', 'learningRate'] as const).map(number),
        field('optimizer', this.optimizer),
        ...(['batchSize', 'validation', 'limit'] as const).map(number),
        field('computed by', this.backend),
        number('threads'),
      ),
      h('details', {}, h('summary', {}, 'More settings: augmentation, options of the recipe'), this.more),
    );
    const changed = () => this.read();
    for (const input of this.inputs.values()) input.addEventListener('change', changed);
    for (const select of [this.optimizer, this.backend]) select.addEventListener('change', changed);
    this.recipe.addEventListener('change', () => this.chooseRecipe());
    this.dataset.addEventListener('change', changed);
  }

  /** Another recipe begins with its own settings. */
  private chooseRecipe(): void {
    const { seed, backend, dataset } = this.settings;
    this.update({ recipe: this.recipe.value, dataset, seed, backend });
    this.fill(this.settings);
  }

  private dropZone(): HTMLElement {
    const input = h('input', { type: 'file', multiple: true, id: 'own-files' });
    const folder = h('input', { type: 'file', webkitdirectory: true, id: 'own-folder' });
    const given = ({ files }: HTMLInputElement) =>
      this.listener.dropped(
        [...(files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file })),
      );
    for (const each of [input, folder]) each.addEventListener('change', () => given(each));
    const zone = h(
      'div',
      { class: 'drop', id: 'drop' },
      h('span', {}, 'Data of your own: drop a folder, a CSV, npz or idx files here'),
      h('label', { class: 'button' }, 'Files', input),
      h('label', { class: 'button' }, 'Folder', folder),
    );
    zone.addEventListener('dragover', (event) => {
      event.preventDefault();
      zone.classList.add('over');
    });
    zone.addEventListener('dragleave', () => zone.classList.remove('over'));
    zone.addEventListener('drop', (event) => {
      event.preventDefault();
      zone.classList.remove('over');
      void filesOf(event).then((files) => this.listener.dropped(files));
    });
    return zone;
  }

  /** Shows settings, and what the recipe has where they say nothing. */
  fill(settings: Settings): void {
    this.settings = settings;
    this.recipe.value = settings.recipe;
    this.dataset.value = settings.dataset;
    this.optimizer.value = settings.optimizer ?? '';
    this.backend.value = settings.backend;
    for (const [name, input] of this.inputs) input.value = String(settings[name] ?? '');
    this.facts.show(settings.dataset === 'own' ? (settings.told ?? {}) : undefined);
  }

  private read(): void {
    const given = numberNames.flatMap((name) => {
      const { value } = this.inputs.get(name)!;
      return value === '' ? [] : [[name, Number(value)] as const];
    });
    const { set, layers, told } = this.settings;
    const own = this.dataset.value === 'own';
    this.facts.show(own ? (told ?? {}) : undefined);
    this.update({
      ...{ recipe: this.recipe.value, dataset: this.dataset.value, seed: 0 },
      backend: this.backend.value === 'gpu' ? 'gpu' : 'wasm',
      ...(this.optimizer.value !== '' && { optimizer: this.optimizer.value }),
      ...Object.fromEntries(given),
      ...(set !== undefined && { set }),
      ...(layers !== undefined && { layers }),
      ...(own && told !== undefined && { told }),
    });
  }

  /** Adds a line on how the data was taken; without one, forgets those that there are. */
  aboutData(text?: string): void {
    this.facts.note(text);
  }

  private update(settings: Settings): void {
    try {
      this.settings = checkSettings(settings);
      this.about.classList.remove('wrong');
      this.listener.changed(this.settings);
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  private say(problem: string): void {
    this.about.textContent = problem;
    this.about.classList.add('wrong');
  }

  /** What the recipe has. */
  describe(described: Described): void {
    const { title, epochs, batchSize, learningRate, optimizer, settings } = described;
    this.about.textContent = title;
    const own = { epochs, batchSize, learningRate } as const;
    for (const [name, value] of Object.entries(own)) {
      this.inputs.get(name as NumberName)?.setAttribute('placeholder', String(value));
    }
    this.optimizer.options[0]!.textContent = `${optimizer} (recipe)`;
    const names = new Set([...Object.keys(settings), ...augmentations]);
    const rows = [...names].flatMap((name) => {
      const value = settings[name];
      const plain = value === undefined || /^(number|string|boolean)$/.test(typeof value);
      return elsewhere.includes(name) || !plain ? [] : [this.settingField(name, value as SettingValue)];
    });
    this.more.replaceChildren(...rows);
  }

  private settingField(name: string, value: SettingValue | undefined): HTMLElement {
    const given = this.settings.set?.[name];
    const input = h('input', {
      ...{ type: 'text', placeholder: String(value ?? 'none'), value: String(given ?? '') },
      'data-setting': name,
    });
    input.addEventListener('change', () => {
      const { set: { [name]: _, ...rest } = {}, ...settings } = this.settings;
      const text = input.value.trim();
      const number = Number(text);
      const parsed: SettingValue =
        text === 'true' || text === 'false' ? text === 'true' : Number.isFinite(number) ? number : text;
      const set = text === '' ? rest : { ...rest, [name]: parsed };
      this.update(Object.keys(set).length === 0 ? settings : { ...settings, set });
    });
    return field(name, input);
  }
}

/** Everything that was dropped, folders walked. */
async function filesOf({ dataTransfer }: DragEvent): Promise<{ path: string; file: File }[]> {
  const found: { path: string; file: File }[] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) =>
        (entry as FileSystemFileEntry).file(resolve, reject),
      );
      found.push({ path: entry.fullPath.replace(/^\//, ''), file });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
        reader.readEntries(resolve, reject),
      );
      if (batch.length === 0) return;
      for (const each of batch) await walk(each);
    }
  };
  const roots = [...(dataTransfer?.items ?? [])].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  for (const entry of roots) await walk(entry);
  return found;
}
