/** Files that Keras and PyTorch have written (fixtures/make.py), with what they computed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DataError, ModelError, UsageError } from '../../src/core/errors.js';
import { importModel } from '../../src/formats/files.js';
import { decodeForeignModel, type ImportOptions, pixelScales } from '../../src/formats/import.js';
import { unzip, zip } from '../../src/formats/zip.js';
import { clip, gelu, relu } from '../../src/nn/layers/activations.js';
import { batchNorm } from '../../src/nn/layers/batchNorm.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { averagePool2d } from '../../src/nn/layers/pool.js';
import { residual } from '../../src/nn/layers/residual.js';
import { sequential } from '../../src/nn/sequential.js';
import { suite } from '../support/suite.js';
import { largestShare, logitsOf } from './support.js';

const folder = join(import.meta.dirname, '../../../test/formats/fixtures');
const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Readonly<
  Record<string, number[]>
>;
const images = Uint8Array.from(expected.images!);

/** As make.py has it in PyTorch. */
const net = () =>
  sequential([
    conv2d(4, 3, { padding: 'same', useBias: false }),
    batchNorm(),
    relu(),
    residual(sequential([conv2d(4, 3, { padding: 'same', groups: 2 }), gelu()])),
    averagePool2d(2),
    flatten(),
    dense(4),
  ]);

/** Fails unless the work is refused with an error of this class whose message matches. */
async function rejects(
  work: () => Promise<unknown>,
  Kind: new (...values: never[]) => Error,
  message: RegExp,
): Promise<void> {
  const error = await work().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, Kind);
  assert.match((error as Error).message, message);
}

const layers = { layer: net(), inputShape: [8, 8, 1] };
const pixels = pixelScales['0..1'];

/** The softmax of every row of four. */
function softmax(logits: Float32Array): number[] {
  return Array.from(logits, (value, i) => {
    const row = logits.subarray(i - (i % 4), i - (i % 4) + 4);
    const total = row.reduce((sum, each) => sum + Math.exp(each), 0);
    return Math.exp(value) / total;
  });
}

const cases: readonly (readonly [file: string, what: string, options: ImportOptions])[] = [
  ['chain.keras', 'chain', {}],
  ['chain.h5', 'chain', {}],
  ['branches.keras', 'branches', { pixels }],
  ['net.pt', 'net', { pixels, layers }],
  ['net-legacy.pt', 'net', { pixels, layers }],
  ['net-strided.pt', 'net', { pixels, layers }],
  ['net.dynamo.onnx', 'net', { pixels }],
  ['net.torchscript.onnx', 'net', { pixels }],
  ['net-nested.pt', 'stepped', { pixels, layers }],
  // an average pool over images: as_strided, spelled out
  ['pooled.dynamo.onnx', 'pooled', { pixels }],
  // its paddings are computed by divisions that round
  ['same.onnx', 'same', { pixels }],
  ['augmented.keras', 'augmented', {}],
  ['divided.keras', 'divided', {}],
  ['divided.h5', 'divided', {}],
];

suite('formats: files of Keras and PyTorch', (test) => {
  for (const [file, what, options] of cases) {
    test(`${file} computes what it computed there`, async () => {
      const found = await decodeForeignModel(read(file), options, file);
      const logits = await logitsOf(found, images);
      const share = largestShare(expected[what]!, what === 'chain' ? softmax(logits) : logits);
      assert.ok(share < 2e-6, `${share}`);
    });
  }

  test('weights of ONNX in a file beside it', async () => {
    const imported = await importModel(join(folder, 'pooled.onnx'), { pixels });
    assert.ok(largestShare(expected.pooled!, await logitsOf(imported, images)) < 2e-6);
    await rejects(
      () => decodeForeignModel(read('pooled.onnx'), { pixels }, 'pooled.onnx'),
      ModelError,
      /^pooled.onnx: the file 'pooled.onnx.data' is wanted beside it/,
    );
    const elsewhere = new TextDecoder('latin1').decode(read('pooled.onnx'));
    const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
    await rejects(
      () =>
        decodeForeignModel(
          bytes(elsewhere.replaceAll('pooled.onnx.data', '../../etc/passwd')),
          { pixels },
          'p',
        ),
      DataError,
      /^p: tensor '\S+': its numbers are outside the model's folder: "..\/..\/etc\/passwd"/,
    );
    const short = async () => new Uint8Array(8);
    await rejects(
      () => decodeForeignModel(read('pooled.onnx'), { pixels, beside: short }, 'p'),
      DataError,
      /^p: tensor '\S+': 'pooled.onnx.data' has 8 bytes, not \d+ from \d+ on/,
    );
  });

  test('bfloat16 weights are rounded ones', async () => {
    const found = await decodeForeignModel(read('net-bfloat16.pt'), { pixels, layers }, 'net');
    const share = largestShare(expected.net!, await logitsOf(found, images));
    assert.ok(share > 1e-4 && share < 2e-2, `${share}`);
  });

  test('what was found and assumed is said', async () => {
    const { notes } = await decodeForeignModel(read('net.pt'), { pixels, layers }, 'net.pt');
    assert.equal(notes, [
      'epsilon of batch normalization: 0.00001',
      'layers and modules: layers.0 ← conv1, layers.1 ← bn1, layers.3.body.layers.0 ← conv2, layers.6 ← fc',
      'input: pixels 0..1, as told',
      'output: logits, as the layers give them',
      'classes: the file has no names, they are numbered',
    ]);
    const chain = await decodeForeignModel(read('chain.keras'), {}, 'chain.keras');
    assert.equal(chain.details.normalization, { mean: 0.5, deviation: 0.5 });
    assert.equal(chain.notes, [
      'Keras 3.15.1',
      'input: pixels 0..255, which the file scales itself',
      'output: it ends in a softmax, which is taken off',
      'classes: the file has no names, they are numbered',
    ]);
  });

  test('pixels whose scale nobody tells are asked for', async () => {
    await rejects(
      () => decodeForeignModel(read('branches.keras'), {}, 'branches.keras'),
      UsageError,
      /^branches.keras: the Keras file does not say what pixels its model takes\n.*--pixels.*0\.\.1, 0\.\.255, -1\.\.1/,
    );
  });
});

