/**
 * Event files of TensorBoard. A file is a sequence of TFRecords, each an Event of event.proto, written by hand: of Protocol
 * Buffers only numbers, texts and messages are needed.
 *
 *     record: length (uint64) · masked CRC32C of these 8 bytes · data · masked CRC32C of the data
 */
import { appendFile } from 'node:fs/promises';

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  // 0x1EDC6F41 reversed, the polynomial of Castagnoli
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/** CRC32C (RFC 3720). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255]!;
  return (crc ^ 0xffffffff) >>> 0;
}

/** As TFRecords have it: turned by 15 bits, and a constant added. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

/** A TFRecord around bytes. */
export function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(crc32c(bytes.subarray(0, 8))), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, masked(crc32c(data)), true);
  return bytes;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

const join = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const head = (field: number, type: 0 | 1 | 2 | 5) => Uint8Array.from(varint(field * 8 + type));
const integer = (field: number, value: number) => join([head(field, 0), Uint8Array.from(varint(value))]);
const double = (field: number, value: number) =>
  join([head(field, 1), new Uint8Array(Float64Array.of(value).buffer)]);
const float = (field: number, value: number) =>
  join([head(field, 5), new Uint8Array(Float32Array.of(value).buffer)]);
const message = (field: number, content: Uint8Array) =>
  join([head(field, 2), Uint8Array.from(varint(content.length)), content]);
const text = (field: number, value: string) => message(field, new TextEncoder().encode(value));
const doubles = (field: number, values: readonly number[]) =>
  message(field, new Uint8Array(Float64Array.from(values).buffer));

/** A number, how numbers are spread, or a picture, under a name. */
type Entry =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly values: ArrayLike<number> }
  | ({ readonly tag: string; readonly png: Uint8Array } & Picture);

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

const buckets = 30;

/** HistogramProto: min, max, num, sum, sum of squares, upper ends of the buckets, counts. */
function histogram(values: ArrayLike<number>): Uint8Array {
  const all = Array.from(values);
  const low = all.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = all.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const width = (high - low) / buckets || 1;
  const counts = new Array<number>(buckets).fill(0);
  for (const value of all) counts[Math.min(buckets - 1, Math.floor((value - low) / width))]!++;
  return join([
    double(1, low),
    double(2, high),
    double(3, all.length),
    double(
      4,
      all.reduce((sum, value) => sum + value, 0),
    ),
    double(
      5,
      all.reduce((sum, value) => sum + value * value, 0),
    ),
    doubles(
      6,
      counts.map((_, i) => low + (i + 1) * width),
    ),
    doubles(7, counts),
  ]);
}

/** Summary.Value: tag 1, simple_value 2, image 4 (height, width, colorspace, bytes), histo 5. */
function summaryValue(entry: Entry): Uint8Array {
  if ('scalar' in entry) return join([text(1, entry.tag), float(2, entry.scalar)]);
  if ('values' in entry) return join([text(1, entry.tag), message(5, histogram(entry.values))]);
  const { tag, png, width, height, channels } = entry;
  const image = join([integer(1, height), integer(2, width), integer(3, channels), message(4, png)]);
  return join([text(1, tag), message(4, image)]);
}

/** An Event: wall_time 1, step 2, file_version 3, summary 5. */
export function event(
  seconds: number,
  content: { readonly step: number; readonly entries: readonly Entry[] } | { readonly version: string },
): Uint8Array {
  if ('version' in content) return join([double(1, seconds), text(3, content.version)]);
  const summary = join(content.entries.map((entry) => message(1, summaryValue(entry))));
  return join([double(1, seconds), integer(2, content.step), message(5, summary)]);
}

/** A file that grows; TensorBoard reads it meanwhile. */
export class EventFile {
  private begun = false;

  /** @param path its name holds `tfevents`, by which TensorBoard finds it */
  constructor(readonly path: string) {}

  async write(step: number, entries: readonly Entry[], seconds = Date.now() / 1000): Promise<void> {
    const parts = this.begun ? [] : [record(event(seconds, { version: 'brain.Event:2' }))];
    this.begun = true;
    await appendFile(this.path, join([...parts, record(event(seconds, { step, entries }))]));
  }
}
