import { didYouMean } from '../../../core/closest.js';
import { differences } from '../../../core/differences.js';
import { UsageError } from '../../../core/errors.js';
import { exists } from '../../../core/files.js';
import { at } from '../../../core/lists.js';
import { renderComparison } from '../../../report/page/comparison.js';
import { checkPagePath, writeReport } from '../../../report/page/write.js';
import type { RunConfig } from '../../../runs/config.js';
import {
  findRuns,
  overviewOf,
  type RunOverview,
  type RunRecord,
  type RunState,
  readRun,
} from '../../../runs/records.js';
import { changeTags, checkTag } from '../../../runs/tags.js';
import type { EpochRecord } from '../../../training/fit/options.js';
import { clock, decimals, grouped, percent } from '../../terminal/format.js';
import { oneLine, print } from '../../terminal/output.js';
import { sparkline, textTable } from '../../terminal/table.js';
import { runCommands } from '../../usage.js';

const share = (value: number | null | undefined) =>
  value === null || value === undefined ? '-' : percent(value);

function overviewRow(run: RunOverview): string[] {
  return [
    run.path,
    run.recipe,
    String(run.seed),
    run.state,
    `${run.epochs}/${run.plannedEpochs}`,
    share(run.testAccuracy),
    share(run.validationAccuracy),
    clock(run.trainSeconds),
    run.started.slice(0, 16).replace('T', ' '),
  ];
}

/** Before the first run there is none. */
const defaultFolder = 'runs';

export interface ListArguments {
  readonly folder: string;
  readonly sort?: 'begun' | 'test' | 'validation' | 'time' | 'recipe' | 'seed';
  readonly recipe?: string | readonly string[] | undefined;
  readonly state?: RunState | undefined;
  /** Only runs that have all of these. */
  readonly tag?: string | readonly string[] | undefined;
  readonly json: boolean;
}

const orders: Readonly<
  Record<NonNullable<ListArguments['sort']>, (a: RunOverview, b: RunOverview) => number>
> = {
  begun: () => 0,
  test: (a, b) => (b.testAccuracy ?? -1) - (a.testAccuracy ?? -1),
  validation: (a, b) => (b.validationAccuracy ?? -1) - (a.validationAccuracy ?? -1),
  time: (a, b) => a.trainSeconds - b.trainSeconds,
  recipe: (a, b) => a.recipe.localeCompare(b.recipe),
  seed: (a, b) => a.seed - b.seed,
};

/** The runs in a folder, those that are wanted. Equal ones stay in the order in which they were begun. */
export async function listRuns({
  folder,
  sort = 'begun',
  recipe,
  state,
  tag = [],
  json,
}: ListArguments): Promise<void> {
  if (folder !== defaultFolder && !(await exists(folder))) {
    throw new UsageError(`runs: ${folder}: there is no such folder`, didYouMean(folder, runCommands));
  }
  const found = await findRuns(folder);
  const recipes = recipe === undefined ? undefined : [recipe].flat();
  const overviews = found.runs
    .map(overviewOf)
    .filter((run) => recipes?.includes(run.recipe) ?? true)
    .filter((run) => state === undefined || run.state === state)
    .filter((run) => [tag].flat().every((each) => run.tags.includes(each)))
    .sort(orders[sort]);
  // what is damaged has neither recipe nor state nor tags
  const all = recipes === undefined && state === undefined && tag.length === 0;
  const damaged = all ? found.damaged : [];
  if (json) {
    print(JSON.stringify({ runs: [...overviews, ...damaged] }));
    return;
  }
  if (overviews.length + damaged.length === 0) {
    print(`no runs in ${folder}`);
    return;
  }
  const header = ['run', 'recipe', 'seed', 'state', 'epochs', 'test', 'validation', 'time', 'begun (UTC)'];
  const alignments = ['left', 'left', 'right', 'left', 'right', 'right', 'right', 'right'] as const;
  const tagged = overviews.some(({ tags }) => tags.length > 0);
  if (tagged) header.push('tags');
  const listed = overviews.map((run) => [...overviewRow(run), ...(tagged ? [run.tags.join(', ')] : [])]);
  const rows = [...listed, ...damaged.map(({ path, state }) => [path, '-', '-', state])];
  print(textTable({ header, rows, alignments }));
  for (const { path, failure } of overviews)
    if (failure !== null) print(oneLine(`${path} failed: ${failure}`));
  for (const { path, failure } of damaged) print(oneLine(`${path} is damaged: ${failure}`));
}

/** The conditions that may differ and matter: those that decide the bytes, and the backend that ran. */
function conditionsOf({ settings, data, numerics, backend, threads, versions }: RunConfig) {
  return { ...settings, data, numerics, backend, threads, versions };
}

interface SettingDifference {
  readonly setting: string;
  /** One per run, as JSON has it; null where it has none. */
  readonly values: readonly unknown[];
}

function valueAt(value: unknown, names: readonly string[]): unknown {
  return names.reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], value);
}

function settingDifferences(runs: readonly RunRecord[]): SettingDifference[] {
  const conditions = runs.map(({ config }) => conditionsOf(config));
  const found = conditions.slice(1).flatMap((other) => differences(conditions[0], other));
  const settings = new Map(found.map(({ path, names }) => [path, names]));
  return [...settings].map(([setting, names]) => ({
    setting,
    values: conditions.map((each) => valueAt(each, names) ?? null),
  }));
}

