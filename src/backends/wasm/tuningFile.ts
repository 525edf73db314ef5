/** Where measured tunings are kept: a JSON file, for several machines and versions. Without files there is none. */

import type { Tuning } from '../../../kernels/wasm.js';
import { jsonText, makeFolder, readKept, writeWhole } from '../../core/files.js';
import { isObject } from '../../core/json.js';
import { machineKey } from '../../core/machine.js';

/** Of the format; a file of another version is ignored. */
const version = 1;

interface Contents {
  readonly version: typeof version;
  /** By machine, then by kernel call. */
  readonly machines: Readonly<Record<string, Readonly<Record<string, Tuning>>>>;
}

/** Hashes the conditions of a measurement beside the call: code, processor and JavaScript engine. */
async function keyOfMachine(): Promise<string> {
  const { quern, processor, node } = await machineKey();
  return `quern ${quern}, ${processor}, node ${node}`;
}

function isContents(value: unknown): value is Contents {
  return (
    isObject(value) &&
    value.version === version &&
    isObject(value.machines) &&
    Object.values(value.machines).every((calls) => isObject(calls) && Object.values(calls).every(isObject))
  );
}

const readContents = (file: string) => readKept(file, isContents, 'is not a file of tunings');

export interface KeptTunings {
  readonly file: string | undefined;
  /** By kernel call: what was found on this machine before. */
  readonly tunings: Map<string, Tuning>;
  /** Why the file was ignored, if it was. */
  readonly note?: string | undefined;
}

export async function readTunings(file: string | undefined): Promise<KeptTunings> {
  if (file === undefined) return { file, tunings: new Map() };
  const { contents, note } = await readContents(file);
  const { [await keyOfMachine()]: calls = {} } = contents?.machines ?? {};
  return { file, tunings: new Map(Object.entries(calls)), note };
}

/** Writes what was found, beside that of other machines; a file that cannot be written is no reason to stop. */
export async function writeTunings(
  file: string | undefined,
  tunings: ReadonlyMap<string, Tuning>,
): Promise<void> {
  if (file === undefined) return;
  const { dirname } = process.getBuiltinModule('node:path');
  const { contents } = await readContents(file);
  const machines = { ...contents?.machines, [await keyOfMachine()]: Object.fromEntries(tunings) };
  try {
    await makeFolder(dirname(file));
    await writeWhole(file, jsonText({ version, machines }));
  } catch {
    // the next process measures again
  }
}
