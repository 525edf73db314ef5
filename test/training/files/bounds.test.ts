/** Model files that ask for too much: refused before anything of that size is made. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Json } from '../../../src/nn/layer.js';
import { readModelFile } from '../../../src/training/files/modelFile.js';
import { encodeSafetensors, type StoredTensor } from '../../../src/training/files/safetensors.js';
import { inFolder, rejects } from '../../data/support.js';
import { suite } from '../../support/suite.js';

interface Description {
  readonly architecture: Json;
  /** JSON of the architecture in its place, for one that JSON.stringify cannot write. */
  readonly text?: string;
  readonly inputShape: readonly number[];
  readonly classes?: readonly string[];
  readonly tensors?: Readonly<Record<string, readonly number[]>>;
}

/** A model file as a stranger makes one: sound, whatever it describes. */
export function strangersFile({
  architecture,
  text,
  inputShape,
  classes = ['a', 'b'],
  tensors = {},
}: Description): Uint8Array {
  const texts = {
    architecture,
    inputShape,
    classes,
    normalization: { mean: 0, deviation: 1 },
    dataset: 'mine',
    numerics: 'none',
  };
  const metadata = new Map([
    ['format', 'quern'],
    ['version', '1'],
    ...Object.entries(texts).map(([name, value]): [string, string] => [name, JSON.stringify(value)]),
  ]);
  if (text !== undefined) metadata.set('architecture', text);
  const stored = Object.entries(tensors).map(([name, shape]): [string, StoredTensor] => [
    name,
    { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
  ]);
  return encodeSafetensors({ tensors: new Map(stored), metadata });
}

const chain = (...layers: Json[]): Json => ({
  kind: 'sequential',
  parts: Object.fromEntries(layers.map((layer, i) => [`layers.${i}`, layer])),
});
const flatten = { kind: 'flatten' };
const dense = (units: number) => ({ kind: 'dense', options: { units } });
const image = [28, 28, 1];

const nested = (depth: number, kind: string, part: string): string =>
  [
    ...Array<string>(depth).fill(`{"kind":"${kind}","parts":{"${part}":`),
    '{"kind":"relu"}',
    '}}'.repeat(depth),
  ].join('');

const square = (kind: string, option: string, size: number, more: Json = {}): Json => ({
  kind,
  options: { [option]: [size, size], ...(more as object) },
});

interface Case extends Description {
  readonly message: RegExp;
}

const cases: Readonly<Record<string, Case>> = {
  'an image of 20,000 by 20,000': {
    architecture: chain({ kind: 'globalAveragePool2d' }, dense(2)),
    inputShape: [20000, 20000, 1],
    message: /inputs of \[20000, 20000, 1\] have 400000000 numbers, at most 16777216 are taken$/,
  },
  'a shape of many axes': {
    architecture: chain(flatten, dense(2)),
    inputShape: Array<number>(5000).fill(2),
    message: /axes of an input: 5000, at most 8 are taken$/,
  },
  'a depthwise kernel of three million': {
    architecture: chain(
      { kind: 'depthwiseConv2d', options: { kernelSize: [3, 1000000] } },
      flatten,
      dense(2),
    ),
    inputShape: image,
    message: /positions of a kernelSize: 3 x 1000000, at most 4096 are taken$/,
  },
  'a kernel that the file does hold': {
    architecture: chain(
      square('depthwiseConv2d', 'kernelSize', 1000, { padding: 'same', useBias: false }),
      flatten,
      dense(2),
    ),
    inputShape: image,
    tensors: { 'layers.0.filter': [1000, 1000, 1, 1] },
    message: /positions of a kernelSize: 1000 x 1000/,
  },
  'many depthwise layers': {
    architecture: chain(
      ...Array<Json>(1000).fill(square('depthwiseConv2d', 'kernelSize', 64, { padding: 'same' })),
      flatten,
      dense(2),
    ),
    inputShape: image,
    tensors: { all: [1000, 64, 64] },
    message: /nodes of the graph up to layers\.\d+: \d+, at most 262144 are taken$/,
  },
  ...Object.fromEntries(
    ['conv2d', 'separableConv2d'].map((kind): [string, Case] => [
      `${kind}: a kernel`,
      {
        architecture: chain(
          square(kind, 'kernelSize', 100000, { filters: 2, padding: 'same' }),
          flatten,
          dense(2),
        ),
        inputShape: image,
        message: /positions of a kernelSize/,
      },
    ]),
  ),
  ...Object.fromEntries(
    ['maxPool2d', 'averagePool2d'].map((kind): [string, Case] => [
      `${kind}: a window`,
      {
        architecture: chain(square(kind, 'window', 1000000, { padding: 'same' }), flatten, dense(2)),
        inputShape: image,
        message: /positions of a window/,
      },
    ]),
  ),
  'units: a billion': {
    architecture: chain(flatten, dense(1e9), dense(2)),
    inputShape: image,
    message:
      /layers\.1\.kernel is \[784, 1000000000\]: up to there 784000000000 numbers are asked for, the file holds 0$/,
  },
  'filters: a billion': {
    architecture: chain({ kind: 'conv2d', options: { filters: 1e9, kernelSize: [1, 1] } }, flatten, dense(2)),
    inputShape: image,
    message: /layers\.0\.filter is \[1, 1, 1, 1000000000\]/,
  },
  'a depth multiplier': {
    architecture: chain(
      { kind: 'depthwiseConv2d', options: { kernelSize: [1, 1], depthMultiplier: 1e8 } },
      flatten,
      dense(2),
    ),
    inputShape: image,
    message: /layers\.0\.filter is \[1, 1, 1, 100000000\]/,
  },
  'padding of a billion': {
    architecture: chain(
      {
        kind: 'conv2d',
        options: { filters: 1, kernelSize: [1, 1], padding: { top: 1e9, bottom: 0, left: 0, right: 0 } },
      },
      { kind: 'globalAveragePool2d' },
      dense(2),
    ),
    inputShape: image,
    tensors: {
      'layers.0.filter': [1, 1, 1, 1],
      'layers.0.bias': [1],
      'layers.2.kernel': [1, 2],
      'layers.2.bias': [2],
    },
    message: /numbers of \w+ \[1, 1000000028, 28, 1\]: \d+, at most 67108864 are taken$/,
  },
  'work for minutes': {
    architecture: chain(
      ...Array<Json>(20).fill(square('conv2d', 'kernelSize', 64, { filters: 1, padding: 'same' })),
      { kind: 'globalAveragePool2d' },
      dense(2),
    ),
    inputShape: [4096, 4096, 1],
    tensors: { all: [100000] },
    message: /multiply-adds for one input: \d+, at most 274877906944 are taken$/,
  },
  'pools that compare for minutes': {
    architecture: chain(
      ...Array<Json>(10).fill(square('maxPool2d', 'window', 64, { strides: [1, 1], padding: 'same' })),
      { kind: 'globalAveragePool2d' },
      dense(2),
    ),
    inputShape: [4096, 4096, 1],
    message: /multiply-adds for one input/,
  },
  'residual in residual, 10,000 deep': {
    architecture: null,
    text: nested(10000, 'residual', 'body'),
    inputShape: [2],
    message: /__metadata__\.architecture: objects and lists are nested deeper than 200$/,
  },
  'sequential in sequential, 100,000 deep': {
    architecture: null,
    text: nested(100000, 'sequential', 'layers.0'),
    inputShape: [2],
    message: /objects and lists are nested deeper than 200$/,
  },
  'options 10,000 deep': {
    architecture: null,
    text: `{"kind":"relu","options":{"deep":${'['.repeat(10000)}${']'.repeat(10000)}}}`,
    inputShape: [2],
    message: /objects and lists are nested deeper than 200$/,
  },
  '100,000 layers': {
    architecture: chain(...Array<Json>(100000).fill({ kind: 'relu' })),
    inputShape: [2],
    message: /layers: 4097 or more, at most 4096 are taken$/,
  },
  'a million classes': {
    architecture: chain(dense(1000000)),
    inputShape: [1],
    classes: Array<string>(1000000).fill('x'),
    message: /__metadata__\.classes must be a list of 1 to 4096/,
  },
  'a class of a million letters': {
    architecture: chain(dense(1)),
    inputShape: [1],
    classes: ['x'.repeat(1000000)],
    message: /__metadata__\.classes\[0\] must be a text of 1 to 1024 characters: "x{59}…$/,
  },
  'a kind of a million letters': {
    architecture: { kind: 'x'.repeat(1000000) },
    inputShape: [1],
    message: /characters of kind: 1000000, at most 1024 are taken$/,
  },
  'a part of a million letters': {
    architecture: { kind: 'sequential', parts: { ['x'.repeat(1000000)]: { kind: 'relu' } } },
    inputShape: [1],
    message: /characters of a name: 1000000, at most 1024 are taken$/,
  },
};

suite('model files of strangers', (test) => {
  for (const [what, { message, ...description }] of Object.entries(cases)) {
    test(what, () =>
      inFolder(async (folder) => {
        const path = join(folder, 'm.safetensors');
        writeFileSync(path, strangersFile(description));
        const started = performance.now();
        const error = await rejects(readModelFile(path), Error, message);
        assert.ok(
          error.message.startsWith(path) && error.message.length < 20000,
          error.message.slice(0, 500),
        );
        // refused within two seconds on a machine that does nothing else
        assert.ok(performance.now() - started < 20_000);
      }),
    );
  }

  test('what is within the bounds loads', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'm.safetensors');
      const tensors = { 'layers.99.kernel': [784, 2], 'layers.99.bias': [2] };
      const relus = Array<Json>(98).fill({ kind: 'relu' });
      writeFileSync(
        path,
        strangersFile({ architecture: chain(...relus, flatten, dense(2)), inputShape: image, tensors }),
      );
      assert.equal((await readModelFile(path)).model.outputShape, [2]);
    }));

  test('a device is no file', async () => {
    await rejects(readModelFile('/dev/zero'), Error, /^\/dev\/zero: cannot be read: no file: it is a device/);
  });
});
