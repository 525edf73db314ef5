/** Holds an ONNX file against the model that it was made of, in ONNX Runtime. */
import { float32Of } from '../../../core/dtype.js';
import { UsageError } from '../../../core/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import type { Engine } from '../../../engine/engine.js';
import type { ModelFile } from '../../../training/files/modelFile.js';
import { openModel } from '../../../training/files/savedModel.js';
import { normalize } from '../../../training/inference/normalization.js';
import { silent } from '../../inputs/datasets.js';
import { openImagesFor } from '../../inputs/modelImages.js';
import { openChosenEngine } from '../../inputs/openers.js';
import { complain } from '../../terminal/output.js';
import { type Compared, Comparison } from './comparison.js';
import type { ExportArguments } from './run.js';

const batchSize = 250;

export interface OnnxCheck extends Compared {
  readonly dataset: string;
  /** Version of ONNX Runtime. */
  readonly runtime: string;
}

type Runtime = (pixels: Uint8Array, count: number) => Promise<Float32Array>;

async function openRuntime(
  bytes: Uint8Array,
  shape: readonly number[],
): Promise<{ run: Runtime; version: string }> {
  const ort = await import('onnxruntime-web').catch((cause) => {
    throw new UsageError('--check needs ONNX Runtime, which is not installed', {
      cause,
      hint: 'npm install onnxruntime-web',
    });
  });
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(bytes);
  const run: Runtime = async (pixels, count) => {
    const images = new ort.Tensor('uint8', pixels, [count, ...shape]);
    const { logits } = await session.run({ images });
    return float32Of(logits?.data);
  };
  return { run, version: ort.env.versions.web ?? ort.env.versions.common };
}

/** The logits of a batch as Quern computes them. */
async function ownLogits(engine: Engine, { model, details }: ModelFile, pixels: Uint8Array, count: number) {
  const shape = [count, ...model.inputShape];
  const step = engine.compile(
    ({ images }) => ({ outputs: { logits: model.apply(normalize(images, details.normalization)).output } }),
    { images: { shape, dtype: 'uint8' as const } },
  );
  const { logits } = await step.run({ images: pixels });
  return float32Of(logits.data);
}

async function compare(engine: Engine, source: ModelFile, run: Runtime, images: Dataset) {
  const comparison = new Comparison();
  const size = images.images.length / images.count;
  for (let start = 0; start < images.count; start += batchSize) {
    const end = Math.min(images.count, start + batchSize);
    const pixels = images.images.subarray(start * size, end * size);
    const own = await ownLogits(engine, source, pixels, end - start);
    comparison.add(own, await run(pixels, end - start), images.labels.subarray(start, end));
  }
  return comparison.result();
}

/** Runs an ONNX file over the test images of what its model was trained on. */
export async function checkOnnx(
  path: string,
  bytes: Uint8Array,
  source: ModelFile,
  options: ExportArguments,
): Promise<OnnxCheck> {
  const test = await openImagesFor(source, options, silent, (text) => complain(`quern: ${text}`));
  await using engine = await openChosenEngine(options, silent);
  await openModel(engine, source);
  const { run, version } = await openRuntime(bytes, source.model.inputShape).catch((cause) => {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(
      `${path}: ONNX Runtime does not take it: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  });
  return { dataset: `${test.name} test`, runtime: version, ...(await compare(engine, source, run, test)) };
}
