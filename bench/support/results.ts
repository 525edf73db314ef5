/** A bench's findings with all that has to be known about them, as files. */

import { join } from 'node:path';
import { ModelError, messageOf } from '../../src/core/errors.js';
import { makeFolder, writeWhole } from '../../src/core/files.js';
import type { Findings } from './bench.js';
import type { Machine, Versions } from './machine.js';
import type { Sampling } from './measure.js';
import { drawPlot } from './plot.js';

export interface BenchResult extends Findings {
  readonly bench: string;
  readonly question: string;
  /** When it began, ISO 8601. */
  readonly date: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly versions: Versions;
  readonly quick: boolean;
  readonly sampling: Sampling;
}

/**
 * Writes `<name>.json`, and `<name>.svg` for each plot.
 *
 * @returns the paths
 * @throws ModelError naming the folder when it cannot be written
 */
export async function writeResult(folder: string, result: BenchResult): Promise<string[]> {
  const { plots, ...data } = result;
  const files: [string, string][] = [[`${result.bench}.json`, `${JSON.stringify(data, undefined, 2)}\n`]];
  for (const plot of plots) {
    const name = plot.name === undefined ? result.bench : `${result.bench}-${plot.name}`;
    files.push([`${name}.svg`, await drawPlot(plot)]);
  }
  try {
    await makeFolder(folder);
    for (const [name, text] of files) await writeWhole(join(folder, name), text);
  } catch (cause) {
    throw new ModelError(`${folder}: the results cannot be written: ${messageOf(cause)}`, { cause });
  }
  return files.map(([name]) => join(folder, name));
}
