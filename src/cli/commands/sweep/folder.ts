/** The folder of a sweep: of one sweep at a time, which several commands may be at. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { differences, differenceText } from '../../../core/differences.js';
import { ModelError, reasonOf, UsageError } from '../../../core/errors.js';
import { jsonText, makeFolder, writeWhole } from '../../../core/files.js';
import { renderSweep } from '../../../report/sweep/page.js';
import { shareLock, sharersOf, withLock } from '../../../runs/lock.js';
import { readSweep, type SweepRecord, sweepFile, sweepPage } from '../../../sweep/record.js';
import { firstRecord, type SweepPlan } from '../../../sweep/sweep.js';

/** Writes what is known, and the page at the end. */
export async function writeSweep(out: string, record: SweepRecord): Promise<void> {
  await writeWhole(join(out, sweepFile), jsonText(record));
  if (record.state === 'running') return;
  await writeWhole(join(out, sweepPage), await renderSweep(record));
}

/** When it was begun, if it is one to go on with; else its first record is written. */
async function beginSweep(out: string, plan: SweepPlan, force: boolean): Promise<string> {
  const record = await readSweep(out);
  if (record !== undefined) {
    const [changed] = differences(record.description, JSON.parse(JSON.stringify(plan.description)));
    if (changed === undefined) return record.begun;
    const other = `${out}: it holds another sweep: ${differenceText(changed)}`;
    const [holder] = await sharersOf(out);
    if (holder !== undefined) {
      throw new UsageError(`${other}; it is running: process ${holder.pid} on ${holder.host}`, {
        hint: '--out takes another folder.',
      });
    }
    if (!force) {
      throw new UsageError(other, {
        hint: '--out takes another folder, --force begins anew; what is trained alike is not trained again.',
      });
    }
  }
  const begun = new Date().toISOString();
  await writeSweep(out, firstRecord(plan, begun));
  return begun;
}

/** Gives a folder back. What has come to nothing, such as a queue that is not there, is not in the way of another sweep. */
async function endSweep(out: string, giveBack: () => Promise<void>): Promise<void> {
  await giveBack();
  if ((await sharersOf(out)).length > 0) return;
  const record = await readSweep(out);
  if (record?.state === 'running' && record.trials.every(({ state }) => state === 'waiting'))
    await rm(join(out, sweepFile), { force: true });
}

/**
 * Takes the folder of a sweep, and writes a first record where it is new.
 *
 * @returns when the sweep was begun, and what gives the folder back
 * @throws UsageError when it holds another sweep, unless `force`, which replaces one that does not run; ModelError when it
 *   cannot be made or written
 */
export async function takeSweepFolder(
  out: string,
  plan: SweepPlan,
  force: boolean,
): Promise<{ begun: string; giveBack(): Promise<void> }> {
  await makeFolder(out).catch((cause) => {
    throw new ModelError(`${out}: cannot be made: ${reasonOf(cause)}`, { cause });
  });
  return withLock(out, async () => {
    const begun = await beginSweep(out, plan, force);
    const giveBack = await shareLock(out);
    return { begun, giveBack: () => withLock(out, () => endSweep(out, giveBack)) };
  });
}
