/** Keeps what `quern doctor` measures for `auto`: how fast each backend is here. A JSON file, of one machine. */
import { jsonText, makeFolder, readKept, writeWhole } from '../core/files.js';
import { isObject } from '../core/json.js';
import { type MachineKey, machineKey } from '../core/machine.js';

/** The work of a training step, roughly. */
export interface Work {
  /** Floating-point operations of matrix products, and of convolutions with their gradients. */
  readonly matmulFlops: number;
  readonly convolutionFlops: number;
  /** Kernels of any kind. */
  readonly kernels: number;
}

/** How fast a backend does it. */
export interface Speed {
  /** The cost of every kernel, however little it computes. */
  readonly secondsPerKernel: number;
  /** Floating-point operations per second beyond that. */
  readonly matmulRate: number;
  readonly convolutionRate: number;
}

export interface MeasuredBackend {
  readonly backend: 'wasm' | 'gpu';
  /** For gpu: the mode of gpu.js and the adapter. */
  readonly mode?: string;
  readonly adapter?: string;
  readonly speed: Speed;
}

export interface Measurements {
  /** wasm, and every mode of gpu on hardware that computes right. */
  readonly backends: readonly MeasuredBackend[];
}

/** Of the format and of how speeds are measured; a file of another version is ignored. */
const version = 1;

interface Contents extends Measurements {
  readonly version: typeof version;
  readonly machine: MachineKey;
}

const isRate = (value: unknown): value is number =>
  typeof value === 'number' && value > 0 && Number.isFinite(value);

const isText = (value: unknown) => value === undefined || typeof value === 'string';

function isMeasured(value: unknown): value is MeasuredBackend {
  if (!isObject(value) || !isObject(value.speed)) return false;
  const { secondsPerKernel, matmulRate, convolutionRate } = value.speed;
  return (
    (value.backend === 'wasm' || value.backend === 'gpu') &&
    isText(value.mode) &&
    isText(value.adapter) &&
    [secondsPerKernel, matmulRate, convolutionRate].every(isRate)
  );
}

function isContents(value: unknown): value is Contents {
  return (
    isObject(value) &&
    value.version === version &&
    isObject(value.machine) &&
    Array.isArray(value.backends) &&
    value.backends.every(isMeasured)
  );
}

/** Measurements of this machine, or a note why the file says nothing; neither where there is no file. */
export interface KeptMeasurements {
  readonly measurements?: Measurements;
  readonly note?: string;
}

/** Reads what was kept. Never throws: a file that is damaged, or of another machine or version, is noted and ignored. */
export async function readMeasurements(file: string): Promise<KeptMeasurements> {
  const { contents, note } = await readKept(file, isContents, 'holds no measurements of this version');
  if (contents === undefined) return note === undefined ? {} : { note };
  const here = await machineKey();
  const changed = (['quern', 'processor', 'node'] as const).find(
    (part) => contents.machine[part] !== here[part],
  );
  if (changed === undefined) return { measurements: { backends: contents.backends } };
  return { note: `${file} was measured with another ${changed} and is ignored; quern doctor measures anew` };
}

/** Keeps measurements, whole or not at all. Rejects where the file cannot be written. */
export async function writeMeasurements(file: string, { backends }: Measurements): Promise<void> {
  const { dirname } = process.getBuiltinModule('node:path');
  const contents: Contents = { version, machine: await machineKey(), backends };
  await makeFolder(dirname(file));
  await writeWhole(file, jsonText(contents));
}
