import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { crc32c, EventFile, event, record } from '../../src/logs/tensorboard.js';
import { inFolder } from '../data/support.js';
import { suite } from '../support/suite.js';

type Field = { readonly field: number; readonly value: number | Uint8Array };

/** Reads Protocol Buffers without knowing their form: written for this test from the description of the encoding. */
function fields(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: Field[] = [];
  let at = 0;
  const varint = () => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 127) * factor;
      factor *= 128;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    if (key % 8 === 0) found.push({ field, value: varint() });
    else if (key % 8 === 1) {
      found.push({ field, value: view.getFloat64(at, true) });
      at += 8;
    } else if (key % 8 === 5) {
      found.push({ field, value: view.getFloat32(at, true) });
      at += 4;
    } else {
      const length = varint();
      found.push({ field, value: bytes.slice(at, at + length) });
      at += length;
    }
  }
  return found;
}

const of = (bytes: Uint8Array, field: number) =>
  fields(bytes)
    .filter((each) => each.field === field)
    .map(({ value }) => value);
const textOf = (value: unknown) => new TextDecoder().decode(value as Uint8Array);

/** The records of a file, their sums checked. */
function records(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // undoes the mask: subtracts the constant and turns back
  const unmasked = (value: number) => {
    const turned = (value - 0xa282ead8) >>> 0;
    return ((turned >>> 17) | (turned << 15)) >>> 0;
  };
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    const data = bytes.slice(at + 12, at + 12 + length);
    assert.is(unmasked(view.getUint32(at + 8, true)), crc32c(bytes.slice(at, at + 8)), 'sum of the length');
    assert.is(unmasked(view.getUint32(at + 12 + length, true)), crc32c(data), 'sum of the data');
    found.push(data);
    at += length + 16;
  }
  return found;
}

suite('event files of TensorBoard', (test) => {
  test('CRC32C has the values of RFC 3720', () => {
    assert.is(crc32c(new TextEncoder().encode('123456789')), 0xe3069283);
    assert.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
    assert.is(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
    assert.is(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  });

  test('an event is what event.proto says, byte by byte', () => {
    const data = event(1, { version: 'brain.Event:2' });
    assert.is(Buffer.from(data).toString('hex'), '09000000000000f03f1a0d627261696e2e4576656e743a32');
    assert.is(record(data).length, data.length + 16);
  });

  test('scalars, spreads and pictures are read back', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'events.out.tfevents.1');
      const file = new EventFile(path);
      await file.write(
        300,
        [
          { tag: 'loss', scalar: 0.5 },
          { tag: 'w', values: [0, 1, 1, 4] },
        ],
        7,
      );
      const png = Uint8Array.of(1, 2, 3);
      await file.write(70_000, [{ tag: 'picture', png, width: 4, height: 2, channels: 3 }], 8);
      const [version, first, second] = records(new Uint8Array(readFileSync(path)));
      assert.is(textOf(of(version!, 3)[0]), 'brain.Event:2');
      assert.equal([of(first!, 1)[0], of(first!, 2)[0]], [7, 300]);
      const [loss, spread] = of(of(first!, 5)[0] as Uint8Array, 1) as Uint8Array[];
      assert.is(textOf(of(loss!, 1)[0]), 'loss');
      assert.is(of(loss!, 2)[0], 0.5);
      const histogram = of(spread!, 5)[0] as Uint8Array;
      assert.equal(
        [1, 2, 3, 4, 5].map((field) => of(histogram, field)[0]),
        [0, 4, 4, 6, 18],
      );
      const numbers = (field: number) => new Float64Array((of(histogram, field)[0] as Uint8Array).buffer);
      assert.is(numbers(6).length, 30);
      assert.is(numbers(6)[29], 4);
      assert.is(
        numbers(7).reduce((sum, count) => sum + count, 0),
        4,
      );
      assert.is(of(second!, 2)[0], 70_000);
      const image = of((of(of(second!, 5)[0] as Uint8Array, 1) as Uint8Array[])[0]!, 4)[0] as Uint8Array;
      assert.equal(
        [1, 2, 3].map((field) => of(image, field)[0]),
        [2, 4, 3],
      );
      assert.equal(of(image, 4)[0], png);
    }));
});
