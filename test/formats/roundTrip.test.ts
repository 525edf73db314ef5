/** Models go out and come in again: the same bytes of weights, the same numbers, and ONNX Runtime agrees. */
import * as assert from 'uvu/assert';
import { ModelError, UsageError } from '../../src/core/errors.js';
import { type ExportFormat, exportModel } from '../../src/formats/export.js';
import { decodeForeignModel } from '../../src/formats/import.js';
import { networkOf } from '../../src/formats/network.js';
import { pageOps } from '../../src/formats/page/ops.js';
import { pageScript } from '../../src/formats/page/script.js';
import { pageModel } from '../../src/formats/page/write.js';
import { layer } from '../../src/nn/layer.js';
import { clip } from '../../src/nn/layers/activations.js';
import { conv2d } from '../../src/nn/layers/conv2d.js';
import { dense } from '../../src/nn/layers/dense.js';
import { flatten } from '../../src/nn/layers/flatten.js';
import { maxPool2d } from '../../src/nn/layers/pool.js';
import { sequential } from '../../src/nn/sequential.js';
import { suite } from '../support/suite.js';
import { hashOf, imagesFor, largestShare, logitsOf, models, rareModel, sourceOf } from './support.js';

const count = 12;
const formats: readonly ExportFormat[] = ['quern', 'onnx', 'keras', 'pytorch', 'tfjs', 'npz'];

async function thereAndBack(source: ReturnType<typeof sourceOf>, format: ExportFormat) {
  const { files } = await exportModel(source, format, { name: 'model' });
  const beside = async (name: string) => files.find((file) => file.name === name)!.bytes;
  return decodeForeignModel(files[0]!.bytes, { beside }, 'file');
}

async function runOnnx(bytes: Uint8Array, images: Uint8Array, shape: readonly number[]) {
  const ort = await import('onnxruntime-web');
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(bytes);
  const { logits, probabilities } = await session.run({ images: new ort.Tensor('uint8', images, shape) });
  return { logits: logits!.data as Float32Array, probabilities: probabilities!.data as Float32Array };
}

async function rejection(work: Promise<unknown>, Kind: new (...values: never[]) => Error): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, Kind);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

