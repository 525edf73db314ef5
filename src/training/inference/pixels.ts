/** Images in the forms that programs have them in, as the uint8 pixels that a model takes. */
import { DataError, ShapeError } from '../../core/errors.js';
import { isObject } from '../../core/json.js';
import { formatShape, type Shape } from '../../core/shape.js';

/** Pixels of a canvas: `context.getImageData(0, 0, width, height)`, four bytes a pixel. */
export interface CanvasPixels {
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Numbers, also in rows, channels and images. */
export type NumberList = readonly (number | NumberList)[];

/**
 * Images of a model, `[count, ...inputShape]` row-major: bytes; floats or plain numbers, from 0 to 1 if none is above
 * 1, else from 0 to 255; what canvases give, as large as the model's images.
 */
export type ImagePixels =
  | Uint8Array
  | Uint8ClampedArray
  | Float32Array
  | Float64Array
  | NumberList
  | CanvasPixels
  | readonly CanvasPixels[];

const hint =
  'It takes a Uint8Array of pixels from 0 to 255, floats or plain numbers from 0 to 1 or to 255, or the ImageData of a canvas.';

function isCanvas(value: unknown): value is CanvasPixels {
  return (
    isObject(value) &&
    typeof value.width === 'number' &&
    typeof value.height === 'number' &&
    (value.data instanceof Uint8ClampedArray || value.data instanceof Uint8Array)
  );
}

/** Luma of ITU-R BT.601 where the model takes one channel. What is transparent shows black. */
function fromCanvas({ data, width, height }: CanvasPixels, shape: Shape): Uint8Array {
  const [rows, columns, channels] = shape;
  if (shape.length !== 3 || rows !== height || columns !== width || (channels !== 1 && channels !== 3)) {
    throw new ShapeError(
      `predict: a canvas of ${width} × ${height} pixels is no image of ${formatShape(shape)}`,
      { hint: 'Draw it on a canvas of that size first: context.drawImage(canvas, 0, 0, width, height).' },
    );
  }
  if (data.length !== 4 * width * height)
    throw new ShapeError(
      `predict: a canvas of ${width} × ${height} pixels has ${data.length} bytes, not 4 a pixel`,
    );
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue] = [0, 1, 2].map((c) => (data[4 * i + c]! * data[4 * i + 3]!) / 255);
    if (channels === 1) pixels[i] = Math.round(0.299 * red! + 0.587 * green! + 0.114 * blue!);
    else pixels.set([red!, green!, blue!].map(Math.round), 3 * i);
  }
  return pixels;
}

function fromNumbers(values: ArrayLike<number>): Uint8Array {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number' || !(value >= 0 && value <= 255))
      throw new DataError(`predict: pixels are numbers from 0 to 1 or to 255: ${String(value)}`, { hint });
    most = Math.max(most, value);
  }
  const scale = most <= 1 ? 255 : 1;
  return Uint8Array.from(values, (value) => Math.round(scale * value));
}

/**
 * The bytes of images, `[count, ...shape]` row-major.
 *
 * @throws DataError for what are no images, ShapeError for a canvas of another size
 */
export function pixelsOf(images: ImagePixels, shape: Shape): Uint8Array {
  if (images instanceof Uint8Array) return images;
  if (images instanceof Uint8ClampedArray) return new Uint8Array(images);
  if (images instanceof Float32Array || images instanceof Float64Array) return fromNumbers(images);
  if (isCanvas(images)) return fromCanvas(images, shape);
  if (!Array.isArray(images)) throw new DataError('predict: these are no images', { hint });
  if (images.length === 0 || !images.every(isCanvas)) return fromNumbers(images.flat(4));
  const all = images.map((image) => fromCanvas(image, shape));
  const size = all[0]!.length;
  const joined = new Uint8Array(all.length * size);
  for (const [i, pixels] of all.entries()) joined.set(pixels, i * size);
  return joined;
}
