import { drawPlacement, type Placement, resamples } from './affine.js';
import { type Augmentation, checkAugmentation } from './augmentation.js';
import type { Draws } from './draws.js';
import { ElasticField } from './elastic.js';
import { Eraser } from './erase.js';
import { Frame } from './frame.js';
import { resample } from './resample.js';

/** How far beyond the edges a mirrored image is read; what is farther out repeats the outermost pixel. */
function mirroredBorder(augmentation: Augmentation, height: number, width: number): number {
  const { crop = 0 } = augmentation;
  return resamples(augmentation) ? Math.min(height, width) - 1 : crop;
}

/**
 * Changes images of one shape as an augmentation says. The result for an image depends on its bytes, the key of the
 * epoch (`epochKey`) and the number of the sample alone: not on what was done before, and all arithmetic is exact or
 * rounded as IEEE 754 defines it, so the bytes are the same everywhere. No pixels are allocated for an image.
 */
export class ImageAugmenter {
  /** Bytes of an image. */
  readonly size: number;
  private readonly frame: Frame;
  private readonly field: ElasticField | undefined;
  private readonly eraser: Eraser | undefined;
  private readonly resamples: boolean;

  /** @param shape height, width, channels */
  constructor(
    shape: readonly [number, number, number],
    private readonly augmentation: Augmentation,
  ) {
    checkAugmentation(augmentation, shape);
    const [height, width, channels] = shape;
    const { elastic, erase, cutout, crop = 0, border, fill = 0 } = augmentation;
    this.size = height * width * channels;
    this.resamples = resamples(augmentation);
    const reflect = border === 'reflect';
    const margin = reflect ? mirroredBorder(augmentation, height, width) : this.resamples ? 1 : crop;
    this.frame = new Frame(shape, margin, reflect ? 'reflect' : fill);
    this.field = elastic && new ElasticField(height, width, elastic);
    this.eraser = erase || cutout ? new Eraser(height, width, channels, augmentation) : undefined;
  }

  /** Writes the sample of an epoch, which is `images[sample]`, changed, to byte `to` of `target`. */
  augment(images: Uint8Array, draws: Draws, target: Uint8Array, to: number): void {
    const { frame, field } = this;
    frame.load(images, draws.sample * this.size);
    const placement = drawPlacement(this.augmentation, frame, draws);
    if (this.resamples) {
      field?.draw(draws);
      resample(frame, { ...placement, ...(field && { field }) }, target, to);
    } else {
      this.copy(placement, target, to);
    }
    this.eraser?.apply(target, to, draws);
  }

  /** Whole pixels, perhaps mirrored. */
  private copy({ x0, y0, xx }: Placement, target: Uint8Array, to: number): void {
    const { height, width, channels, border, stride, pixels } = this.frame;
    const step = xx * channels;
    let at = to;
    for (let y = 0; y < height; y++) {
      let from = (y + y0 + border) * stride + (x0 + border) * channels;
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) target[at++] = pixels[from + c]!;
        from += step;
      }
    }
  }
}