suite('formats: out and in again', (test) => {
  for (const [name, layers] of Object.entries(models)) {
    for (const format of formats) {
      test(`${name} as ${format}: the same bytes of weights, the same logits, classes and scale`, async () => {
        const source = sourceOf(layers());
        const back = await thereAndBack(source, format);
        assert.is(await hashOf(back), await hashOf({ tensors: source.tensors }));
        const { numerics, ...others } = source.details;
        assert.match(back.details.numerics, new RegExp(`^(imported from \\w+, )?${numerics}$`));
        assert.equal({ ...back.details, numerics: undefined }, { ...others, numerics: undefined });
        const images = imagesFor(source.model.inputShape, count);
        assert.ok(largestShare(await logitsOf(source, images), await logitsOf(back, images)) < 1e-5);
      });
    }
  }

  for (const [name, layers] of [...Object.entries(models), ['rare', rareModel] as const]) {
    test(`${name}: ONNX Runtime gives Quern's logits, and their softmax`, async () => {
      const source = sourceOf(layers());
      const images = imagesFor(source.model.inputShape, count);
      const { files } = await exportModel(source, 'onnx');
      const found = await runOnnx(files[0]!.bytes, images, [count, ...source.model.inputShape]);
      const own = await logitsOf(source, images);
      assert.ok(largestShare(own, found.logits) < 1e-5, String(largestShare(own, found.logits)));
      const width = source.details.classes.length;
      for (let row = 0; row < count; row++) {
        const sum = found.probabilities.slice(row * width, (row + 1) * width).reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - 1) < 1e-6);
      }
    });

    test(`${name}: the page's own loops give Quern's probabilities`, async () => {
      const source = sourceOf(layers());
      const images = imagesFor(source.model.inputShape, 1);
      const { model, weights } = pageModel(networkOf(source.model, source.tensors), source.details);
      const found = pageScript.predict(model, pageOps, weights, images);
      const logits = await logitsOf(source, images);
      const top = Math.max(...logits);
      const exponentials = logits.map((value) => Math.exp(value - top));
      const total = exponentials.reduce((a, b) => a + b, 0);
      assert.ok(
        largestShare(
          found,
          exponentials.map((value) => value / total),
        ) < 1e-5,
      );
    });
  }

  for (const format of ['onnx', 'pytorch'] as const) {
    test(`rare layers as ${format}: the same numbers`, async () => {
      const source = sourceOf(rareModel());
      const back = await thereAndBack(source, format);
      assert.is(await hashOf(back), await hashOf({ tensors: source.tensors }));
      const images = imagesFor(source.model.inputShape, count);
      assert.ok(largestShare(await logitsOf(source, images), await logitsOf(back, images)) < 1e-5);
    });
  }

  test('weights alone of Keras fill the layers that they were written of', async () => {
    const source = sourceOf(models.chain!());
    const { files } = await exportModel(source, 'kerasWeights');
    const { model, details } = source;
    const layers = { layer: model.layer, inputShape: model.inputShape };
    const told = { layers, pixels: details.normalization, classes: details.classes };
    const back = await decodeForeignModel(files[0]!.bytes, told, 'file');
    assert.is(await hashOf(back), await hashOf({ tensors: source.tensors }));
  });

  test('the module of PyTorch has a name that Python imports, and its weights beside itself', async () => {
    const source = sourceOf(models.chain!());
    const told = async (options: { readonly name: string; readonly file?: string }) => {
      const { files, notes } = await exportModel(source, 'pytorch', options);
      const { name, bytes } = files[1]!;
      return [name, /^def load\(path=(.*)\):$/m.exec(new TextDecoder().decode(bytes))?.[1], notes.at(-1)];
    };
    const beside = (file: string) => `Path(__file__).with_name(${file})`;
    for (const [name, module] of [
      ['class', 'class_'],
      ['torch', 'torch_'],
      ['my net', 'my_net'],
      ['2', '_2'],
      ['', '_'],
    ] as const) {
      assert.equal(await told({ name }), [
        `${module}.py`,
        beside(`"${name}.safetensors"`),
        `in Python: from ${module} import load; model = load()`,
      ]);
    }
    assert.is((await told({ name: 'a', file: 'a".pt' }))[1], beside('"a\\".pt"'));
    const { files } = await exportModel(source, 'huggingFace', { file: 'folder' });
    const module = files.find(({ name }) => name === 'model.py')!;
    assert.ok(new TextDecoder().decode(module.bytes).includes(beside('"model.safetensors"')));
  });

  test('an image of three channels keeps their order', async () => {
    const layers = () => sequential([conv2d(3, 2), flatten(), dense(5)]);
    const source = sourceOf(layers(), [4, 5, 3]);
    const images = imagesFor([4, 5, 3], count);
    const own = await logitsOf(source, images);
    const { files } = await exportModel(source, 'onnx');
    assert.ok(largestShare(own, (await runOnnx(files[0]!.bytes, images, [count, 4, 5, 3])).logits) < 1e-5);
    for (const format of formats) {
      assert.ok(largestShare(own, await logitsOf(await thereAndBack(source, format), images)) < 1e-5, format);
    }
  });
});

suite('formats: what is refused', (test) => {
  test('a layer without a counterpart is named', async () => {
    const mine = layer('mine', {}, (x) => x);
    const source = sourceOf(sequential([mine, flatten(), dense(5)]));
    assert.is(
      await rejection(exportModel(source, 'onnx'), ModelError),
      "onnx: layers.0: a layer 'mine' has no counterpart",
    );
    const odd = sourceOf(
      sequential([maxPool2d(2, { padding: { top: 1, bottom: 1, left: 1, right: 1 } }), flatten(), dense(5)]),
    );
    assert.is(
      await rejection(exportModel(odd, 'keras'), ModelError),
      'keras: layers.0: a pool with padding of its own has no counterpart',
    );
    const clipped = sourceOf(sequential([clip(-1, 1), flatten(), dense(5)]));
    assert.is(
      await rejection(exportModel(clipped, 'keras'), ModelError),
      'keras: layers.0: a clip from -1 on has no counterpart',
    );
  });

  test('an unknown format names those that there are', async () => {
    const source = sourceOf(models.chain!());
    const message = await rejection(exportModel(source, 'caffe' as ExportFormat), UsageError);
    assert.match(message, /^export: there is no format 'caffe': quern, onnx, keras, /);
  });

  test('bytes of no known kind', async () => {
    const message = await rejection(decodeForeignModel(new Uint8Array(100).fill(0x21), {}, 'a.bin'), Error);
    assert.is(message, 'a.bin: not a model of Quern, ONNX, Keras, PyTorch, tfjs or npz, by its first bytes');
  });
});
