/** Pictures of the first layer's filters, and of its output for an image. */
import { float32Of } from '../../core/dtype.js';
import { at } from '../../core/lists.js';
import { fourAxes, sizeOf } from '../../core/shape.js';
import type { Engine } from '../../engine/engine.js';
import type { Model } from '../../nn/model.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ModelFile } from '../../training/files/modelFile.js';
import { type Normalization, normalize } from '../../training/inference/normalization.js';
import { heatPicture, type Pixels, signedPicture } from './picture.js';

export interface FirstLayer {
  /** Its path: `layers.0`. */
  readonly path: string;
  readonly kind: 'filters' | 'weights';
  /** Filters of a convolution, or the weights of each unit of a dense layer as an image, at most `most`. */
  readonly pictures: readonly Pixels[];
  /** How many there are. */
  readonly count: number;
  /** Weights of this size and beyond, of either sign, have the strongest color. */
  readonly limit: number;
}

const most = 32;
/** So many weights are smaller than what has the strongest color: a few large ones would leave the others pale. */
const strongest = 0.99;

/**
 * The filters of the first layer that has weights of its own: of a convolution `[height, width, in, out]` those of the
 * first channel, of a dense layer on whole images `[pixels, units]` a picture per unit. Undefined for any other model.
 */
export function firstLayer({ model, tensors }: Pick<ModelFile, 'model' | 'tensors'>): FirstLayer | undefined {
  const [leaf] = model.parameters;
  if (leaf === undefined) return undefined;
  const { shape, name } = leaf;
  const [rows, columns, channels] = model.inputShape;
  const values = float32Of(tensors.get(name)?.data);
  const path = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  if (rows === undefined || columns === undefined || channels === undefined) return undefined;
  const of = (
    kind: FirstLayer['kind'],
    [height, width]: readonly [number, number],
    stride: number,
    count: number,
  ) => {
    const shown = Array.from({ length: Math.min(count, most) }, (_, unit) =>
      Float32Array.from({ length: height * width }, (_, i) => at(values, i * stride + unit)),
    );
    const sizes = Float32Array.from(shown.flatMap((one) => [...one]))
      .map(Math.abs)
      .sort();
    const limit = at(sizes, Math.floor(strongest * (sizes.length - 1)));
    const pictures = shown.map((one) => signedPicture(one, width, height, limit));
    return { path, kind, pictures, count, limit };
  };
  if (shape.length === 4) {
    const [height, width, inputs, outputs] = fourAxes(shape);
    return of('filters', [height, width], inputs * outputs, outputs);
  }
  if (shape.length === 2 && shape[0] === sizeOf(model.inputShape)) {
    return of('weights', [rows, columns], channels * at(shape, 1), at(shape, 1));
  }
  return undefined;
}

/**
 * Draws the output of the layer at `path` for one image, a picture per channel, at most `most`, each from its lowest
 * value (violet) to its highest (yellow). Undefined for a layer whose output is no image.
 *
 * @param image uint8 pixels of the model's input shape
 */
export async function featureMaps(
  engine: Engine,
  model: Model,
  normalization: Normalization,
  { path, image }: { path: string; image: Uint8Array },
): Promise<Pixels[] | undefined> {
  const step = engine.compile(
    ({ images }) => {
      let found: Tensor | undefined;
      const { output } = model.apply(normalize(images, normalization), {
        observe: (application) => {
          if (application.path === path) found = application.output;
        },
      });
      return { outputs: { maps: found ?? output } };
    },
    { images: { shape: [1, ...model.inputShape], dtype: 'uint8' } },
  );
  const { maps } = await step.run({ images: image });
  if (maps.shape.length !== 4) return undefined;
  const [, height, width, channels] = fourAxes(maps.shape);
  const values = float32Of(maps.data);
  const count = Math.min(channels, most);
  const planes = Array.from({ length: count }, (_, channel) =>
    Float32Array.from({ length: height * width }, (_, i) => at(values, i * channels + channel)),
  );
  return planes.map((plane) => heatPicture(plane, width, height, extremes(plane)));
}

function extremes(values: Float32Array): [low: number, high: number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}
