import { checkMembers } from '../../core/check.js';
import { centerDigit } from './centerDigit.js';
import { type ImageShape, invert, type Picture, pictureOf, resize, withChannels } from './picture.js';

/** Changes to pictures of one's own, so that they look like those that a model knows. */
export interface Preparation {
  /** Dark on bright becomes bright on dark, as the images of the MNIST family are. Default false. */
  readonly invert?: boolean | undefined;
  /**
   * Brings a digit to the place and size that it has in MNIST's images: cut out, into a box of 20 by 20 pixels, its
   * center of mass in the middle of 28 by 28. Takes bright ink on dark. Default false.
   */
  readonly centerDigits?: boolean | undefined;
}

export interface Prepared {
  /** `[height, width, channels]` */
  readonly pixels: Uint8Array;
  /** It seems to be dark on bright, after `invert`. */
  readonly inverted: boolean;
}

/**
 * True if a picture seems to be dark on bright, where the MNIST family is bright on black: the pixels along its border
 * are brighter than half on average.
 */
export function looksInverted(image: { readonly pixels: Uint8Array; readonly shape: ImageShape }): boolean {
  checkMembers('looksInverted', 'an image', image, ['pixels', 'shape']);
  const { pixels, shape } = image;
  const [height, width, channels] = shape;
  let sum = 0;
  let count = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (y > 0 && y < height - 1 && x > 0 && x < width - 1) continue;
      for (let c = 0; c < channels; c++) sum += pixels[(y * width + x) * channels + c]!;
      count += channels;
    }
  }
  return sum > count * 127.5;
}

/** A picture in the form of a dataset's images: resized by areas, or as MNIST's digits were made. */
export function preparePicture(
  picture: Picture,
  shape: ImageShape,
  { invert: inverting = false, centerDigits = false }: Preparation = {},
): Prepared {
  const [height, width, channels] = shape;
  const own = withChannels(picture, channels);
  const pixels = resize(own, height, width);
  if (inverting) for (let i = 0; i < pixels.length; i++) pixels[i] = 255 - pixels[i]!;
  const inverted = looksInverted({ pixels, shape });
  if (!centerDigits) return { pixels, inverted };
  const centered = pictureOf(centerDigit(inverting ? invert(own) : own, height, width), [height, width, 1]);
  return { pixels: resize(withChannels(centered, channels), height, width), inverted };
}
