/** What is kept of a run, and what is taken away of it. */
import type { Trainer } from '../shared/rpc.js';
import type { Settings } from '../shared/settings.js';
import { byId, download, h } from './dom.js';
import { reportOf } from './report.js';
import { addressOf, commandOf, downloadRecipe, needsFile, RunsPanel } from './runsPanel.js';
import { keepRun, type StoredRun } from './store.js';

interface KeepListener {
  say(text: string): void;
  open(run: StoredRun): void;
  compare(): void;
  deleted(id: string): void;
}

export class KeepPanel {
  /** The run whose curves are shown beside this one's. */
  beside: StoredRun | undefined;
  private now: Settings | undefined;
  private command = '';
  private readonly runs: RunsPanel;

  constructor(
    private readonly trainer: Trainer,
    private readonly listener: KeepListener,
  ) {
    this.runs = new RunsPanel({
      open: (run) => {
        listener.open(run);
        void this.runs.show(run.id);
      },
      compare: (run) => {
        this.beside = run;
        listener.compare();
      },
      deleted: (id) => {
        if (this.beside?.id === id) this.beside = undefined;
        listener.deleted(id);
      },
    });
    const onClick = (id: string, work: (settings: Settings) => unknown) =>
      byId(id, HTMLElement).addEventListener('click', () => this.now && void work(this.now));
    onClick('copy-link', (settings) => this.copy(addressOf(settings), 'The link'));
    onClick('copy-command', () => this.copy(this.command, 'The command'));
    onClick('download-recipe', downloadRecipe);
    onClick('download-model', (settings) => this.model(settings));
    onClick('download-report', (settings) =>
      download(`${settings.recipe}.html`, reportOf(settings, this.command), 'text/html'),
    );
  }

  formats(names: readonly string[]): void {
    byId('format', HTMLElement).replaceChildren(
      ...names.map((name) => h('option', { value: name }, name === 'quern' ? 'quern (safetensors)' : name)),
    );
  }

  /** Of the form, for link and command. */
  settings(settings: Settings, recipesDataset: string): void {
    this.now = settings;
    this.command = commandOf(settings, recipesDataset);
    byId('command', HTMLElement).textContent = this.command;
    byId('download-recipe', HTMLButtonElement).hidden = !needsFile(settings, recipesDataset);
  }

  haveModel(there: boolean): void {
    byId('download-model', HTMLButtonElement).disabled = !there;
    byId('download-report', HTMLButtonElement).disabled = !there;
  }

  newRun(settings: Settings): StoredRun {
    const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    const curve = { name: settings.recipe, points: [], validated: [] };
    return { id, settings, created: Date.now(), curve, steps: 0, saved: 0, bytes: 0 };
  }

  async keep(run: StoredRun): Promise<void> {
    await keepRun(run);
    await this.runs.show(run.id);
  }

  async show(current: string | undefined): Promise<void> {
    await this.runs.show(current);
  }

  /** @param why the state could not be kept; undefined: it was */
  saved(why: string | undefined): void {
    const place = byId('kept', HTMLElement);
    place.textContent =
      why === undefined ? '' : `Not kept: ${why}. The run goes on, and is there as long as this page.`;
    place.classList.toggle('wrong', why !== undefined);
  }

  private async copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.listener.say(`${what} is copied.`);
    } catch {
      byId('command', HTMLElement).textContent = text;
      this.listener.say(`${what} stands below: this browser lets no page copy.`);
    }
  }

  private async model({ recipe }: Settings): Promise<void> {
    const format = byId('format', HTMLSelectElement).value;
    try {
      const files = await this.trainer.call('export', { format, name: recipe });
      const end = endings[format] ?? 'safetensors';
      for (const { name, bytes } of files)
        download(
          name === '' ? `${recipe}.${end}` : name.split('/').at(-1)!,
          bytes as Uint8Array<ArrayBuffer>,
        );
    } catch (error) {
      this.listener.say(error instanceof Error ? error.message : String(error));
    }
  }
}

/** Of the file itself, by format. */
const endings: Readonly<Record<string, string>> = {
  ...{ onnx: 'onnx', keras: 'keras', kerasWeights: 'weights.h5', tfjs: 'json', npz: 'npz', page: 'html' },
};
