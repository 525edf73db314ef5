/** Files that ask for far more than they hold: refused in a sentence, within 500 MB. */

import { zipSync } from 'fflate';
import * as assert from 'uvu/assert';
import { DataError } from '../../src/core/errors.js';
import { encodeHdf5 } from '../../src/formats/hdf5/write.js';
import { decodeForeignModel, pixelScales } from '../../src/formats/import.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { sequential } from '../../src/nn/sequential.js';
import { suite } from '../support/suite.js';

const megabyte = 2 ** 20;
const layers = { layer: sequential([flatten(), dense(2)]), inputShape: [2, 2, 1] };
const options = { pixels: pixelScales['0..1'], layers };
const text = (content: string) => new TextEncoder().encode(content);

/** Entries of a zip whose sizes are changed where its directory tells them. */
function lyingZip(): Uint8Array {
  const bytes = zipSync({
    'config.json': text('{}'),
    'metadata.json': text('{}'),
    'model.weights.h5': new Uint8Array(8),
  });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i + 46 < bytes.length; i++) {
    if (view.getUint32(i, true) === 0x02014b50) view.setUint32(i + 24, 0x7fffffff, true);
  }
  return bytes;
}

const safetensorsHeader = (size: number) => {
  const bytes = new Uint8Array(size + 8).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(size), true);
  bytes.set(text('{"a":['), 8);
  return bytes;
};

const cases: Readonly<Record<string, () => Uint8Array>> = {
  'a zip that says it unfolds to gigabytes': lyingZip,
  'a zip of zeros that does': () =>
    zipSync({
      'config.json': text('{}'),
      'metadata.json': text('{}'),
      'model.weights.h5': new Uint8Array(200 * megabyte),
    }),
  'a graph of millions of empty operators': () => {
    // graph (field 7) of 40 MB of nodes (field 1) without content
    const bytes = new Uint8Array(40 * megabyte);
    for (let i = 0; i < bytes.length; i += 2) bytes[i] = 0x0a;
    const size = bytes.length;
    const length = [size & 127, (size >> 7) & 127, (size >> 14) & 127, size >> 21].map((part, i) =>
      i < 3 ? part | 128 : part,
    );
    return concatenated(Uint8Array.of(0x3a, ...length), bytes);
  },
  'a pickle of millions of lists': () =>
    concatenated(Uint8Array.of(0x80, 2), new Uint8Array(40 * megabyte).fill(0x5d)),
  'safetensors with a header of megabytes': () => safetensorsHeader(40 * megabyte),
  'a dataset of more numbers than the file has bytes': () =>
    encodeHdf5({
      members: new Map([
        [
          'layers',
          {
            members: new Map([
              [
                'dense',
                {
                  members: new Map([
                    [
                      'vars',
                      { members: new Map([['0', { shape: [2 ** 20, 2 ** 10], data: new Float32Array(4) }]]) },
                    ],
                  ]),
                },
              ],
            ]),
          },
        ],
      ]),
    }),
};

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

suite('formats: files that ask for too much', (test) => {
  for (const [name, make] of Object.entries(cases)) {
    test(name, async () => {
      const bytes = make();
      const error = await decodeForeignModel(bytes, options, 'file').then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.instance(error, DataError);
      assert.match((error as Error).message, /^file: /);
    });
  }

  test('all of that takes less than 500 MB', () => {
    const megabytes = process.resourceUsage().maxRSS / 1024;
    assert.ok(megabytes < 500, `${megabytes} MB`);
  });
});
