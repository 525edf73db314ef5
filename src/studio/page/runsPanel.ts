/** The runs that the browser keeps: opened, compared, deleted, and what is taken away of them. */
import { linkOf, optionsOf, type Settings } from '../shared/settings.js';
import { byId, download, grouped, h, percent } from './dom.js';
import { deleteRun, listRuns, room, type StoredRun } from './store.js';

interface RunsListener {
  open(run: StoredRun): void;
  compare(run: StoredRun | undefined): void;
  /** After one was deleted. */
  deleted(id: string): void;
}

const megabytes = (bytes: number) =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

const nameOf = ({ settings, created }: StoredRun) =>
  `${settings.recipe}, seed ${settings.seed}, ${new Date(created).toLocaleString('en', { dateStyle: 'short', timeStyle: 'medium' })}`;

/** Tells whether the command needs a recipe file: for layers of one's own, or another dataset than the recipe's. */
export const needsFile = ({ layers, dataset }: Settings, recipesDataset: string) =>
  layers !== undefined || (dataset !== 'own' && dataset !== recipesDataset);

/** The command that trains the same, of the recipe or of a recipe file that is downloaded beside it. */
export function commandOf(settings: Settings, recipesDataset: string): string {
  const recipe = needsFile(settings, recipesDataset) ? './studio-recipe.mjs' : settings.recipe;
  const data = settings.dataset === 'own' ? ['--data YOUR_DATA'] : [];
  return ['quern train', recipe, ...data, ...optionsOf(settings)].join(' ');
}

/** A recipe file with the layers that were edited, and the dataset that was chosen. */
export function recipeFileOf(settings: Settings): string {
  const { recipe, layers, dataset } = settings;
  const own = [
    'target: undefined',
    ...(dataset === 'own' ? [] : [`dataset: '${dataset}'`]),
    ...(layers === undefined ? [] : ['layer: () => restoreLayer(layers)']),
  ];
  const made = layers === undefined ? [] : [`const layers = ${JSON.stringify(layers, undefined, 2)};`];
  return [
    `// quern train ./studio-recipe.mjs: the recipe ${recipe} with settings of the studio`,
    `import { recipes${layers === undefined ? '' : ', restoreLayer'} } from 'quern';`,
    '',
    `const { default: recipe } = await recipes.table['${recipe}']();`,
    ...made,
    '',
    `const own = { ${own.join(', ')} };`,
    `export default { ...recipe, ...own, name: '${recipe}-studio' };`,
    '',
  ].join('\n');
}

export class RunsPanel {
  private compared: string | undefined;

  constructor(private readonly listener: RunsListener) {}

  async show(current: string | undefined): Promise<void> {
    const { list, keeps } = await listRuns();
    const space = await room();
    const kept = list.reduce((sum, { bytes }) => sum + bytes, 0);
    byId('runs-about', HTMLElement).textContent = keeps
      ? `${list.length} run${list.length === 1 ? '' : 's'}, ${megabytes(kept)}${space === undefined ? '' : `; the site takes ${megabytes(space.usage)} of ${megabytes(space.quota)}`}. They survive closing the tab.`
      : 'This browser keeps nothing here (a private window, perhaps): runs are gone when the tab is closed.';
    byId('runs', HTMLElement).replaceChildren(...(list.length === 0 ? [] : [this.table(list, current)]));
  }

  private table(list: readonly StoredRun[], current: string | undefined): HTMLElement {
    const head = ['run', 'steps', 'accuracy', 'size'];
    return h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'stored runs' },
      h(
        'table',
        {},
        h('thead', {}, h('tr', {}, ...head.map((name) => h('th', { scope: 'col' }, name)))),
        h('tbody', {}, ...list.flatMap((run) => this.rows(run, run.id === current, current))),
      ),
    );
  }

  /** Two rows: the run, and what is done with it. */
  private rows(run: StoredRun, isCurrent: boolean, current: string | undefined): HTMLElement[] {
    const { id, saved, steps, bytes, finished } = run;
    const name = nameOf(run);
    const button = (text: string, work: () => void, disabled = false) =>
      h(
        'button',
        { type: 'button', class: 'small', 'aria-label': `${text} ${name}`, onclick: work, disabled },
        text,
      );
    const compare = () => {
      this.compared = this.compared === id ? undefined : id;
      this.listener.compare(this.compared === undefined ? undefined : run);
      void this.show(current);
    };
    const remove = () => {
      void deleteRun(id).then(() => {
        this.listener.deleted(id);
        return this.show(current);
      });
    };
    const what = h(
      'tr',
      { class: isCurrent ? 'current' : '' },
      h('th', { scope: 'row' }, name),
      h('td', {}, `${grouped(saved)} of ${grouped(steps)}`),
      h('td', {}, finished?.test === undefined ? '' : percent(finished.test.accuracy)),
      h('td', {}, megabytes(bytes)),
    );
    const acts = h(
      'div',
      { class: 'acts' },
      button('Open', () => this.listener.open(run), isCurrent),
      button(this.compared === id ? 'Beside: on' : 'Beside', compare, isCurrent),
      button('Delete', remove),
    );
    return [what, h('tr', { class: 'how' }, h('td', { colspan: 4 }, acts))];
  }
}

/** The address of the page with settings in it. */
export const addressOf = (settings: Settings) => `${location.href.split('#')[0]}${linkOf(settings)}`;

/** Gives the recipe file that the command names. */
export const downloadRecipe = (settings: Settings) =>
  download('studio-recipe.mjs', recipeFileOf(settings), 'text/javascript');
