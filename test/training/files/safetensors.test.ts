import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/errors.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/training/files/safetensors.js';
import { throws } from '../../data/support.js';
import { suite } from '../../support/suite.js';

/**
 * Made with the format's own implementation, safetensors 0.8.0 of Python with NumPy 2.4.6:
 *
 *     save({'weights': np.array([[1, 2, 3], [4, 5, -0.5]], dtype=np.float32),
 *           'steps': np.array([7, -8], dtype=np.int32), 'flag': np.array(5, dtype=np.uint8),
 *           'nothing': np.zeros((0, 3), dtype=np.float32)}, metadata={'about': 'made in Python'})
 */
const fromPython =
  'IAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJhYm91dCI6Im1hZGUgaW4gUHl0aG9uIn0sIm5vdGhpbmciOnsiZHR5cGUiOiJGMzIiLCJz' +
  'aGFwZSI6WzAsM10sImRhdGFfb2Zmc2V0cyI6WzAsMF19LCJ3ZWlnaHRzIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyLDNdLCJkYXRh' +
  'X29mZnNldHMiOlswLDI0XX0sInN0ZXBzIjp7ImR0eXBlIjoiSTMyIiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMjQsMzJdfSwi' +
  'ZmxhZyI6eyJkdHlwZSI6IlU4Iiwic2hhcGUiOltdLCJkYXRhX29mZnNldHMiOlszMiwzM119fSAgICAgICAAAIA/AAAAQAAAQEAAAIBA' +
  'AACgQAAAAL8HAAAA+P///wU=';

/** A file with this header and this many bytes behind it. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = Buffer.alloc(8 + json.length + dataBytes);
  bytes.writeBigUInt64LE(BigInt(json.length));
  json.copy(bytes, 8);
  return bytes;
}

const one = (changes: object) => ({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...changes } });

suite('safetensors', (test) => {
  test('a file of the official implementation', () => {
    const bytes = Buffer.from(fromPython, 'base64');
    const { tensors, metadata } = decodeSafetensors(bytes, 'python');
    assert.equal([...metadata], [['about', 'made in Python']]);
    assert.equal([...tensors.keys()], ['nothing', 'weights', 'steps', 'flag']);
    assert.equal(tensors.get('weights'), { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, -0.5) });
    assert.equal(tensors.get('steps'), { shape: [2], data: Int32Array.of(7, -8) });
    assert.equal(tensors.get('flag'), { shape: [], data: Uint8Array.of(5) });
    assert.equal(tensors.get('nothing'), { shape: [0, 3], data: new Float32Array(0) });
  });

  test('the same bytes as the official implementation', () => {
    const bytes = Buffer.from(fromPython, 'base64');
    const again = encodeSafetensors(decodeSafetensors(bytes, 'python'));
    assert.is(Buffer.from(again).toString('base64'), fromPython);
  });

  test('names that mean something in JavaScript, and texts beyond ASCII', () => {
    const tensors = new Map(
      ['__proto__', 'constructor', 'größe'].map((name, i) => [
        name,
        { shape: [1], data: Float32Array.of(i) },
      ]),
    );
    const metadata = new Map([['__proto__', '見出し']]);
    const again = decodeSafetensors(encodeSafetensors({ tensors, metadata }), 'names');
    assert.equal([...again.tensors], [...tensors]);
    assert.equal([...again.metadata], [...metadata]);
  });

  test('tensors begin at a multiple of 8 bytes', () => {
    for (const name of ['a', 'ab', 'abc', 'abcd', 'abcde']) {
      const bytes = encodeSafetensors({
        tensors: new Map([[name, { shape: [1], data: Float32Array.of(1) }]]),
        metadata: new Map(),
      });
      assert.is(new DataView(bytes.buffer).getBigUint64(0, true) % 8n, 0n);
    }
  });

  const refuse = (what: string, bytes: Uint8Array, message: RegExp) =>
    test(what, () => throws(() => decodeSafetensors(bytes, 'm.safetensors'), DataError, message));

  refuse(
    'too short',
    new Uint8Array(7),
    /^m\.safetensors: not a safetensors file: 7 bytes hold no header length$/,
  );
  refuse(
    'a huge header',
    Buffer.alloc(64, 0xff),
    /^m\.safetensors: not a safetensors file: a header of 18446744073709551615 bytes is over 100000000$/,
  );
  const cut = file(one({}), 8).slice(0, 20);
  refuse(
    'cut off in the header',
    cut,
    /^m\.safetensors: truncated: the header should end at byte \d+, the file at 20$/,
  );
  refuse('no JSON', file('{"a":'), /^m\.safetensors: the header of 5 bytes is not JSON$/);
  refuse(
    'no UTF-8',
    file('"\\ud800"').fill(0xff, 9, 10),
    /^m\.safetensors: the header of 8 bytes is not JSON$/,
  );
  refuse('no object', file([1]), /^m\.safetensors: the header is not a JSON object$/);
  for (const metadata of [1, [], { a: 1 }]) {
    refuse(
      `metadata ${JSON.stringify(metadata)}`,
      file({ __metadata__: metadata }),
      /^m\.safetensors: __metadata__ in the header must be texts by name$/,
    );
  }
  refuse(
    'an entry that is no object',
    file({ a: 1 }),
    /^m\.safetensors: tensor 'a': its entry in the header is not a/,
  );
  refuse(
    'an unknown dtype',
    file(one({ dtype: 'F16' }), 8),
    /^m\.safetensors: tensor 'a': its dtype must be one of F32, I32, U8: "F16"$/,
  );
  refuse('no dtype', file(one({ dtype: undefined }), 8), /its dtype must be one of F32, I32, U8: none$/);
  refuse(
    'a negative extent',
    file(one({ shape: [-2] }), 8),
    /its shape must be a list of integers ≥ 0: \[-2\]$/,
  );
  refuse('no shape', file(one({ shape: 2 }), 8), /its shape must be a list of integers ≥ 0: 2$/);
  refuse(
    'a long wrong value is shortened',
    file(one({ shape: Array(100).fill(-1) }), 8),
    /its shape must be a list of integers ≥ 0: \[.{59}…$/,
  );
  for (const offsets of [[0], [-8, 0], [8, 0], ['0', '8'], 3]) {
    refuse(
      `offsets ${JSON.stringify(offsets)}`,
      file(one({ data_offsets: offsets }), 8),
      /its data_offsets must be two ascending integers ≥ 0: /,
    );
  }
  refuse(
    'a shape that contradicts the offsets',
    file(one({ shape: [3] }), 8),
    /^m\.safetensors: tensor 'a': F32 \[3\] takes 12 bytes, its data_offsets span 8$/,
  );
  refuse(
    'data that is cut off',
    file(one({}), 4),
    /^m\.safetensors: truncated: tensor 'a' ends at byte 8 of the data, which has 4$/,
  );
  refuse(
    'data too long',
    file(one({}), 12),
    /^m\.safetensors: the tensors end at byte 8 of the data, which has 12$/,
  );
  const two = (start: number) => ({
    ...one({}),
    b: { dtype: 'U8', shape: [4], data_offsets: [start, start + 4] },
  });
  refuse(
    'tensors that overlap',
    file(two(4), 12),
    /^m\.safetensors: tensor 'b' overlaps the one before it: it starts at byte 4, not 8$/,
  );
  refuse(
    'a gap',
    file(two(9), 13),
    /^m\.safetensors: tensor 'b' leaves a gap before it: it starts at byte 9, not 8$/,
  );
});
