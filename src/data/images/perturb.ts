import { checkMembers } from '../../core/check.js';
import { UsageError } from '../../core/errors.js';
import { exactCos, exactExp, exactLog } from '../../core/math.js';
import { randomKey, randomUniform } from '../../core/random.js';
import { place } from '../augment/affine.js';
import { Frame } from '../augment/frame.js';
import { resample } from '../augment/resample.js';
import { type Dataset, imageSize } from '../dataset.js';

export type PerturbationKind = 'shift' | 'rotation' | 'noise' | 'blur';

/** How images are spoilt, to see what a model makes of them. */
export interface Perturbation {
  readonly kind: PerturbationKind;
  /**
   * How much. shift: so many pixels in any direction; rotation: so many degrees, either way; noise: standard deviation of
   * what is added to each pixel, in grays of 255; blur: standard deviation of a Gaussian in pixels.
   */
  readonly severity: number;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** From what is hardly seen to what is hard for people, on images of 28 x 28 pixels. */
export const severities: Readonly<Record<PerturbationKind, readonly number[]>> = {
  shift: [1, 2, 3, 4],
  rotation: [10, 20, 30, 45],
  noise: [16, 32, 64, 96],
  blur: [0.5, 1, 1.5, 2],
};

const units: Readonly<Record<PerturbationKind, readonly [unit: string, most: number]>> = {
  shift: ['pixels', 512],
  rotation: ['degrees', 180],
  noise: ['grays', 255],
  blur: ['pixels', 64],
};

/** Where the random numbers of an image come from. */
interface Draw {
  readonly key: number;
  readonly sample: number;
}

/** Changes the image at `start` of `target`; what it was is in `images`, at the same place. */
type Change = (images: Uint8Array, target: Uint8Array, start: number, random: Draw) => void;

/** Moves and turns: bilinear, black outside. */
function geometric({ shape }: Dataset, { kind, severity }: Perturbation): Change {
  const frame = new Frame(shape, 1, 0);
  return (images, target, start, { key, sample }) => {
    const uniform = randomUniform(0, key, sample);
    let [moveX, moveY, turn] = [0, 0, 0];
    if (kind === 'shift') {
      const direction = 2 * Math.PI * uniform;
      moveX = severity * exactCos(direction);
      moveY = severity * exactCos(direction - Math.PI / 2);
    } else turn = ((uniform < 0.5 ? -severity : severity) * Math.PI) / 180;
    frame.load(images, start);
    resample(frame, place(frame, { moveX, moveY, turn }), target, start);
  };
}

/** Adds normal numbers, √(−2 ln U) cos 2πV (Box, Muller 1958); what is below black or above white is cut off. */
function noisy(dataset: Dataset, { severity }: Perturbation): Change {
  const size = imageSize(dataset);
  return (images, target, start, { key, sample }) => {
    for (let i = 0; i < size; i++) {
      const radius = Math.sqrt(-2 * exactLog(randomUniform(2 * i, key, sample)));
      const normal = radius * exactCos(2 * Math.PI * randomUniform(2 * i + 1, key, sample));
      target[start + i] = Math.max(0, Math.min(255, Math.round(images[start + i]! + severity * normal)));
    }
  };
}

/** Smooths with e^(−x² / 2σ²) along both axes, as far as 3 σ; beyond its edges an image is black. */
function blurred({ shape }: Dataset, { severity }: Perturbation): Change {
  const [height, width, channels] = shape;
  const reach = Math.ceil(3 * severity);
  const distances = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
  const bells = distances.map((x) => (severity === 0 ? 1 : exactExp((-x * x) / (2 * severity * severity))));
  const sum = bells.reduce((total, bell) => total + bell, 0);
  const weights = bells.map((bell) => bell / sum);
  const rows = new Float64Array(height * width * channels);
  return (images, target, start) => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) {
          let value = 0;
          for (const [i, distance] of distances.entries()) {
            const from = x + distance;
            if (from < 0 || from >= width) continue;
            value += weights[i]! * images[start + (y * width + from) * channels + c]!;
          }
          rows[(y * width + x) * channels + c] = value;
        }
      }
    }
    const rowLength = width * channels;
    for (let y = 0; y < height; y++) {
      for (let at = 0; at < rowLength; at++) {
        let value = 0;
        for (const [i, distance] of distances.entries()) {
          const from = y + distance;
          if (from >= 0 && from < height) value += weights[i]! * rows[from * rowLength + at]!;
        }
        target[start + y * rowLength + at] = Math.round(value);
      }
    }
  };
}

/**
 * A copy of a dataset with every image spoilt in the same way and to the same degree. The same arguments give the same
 * bytes on every machine, and image i does not depend on the others.
 *
 * @throws UsageError for an unknown kind or a severity out of range
 */
export function perturb(dataset: Dataset, perturbation: Perturbation): Dataset {
  checkMembers('perturb: perturbation', '{ kind, severity }', perturbation, ['kind', 'severity']);
  checkMembers('perturb', 'a dataset', dataset, ['images', 'shape']);
  const { kind, severity, seed = 0 } = perturbation;
  if (!Object.hasOwn(units, kind)) {
    throw new UsageError(`perturb: unknown kind '${kind}': there are ${Object.keys(units).join(', ')}`);
  }
  const [unit, most] = units[kind];
  if (!(severity >= 0 && severity <= most)) {
    throw new UsageError(`perturb: the severity of ${kind} must be from 0 to ${most} ${unit}: ${severity}`);
  }
  const key = randomKey(seed, 'perturb', kind);
  const make = { shift: geometric, rotation: geometric, noise: noisy, blur: blurred }[kind];
  const change = make(dataset, perturbation);
  const images = new Uint8Array(dataset.images.length);
  const size = imageSize(dataset);
  for (let i = 0; i < dataset.count; i++) change(dataset.images, images, i * size, { key, sample: i });
  return { ...dataset, images };
}
