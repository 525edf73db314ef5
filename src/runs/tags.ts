/** Words of the user's own on runs, `tags.json` in the run folder: they decide nothing. */
import { join } from 'node:path';
import { UsageError } from '../core/errors.js';
import { jsonText, writeWhole } from '../core/files.js';
import { list, object, text } from '../core/schema.js';
import { readJson, runFiles } from './files.js';

const form = /^[^\s,\p{C}]{1,64}$/u;
const wanted = '1 to 64 characters without spaces and commas';

/** Far more than anybody tells apart. */
const mostTags = 100;

const checkTags = object<{ tags: readonly string[] }>(
  { tags: list(text(form, wanted), 0, mostTags) },
  {},
  'keep',
);

/** The tags of a run, in order. Throws DataError naming the file for what are no tags. */
export async function readTags(folder: string): Promise<readonly string[]> {
  const path = join(folder, runFiles.tags);
  const found = await readJson(path);
  return found === undefined ? [] : checkTags(found, path).tags;
}

/** Throws UsageError for a text that is no tag. */
export function checkTag(tag: string): void {
  if (!form.test(tag)) throw new UsageError(`a tag must be ${wanted}: ${JSON.stringify(tag)}`);
}

/**
 * Puts tags on a run and takes others off.
 *
 * @returns those that it has then, in order
 * @throws UsageError for a text that is no tag, or more than 100 of them
 */
export async function changeTags(
  folder: string,
  { add = [], remove = [] }: { readonly add?: readonly string[]; readonly remove?: readonly string[] },
): Promise<readonly string[]> {
  for (const tag of [...add, ...remove]) checkTag(tag);
  const before = await readTags(folder);
  const tags = [...new Set([...before, ...add])].filter((tag) => !remove.includes(tag)).sort();
  if (tags.length > mostTags)
    throw new UsageError(`${folder}: a run has at most ${mostTags} tags: ${tags.length}`);
  await writeWhole(join(folder, runFiles.tags), jsonText({ tags }));
  return tags;
}