suite('formats: files that are refused', (test) => {
  test('a pickle that names code', async () => {
    await rejects(
      () => decodeForeignModel(read('net-module.pt'), { pixels, layers }, 'net-module.pt'),
      ModelError,
      /^net-module.pt: the PyTorch file is not read: it names __main__.Net, which is code; only tensors are read\n.*state_dict/,
    );
    // cposix\nsystem\n(S'…'\ntR.
    const bytes = new TextEncoder().encode('\u0080\u0002cposix\nsystem\n(X\u0005\u0000\u0000\u0000touchtR.');
    const pickle = Uint8Array.of(0x80, 2, ...bytes.subarray(3));
    await rejects(
      () => decodeForeignModel(pickle, { pixels, layers }, 'evil.pt'),
      ModelError,
      /^evil.pt: the PyTorch file is not read: it names posix.system, which is code/,
    );
  });

  test('tensors without an architecture', async () => {
    await rejects(
      () => decodeForeignModel(read('net.pt'), { pixels }, 'net.pt'),
      ModelError,
      /^net.pt: it has 10 tensors and no architecture\n.*--recipe/,
    );
    await rejects(
      () => decodeForeignModel(read('branches.weights.h5'), { pixels }, 'branches.weights.h5'),
      ModelError,
      /^branches.weights.h5: it has weights and no architecture/,
    );
  });

  test('several dicts of tensors', async () => {
    await rejects(
      () => decodeForeignModel(read('net-parts.pt'), { pixels, layers }, 'net-parts.pt'),
      ModelError,
      /^net-parts.pt: .*it holds 2 dicts of tensors: 'encoder', 'head'\n.*state_dict/,
    );
  });

  test('arithmetic amid layers, and channels in front', async () => {
    await rejects(
      () => decodeForeignModel(read('added.keras'), { pixels }, 'added.keras'),
      ModelError,
      /^added.keras: Add '\w+': is read with single numbers, at the beginning of a model alone/,
    );
    const entries = unzip(read('chain.keras'), 'chain');
    const config = new TextDecoder().decode(entries.get('config.json'));
    const turned = config.replace(
      /("class_name": "Flatten".*?"data_format": )"channels_last"/,
      '$1"channels_first"',
    );
    entries.set('config.json', new TextEncoder().encode(turned));
    await rejects(
      () => decodeForeignModel(zip(entries, 0), {}, 'turned.keras'),
      ModelError,
      /^turned.keras: Flatten 'flatten': data_format 'channels_first' is not read/,
    );
  });

  test('layers that the tensors do not fit', async () => {
    const other = {
      layer: sequential([conv2d(5, 3), clip(0, 6), flatten(), dense(4)]),
      inputShape: [8, 8, 1],
    };
    await rejects(
      () => decodeForeignModel(read('net.pt'), { pixels, layers: other }, 'net.pt'),
      ModelError,
      /^net.pt: nothing in the file fits layer layers.0 \(conv2d: filter \[3, 3, 1, 5\], bias \[5\]\): the next is conv1 \[4, 1, 3, 3\]$/,
    );
    const fewer = { layer: sequential([flatten(), dense(4)]), inputShape: [8, 8, 1] };
    await rejects(
      () => decodeForeignModel(read('net.pt'), { pixels, layers: fewer }, 'net.pt'),
      ModelError,
      /^net.pt: no layer takes conv1 \[4, 1, 3, 3\], bn1 \[4\], conv2 \[4, 2, 3, 3\]$/,
    );
  });

  test('files that are cut off', async () => {
    for (const [file] of cases) {
      const bytes = read(file);
      await rejects(
        () => decodeForeignModel(bytes.subarray(0, bytes.length >> 1), { pixels, layers }, file),
        Error,
        /^\S+: /,
      );
    }
    await rejects(
      () => decodeForeignModel(new Uint8Array(0), {}, 'empty'),
      DataError,
      /^empty: not a model of/,
    );
  });
});
