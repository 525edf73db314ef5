/** Changed files for every reader: each is read or refused with a sentence. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QuernError } from '../../src/core/errors.js';
import { type ExportFormat, exportModel } from '../../src/formats/export.js';
import { decodeForeignModel, pixelScales } from '../../src/formats/import.js';
import { isZip, unzip, zip } from '../../src/formats/zip.js';
import type { Target } from '../fuzz/targets.js';
import { models, sourceOf } from './support.js';

interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly beside: Uint8Array | undefined;
}

const fixtures = join(import.meta.dirname, '../../../test/formats/fixtures');

/** What Quern exports, and what Keras and PyTorch have written. */
export async function samples(): Promise<Sample[]> {
  const found: Sample[] = readdirSync(fixtures)
    .filter((name) => /\.(keras|h5|pt|onnx)$/.test(name))
    .map((name) => ({
      name,
      bytes: new Uint8Array(readFileSync(join(fixtures, name))),
      beside:
        name === 'pooled.onnx' ? new Uint8Array(readFileSync(join(fixtures, `${name}.data`))) : undefined,
    }));
  const source = sourceOf(models.chain!());
  for (const format of ['onnx', 'pytorch', 'tfjs', 'npz'] satisfies ExportFormat[]) {
    const { files } = await exportModel(source, format);
    found.push({ name: `chain.${format}`, bytes: files[0]!.bytes, beside: files[1]?.bytes });
  }
  return found;
}

const odd = [0, 1, 0x7f, 0x80, 0xff];

/** A copy with one to eight changes: bytes, runs of bytes, numbers that are too large, cuts and repetitions. */
export function changed(bytes: Uint8Array, random: () => number): Uint8Array {
  let result = bytes.slice();
  const at = () => Math.floor(random() * Math.max(1, result.length));
  for (let i = 1 + Math.floor(random() * 8); i > 0; i--) {
    const kind = Math.floor(random() * 7);
    const place = at();
    if (kind === 0) result[place] = Math.floor(random() * 256);
    else if (kind === 1) result[place] = odd[Math.floor(random() * odd.length)]!;
    else if (kind === 2) result.fill(0xff, place, place + 1 + Math.floor(random() * 8));
    else if (kind === 3) result.fill(0, place, place + 1 + Math.floor(random() * 8));
    else if (kind === 4) result = result.slice(0, place);
    else if (kind === 5) result.copyWithin(place, at(), at());
    else result = Uint8Array.of(...result.subarray(0, 64), ...result.subarray(64 + Math.floor(random() * 8)));
  }
  return result;
}

/** As `changed`; of an archive every other time what is in it, since what is packed hardly survives a change. */
export function changedFile(bytes: Uint8Array, random: () => number): Uint8Array {
  if (!isZip(bytes) || random() < 0.5) return changed(bytes, random);
  const entries = unzip(bytes, 'sample');
  const names = [...entries.keys()];
  const name = names[Math.floor(random() * names.length)]!;
  return zip(entries.set(name, changed(entries.get(name)!, random)), 0);
}

/** What JavaScript itself says where a program follows what is not there. */
const accident =
  /of (undefined|null)\b|is not a (function|constructor)|not iterable|out of bounds|outside the bounds|Invalid (typed )?array/;

const layer = models.chain!();

/**
 * Reads a changed sample.
 *
 * @throws QuernError where it is refused as it should be, else another Error that says what is wrong
 */
export async function readChanged(input: Uint8Array, { name, beside }: Omit<Sample, 'bytes'>): Promise<void> {
  const options = {
    pixels: pixelScales['0..1'],
    layers: { layer, inputShape: [9, 8, 1] },
    beside: async () => beside ?? new Uint8Array(0),
  };
  const started = performance.now();
  try {
    await decodeForeignModel(input, options, name);
  } catch (cause) {
    if (!(cause instanceof QuernError)) throw cause;
    const { message } = cause;
    if (!message.startsWith(name)) throw new Error(`does not name the file: ${message}`, { cause });
    if (accident.test(message)) throw new Error(`no sentence of its own: ${message}`, { cause });
    throw cause;
  } finally {
    const seconds = (performance.now() - started) / 1000;
    // biome-ignore lint/correctness/noUnsafeFinally: it took too long, whatever came of it
    if (seconds > 10) throw new Error(`took ${seconds.toFixed(1)} s`);
  }
}

/** A target for each kind of file, and for those with another beside them. */
export async function formatTargets(): Promise<Target[]> {
  const kinds = new Map<string, Sample[]>();
  for (const sample of await samples()) {
    const kind = sample.name.replace(/^.*\./, '') + (sample.beside === undefined ? '' : ', a file beside');
    kinds.set(kind, [...(kinds.get(kind) ?? []), sample]);
  }
  return [...kinds].map(([kind, all]) => ({
    name: `format: ${kind}`,
    corpus: all.map(({ bytes }) => bytes),
    mutate: changedFile,
    read: (input) => readChanged(input, { name: 'x', beside: all[0]?.beside }),
  }));
}
