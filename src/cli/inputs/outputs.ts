/** What a command writes does not take the place of what it reads, nor of a run. */
import { realpath } from 'node:fs/promises';
import { UsageError } from '../../core/errors.js';
import { isOfRun } from '../../runs/files.js';

const placeOf = (path: string) => realpath(path).catch(() => undefined);

/**
 * Looks at files before they are written.
 *
 * @param inputs files that are read
 * @throws UsageError naming the first that would replace one of these, or a file of a run
 */
export async function checkOutputs(outputs: readonly string[], inputs: readonly string[]): Promise<void> {
  for (const path of outputs) {
    const read = await isAmong(path, inputs);
    if (!read && !(await isOfRun(path))) continue;
    throw new UsageError(`${path}: it would replace ${read ? 'what is read there' : 'a file of a run'}`, {
      hint: 'Another name or folder will do.',
    });
  }
}

async function isAmong(path: string, others: readonly string[]): Promise<boolean> {
  const place = await placeOf(path);
  if (place === undefined) return false;
  for (const other of others) if ((await placeOf(other)) === place) return true;
  return false;
}
