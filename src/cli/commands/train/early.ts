/** What of a training may begin before most of its modules are loaded. Imports little. */
import { recipes } from '../../../recipes/table.js';
import type { OpenedData } from '../../inputs/datasets.js';
import type { NewTrainingArguments } from './run.js';

/** Data that is being unpacked; undefined where it is not on this machine as it should be, which opening it anew tells. */
export interface EarlyData {
  readonly opened: Promise<OpenedData | undefined>;
}

type Asked = Pick<
  NewTrainingArguments,
  'recipe' | 'data' | 'set' | 'validationByWriter' | 'dataDir' | 'limit'
>;

/** Begins to read the dataset of a recipe that comes with Quern. Resolves when it is being read, or is not to be. */
export async function readEarly({
  recipe: name,
  data,
  set,
  validationByWriter,
  dataDir,
  limit,
}: Asked): Promise<EarlyData | undefined> {
  if (!Object.hasOwn(recipes, name) || validationByWriter || (data ?? set) !== undefined) return undefined;
  const { dataset, validationBy } = (await recipes[name]!()).default;
  if (validationBy === 'writer') return undefined;
  const { openDataset, silent } = await import('../../inputs/datasets.js');
  const opened = openDataset(dataset, { dataDir, limit, offline: true }, silent);
  return { opened: opened.catch(() => undefined) };
}
