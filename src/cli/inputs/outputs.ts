/** What a command writes does not take the place of what it reads, nor of a run. */
import { realpath, stat } from 'node:fs/promises';
import { extname, sep } from 'node:path';
import { UsageError } from '../../core/errors.js';
import { isOfRun } from '../../runs/files.js';

const refused = (path: string, what: string) =>
  new UsageError(`${path}: it would replace ${what}`, { hint: 'Another name or folder will do.' });

const placeOf = (path: string) => realpath(path).catch(() => undefined);

/**
 * Looks at a file before it is written.
 *
 * @param inputs what is read; a folder stands for all below it but drawings
 * @throws UsageError where it would replace one of these
 */
export async function checkOutput(path: string, inputs: readonly string[]): Promise<void> {
  const place = await placeOf(path);
  if (place === undefined) return;
  if ((await stat(place)).isDirectory()) {
    throw new UsageError(`${path}: it is a folder`, { hint: 'The name of a file is wanted.' });
  }
  const drawing = extname(place).toLowerCase() === '.svg';
  for (const input of inputs) {
    const other = await placeOf(input);
    if (other === undefined) continue;
    if (other === place || (!drawing && place.startsWith(`${other}${sep}`))) {
      throw refused(path, 'what is read there');
    }
  }
}

/** Likewise. Throws UsageError for a file of a run, too. */
export async function checkNewFile(path: string, inputs: readonly string[]): Promise<void> {
  await checkOutput(path, inputs);
  if (await isOfRun(path)) throw refused(path, 'a file of a run');
}
