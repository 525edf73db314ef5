import { drawPlacement, type Placement, resamples } from './affine.js';
import { type Augmentation, checkAugmentation } from './augmentation.js';
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
 * Changes images of one shape as an augmentation says. What becomes of an image depends on its bytes, the key of the
 * epoch (`epochKey`) and the number of the sample alone: not on what was done before, and all arithmetic is exact or
 * rounded as IEEE 754 defines it, so the bytes are the same everywhere. Nothing is allocated for an image.
 */
export class ImageAugmenter {
  /** Bytes of an image. */
  readonly size: number;
  private readonly frame: Frame;
  private readonly field: ElasticField | undefined;
  private readonly eraser: Eraser | undefined;
  private readonly resamples: boolean;
  private readonly placement: Placement = { x0: 0, y0: 0, xx: 1, xy: 0, yx: 0, yy: 1 };

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
    this.frame = new Frame(height, width, channels, margin, reflect, fill);
    this.field = elastic && new ElasticField(height, width, elastic);
    this.eraser = erase || cutout ? new Eraser(height, width, channels, augmentation) : undefined;
  }

  /** Writes the image that begins at byte `from` of `images`, changed, to byte `to` of `target`. */
  augment(
    images: Uint8Array,
    from: number,
    target: Uint8Array,
    to: number,
    key: number,
    sample: number,
  ): void {
    const { frame, placement, augmentation } = this;
    frame.load(images, from);
    drawPlacement(augmentation, frame.height, frame.width, key, sample, placement);
    if (this.resamples) {
      this.field?.draw(key, sample);
      resample(frame, placement, target, to, this.field);
    } else {
      this.copy(target, to);
    }
    this.eraser?.apply(target, to, key, sample);
  }

  /** Whole pixels, perhaps mirrored. */
  private copy(target: Uint8Array, to: number): void {
    const { height, width, channels, border, stride, pixels } = this.frame;
    const { x0, y0, xx } = this.placement;
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
