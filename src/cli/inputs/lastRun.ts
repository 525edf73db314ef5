/** The run that was begun last. */
import { UsageError } from '../../core/errors.js';
import { exists } from '../../core/files.js';
import { findRuns } from '../../runs/records.js';

/**
 * Path of the run that was begun last among those in a folder; `last` itself where something of that name lies in the
 * current folder.
 *
 * @throws UsageError where there is no run
 */
export async function lastRun(folder = 'runs'): Promise<string> {
  if (await exists('last')) return 'last';
  const { runs } = await findRuns(folder);
  const run = runs.at(-1);
  if (run === undefined) throw new UsageError(`last: there is no run in ${folder} yet`);
  return run.path;
}
