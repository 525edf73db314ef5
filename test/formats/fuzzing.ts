/** Changed files for every reader: each is read or refused with a sentence. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QuernError } from '../../src/core/errors.js';
import { type ExportFormat, exportModel } from '../../src/formats/export.js';
import { decodeForeignModel, pixelScales } from '../../src/formats/import.js';
import { isZip, unzip, zip } from '../../src/formats/zip.js';
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

/** mulberry32: the same numbers for a seed everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
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
function changedFile(bytes: Uint8Array, random: () => number): Uint8Array {
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

/** What was neither read nor refused as it should, or undefined. */
export async function tryOne({ name, bytes, beside }: Sample, seed: number): Promise<string | undefined> {
  const random = randomFrom(seed);
  const input = changedFile(bytes, random);
  const options = {
    pixels: pixelScales['0..1'],
    layers: { layer, inputShape: [9, 8, 1] },
    beside: async () => beside ?? new Uint8Array(0),
  };
  const started = performance.now();
  try {
    await decodeForeignModel(input, options, name);
  } catch (error) {
    if (!(error instanceof QuernError))
      return `${name}, seed ${seed}: ${error instanceof Error ? error.stack : error}`;
    if (!error.message.startsWith(name))
      return `${name}, seed ${seed}: an error that does not name the file: ${error.message}`;
    if (accident.test(error.message)) {
      return `${name}, seed ${seed}: no sentence of its own: ${error.message}\n${(error.cause as Error | undefined)?.stack}`;
    }
  }
  const seconds = (performance.now() - started) / 1000;
  return seconds > 10 ? `${name}, seed ${seed}: took ${seconds.toFixed(1)} s` : undefined;
}
