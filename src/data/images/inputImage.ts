import { UsageError } from '../../core/errors.js';
import { type ImageShape, type Samples, toPicture } from './picture.js';
import { type Preparation, preparePicture } from './prepare.js';

/** A picture in the form of a dataset's images. */
export interface InputImage {
  /** `[height, width, channels]`, row-major, 0 to 255. */
  readonly pixels: Uint8Array;
  readonly shape: readonly [number, number, number];
  /** Size of the picture in its file, upright. */
  readonly original: { readonly width: number; readonly height: number };
  /** It seems to be dark on bright, where the MNIST family is bright on black; `invert` makes it so. */
  readonly inverted: boolean;
}

/** Throws UsageError for a shape that pictures cannot have. */
export function checkChannels(what: string, shape: ImageShape): void {
  if (shape[2] === 1 || shape[2] === 3) return;
  throw new UsageError(`${what}: the shape must have 1 or 3 channels: [${shape.join(', ')}]`);
}

/** A decoded picture as a dataset's images are. */
export function toInputImage(samples: Samples, shape: ImageShape, preparation: Preparation = {}): InputImage {
  const picture = toPicture(samples, shape[2]);
  const original = { width: picture.width, height: picture.height };
  return { ...preparePicture(picture, shape, preparation), shape, original };
}