const measures: readonly [string, (run: RunRecord) => string][] = [
  ['state', ({ state }) => state],
  ['epochs', ({ history }) => String(history.length)],
  ['test accuracy', ({ result }) => share(result?.testAccuracy)],
  ['  95% interval', ({ result }) => result?.testInterval?.map(percent).join(' to ') ?? '-'],
  ['test loss', ({ result }) => (result?.testLoss == null ? '-' : decimals(result.testLoss))],
  ['train accuracy', ({ result }) => share(result?.trainAccuracy)],
  ['validation', ({ history }) => share(history.at(-1)?.validationAccuracy)],
  ['parameters', ({ result }) => (result === undefined ? '-' : grouped(result.parameters))],
  ['time', (run) => clock(overviewOf(run).trainSeconds)],
  ['weights', ({ result }) => result?.weightsSha256.slice(0, 12) ?? '-'],
];

const curves: readonly [string, keyof EpochRecord][] = [
  ['loss', 'loss'],
  ['accuracy', 'accuracy'],
  ['validation loss', 'validationLoss'],
  ['validation accuracy', 'validationAccuracy'],
  ['learning rate', 'learningRate'],
];

function curveLines(runs: readonly RunRecord[], names: readonly string[]): string[] {
  return curves.flatMap(([title, key]) => {
    const values = runs.map(({ history }) =>
      history.flatMap((record) => (record[key] === undefined ? [] : [record[key]])),
    );
    if (values.every((list) => list.length === 0)) return [];
    return values.map(
      (list, i) => `${(i === 0 ? title : '').padEnd(20)} ${names[i]}  ${sparkline(list, values.flat())}`,
    );
  });
}

const shortened = (value: unknown) => {
  const text = value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= 32 ? text : `${text.slice(0, 31)}…`;
};

/** Letters for runs: A, B, …, Z, A1, … */
const letter = (index: number) => {
  const round = Math.floor(index / 26);
  return String.fromCharCode(65 + (index % 26)) + (round === 0 ? '' : String(round));
};

/** Says what this command cannot tell, since runs keep no predictions. */
function chanceHint(runs: readonly RunRecord[]): string {
  const [first, second] = runs;
  const images = new Set(runs.map(({ config }) => config.data.test.sha256));
  if (runs.length !== 2 || images.size !== 1 || runs.some(({ state }) => state !== 'finished')) return '';
  return `whether they differ by more than chance: quern evaluate ${first!.path} --compare ${second!.path}`;
}

interface CompareArguments {
  readonly run: readonly string[];
  readonly json: boolean;
  /** Where a page with their curves is written. */
  readonly page?: string | undefined;
}

/** `runs/a (tiny, --limit 600)` */
const titleOf = ({ path, config: { settings } }: RunRecord) =>
  `${path} (${settings.recipe}${settings.limit === undefined ? '' : `, --limit ${settings.limit}`})`;

/** How runs differ. */
export async function compareRuns({ run: paths, json, page }: CompareArguments): Promise<void> {
  if (page !== undefined) checkPagePath(page);
  if (paths.length < 2) throw new UsageError('runs compare: it takes the folders of two runs or more');
  // one after the other, so that the first that is none is the one that is named
  const runs: RunRecord[] = [];
  for (const path of paths) runs.push(await readRun(path));
  const settings = settingDifferences(runs);
  const names = runs.map((_, i) => letter(i));
  const rows = settings.map(({ setting, values }) => [setting, ...values.map(shortened)]);
  const changed = { header: ['what differs', ...names], rows };
  const results = { header: ['', ...names], rows: measures.map(([title, of]) => [title, ...runs.map(of)]) };
  if (page !== undefined) {
    const named = runs.map((run, i) => ({ name: at(names, i), title: titleOf(run), run }));
    const rendered = await renderComparison({ runs: named, differences: changed, results });
    await writeReport(rendered, page);
  }
  if (json) {
    const compared = runs.map((run) => ({
      ...overviewOf(run),
      history: run.history,
      result: run.result ?? null,
    }));
    print(JSON.stringify({ runs: compared, differences: settings }));
    return;
  }
  const parts = [
    runs.map((run, i) => `${names[i]}  ${titleOf(run)}`).join('\n'),
    rows.length === 0 ? 'same settings, data and arithmetic' : textTable(changed),
    textTable(results),
    curveLines(runs, names).join('\n'),
    chanceHint(runs),
    page ?? '',
  ];
  print(parts.filter((part) => part !== '').join('\n\n'));
}

interface TagArguments {
  readonly run: readonly string[];
  readonly add?: string | readonly string[] | undefined;
  readonly remove?: string | readonly string[] | undefined;
  readonly json: boolean;
}

/** Puts tags on runs and takes them off; without either it shows them. */
export async function tagRuns({ run: paths, add = [], remove = [], json }: TagArguments): Promise<void> {
  const changes = { add: [add].flat(), remove: [remove].flat() };
  for (const tag of [...changes.add, ...changes.remove]) checkTag(tag);
  // all are runs, before the first is changed
  const runs: RunRecord[] = [];
  for (const path of paths) runs.push(await readRun(path));
  const changed = changes.add.length + changes.remove.length > 0;
  const tagged: { path: string; tags: readonly string[] }[] = [];
  for (const { path, tags } of runs) {
    tagged.push({ path, tags: changed ? await changeTags(path, changes) : tags });
  }
  if (json) print(JSON.stringify({ runs: tagged }));
  else
    print(
      textTable({ header: ['run', 'tags'], rows: tagged.map(({ path, tags }) => [path, tags.join(', ')]) }),
    );
}
