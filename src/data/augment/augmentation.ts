import { didYouMean } from '../../core/closest.js';
import { UsageError } from '../../core/errors.js';

/** A number drawn evenly between the two. */
type Range = readonly [low: number, high: number];

/** Elastic distortion: Simard, Steinkraus, Platt, "Best practices for convolutional neural networks", ICDAR 2003. */
export interface Elastic {
  /** Largest displacement before smoothing, in pixels: at most 1024. Digits of 28 x 28 take about 30. */
  readonly alpha: number;
  /** Standard deviation of the smoothing, in pixels, from 1 to 64. Digits of 28 x 28 take about 4. */
  readonly sigma: number;
}

/** Random erasing: Zhong, Zheng, Kang, Li, Yang, "Random erasing data augmentation", 2017. */
export interface Erase {
  /** Default 0.5. */
  readonly probability?: number | undefined;
  /** Share of the image, default [0.02, 0.4]. */
  readonly area?: Range | undefined;
  /** Height by width, default [0.3, 1 / 0.3]. */
  readonly aspect?: Range | undefined;
  /** The filling of the rectangle: a gray from 0 to 255, by default `fill`, or random bytes. */
  readonly value?: number | 'random' | undefined;
}

/**
 * How images are changed at random before a model is trained with them: plain data, so that a run can keep it. What is
 * left out is not done. All that moves pixels (flip, shift, crop, rotate, scale, shear, elastic) is one bilinear
 * resampling, so combining them blurs no more than one of them; flips and crops alone copy pixels.
 */
export interface Augmentation {
  /** Moves by up to so many pixels (and parts of pixels) along each axis, at most 512. `crop` moves by whole pixels. */
  readonly shift?: number | undefined;
  /** Turns about the center by up to so many degrees either way, at most 180. */
  readonly rotate?: number | undefined;
  /** Enlarges about the center by a factor from this range, within [0.25, 4]. */
  readonly scale?: Range | undefined;
  /** Slants by up to so many degrees either way, at most 45: a row moves by its height times the tangent. */
  readonly shear?: number | undefined;
  readonly elastic?: Elastic | undefined;
  /** Mirrors left and right, every other image on average. */
  readonly flip?: 'horizontal' | undefined;
  /** Pads every side by so many pixels and cuts the old size out anywhere: moves by whole pixels. Less than a side. */
  readonly crop?: number | undefined;
  readonly erase?: Erase | undefined;
  /**
   * Side in pixels of a square about any pixel that is filled with `fill`, as far as it lies within the image: DeVries,
   * Taylor, "Improved regularization of convolutional neural networks with cutout", 2017.
   */
  readonly cutout?: number | undefined;
  /** The surroundings of the image: `fill` (the default), or the image mirrored at its edges. */
  readonly border?: 'fill' | 'reflect' | undefined;
  /** Gray from 0 to 255 of what is outside the image or cut out, in every channel; default 0. */
  readonly fill?: number | undefined;
}

export const eraseDefaults = { probability: 0.5, area: [0.02, 0.4], aspect: [0.3, 1 / 0.3] } as const;

/** Larger images would not fit the fixed-point coordinates. */
const largestSide = 2048;

type Checks<T> = { readonly [K in keyof T]-?: (value: Exclude<T[K], undefined>) => string | undefined };

const between = (low: number, high: number) => (value: unknown) =>
  typeof value === 'number' && value >= low && value <= high ? undefined : `a number from ${low} to ${high}`;

const wholeBetween = (low: number, high: number) => (value: unknown) =>
  Number.isInteger(value) && between(low, high)(value) === undefined
    ? undefined
    : `a whole number from ${low} to ${high}`;

const rangeWithin = (low: number, high: number) => (value: unknown) =>
  Array.isArray(value) && value.length === 2 && value[0] >= low && value[0] <= value[1] && value[1] <= high
    ? undefined
    : `[low, high] within [${low}, ${high}]`;

const oneOf =
  (...choices: readonly string[]) =>
  (value: unknown) =>
    choices.some((choice) => choice === value)
      ? undefined
      : choices.map((choice) => `'${choice}'`).join(' or ');

const elasticChecks: Checks<Elastic> = { alpha: between(0, 1024), sigma: between(1, 64) };

const eraseChecks: Checks<Erase> = {
  probability: between(0, 1),
  area: rangeWithin(0.0001, 1),
  aspect: rangeWithin(0.01, 100),
  value: (value) =>
    value === 'random' || wholeBetween(0, 255)(value) === undefined
      ? undefined
      : `a whole number from 0 to 255 or 'random'`,
};

const checks: Checks<Augmentation> = {
  shift: between(0, 512),
  rotate: between(0, 180),
  scale: rangeWithin(0.25, 4),
  shear: between(0, 45),
  elastic: (value) => checkMembers(value, elasticChecks, 'elastic.', ['alpha', 'sigma']),
  flip: oneOf('horizontal'),
  crop: wholeBetween(0, 512),
  erase: (value) => checkMembers(value, eraseChecks, 'erase.'),
  cutout: wholeBetween(1, largestSide),
  border: oneOf('fill', 'reflect'),
  fill: wholeBetween(0, 255),
};

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);

/** Throws for the first wrong member; undefined means that there is none. */
function checkMembers<T extends object>(
  value: T,
  members: Checks<T>,
  prefix: string,
  required: readonly string[] = [],
): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `an object of ${Object.keys(members).join(', ')}`;
  }
  for (const name of required) {
    if (!(name in value)) throw new UsageError(`augmentation: ${prefix}${name} is missing`);
  }
  for (const [name, member] of Object.entries(value)) {
    const check = (members as Record<string, ((value: unknown) => string | undefined) | undefined>)[name];
    if (check === undefined) {
      const names = Object.keys(members);
      throw new UsageError(
        `augmentation: ${prefix}${name} is unknown: there are ${names.join(', ')}`,
        didYouMean(name, names),
      );
    }
    const wanted = member === undefined ? undefined : check(member);
    if (wanted !== undefined) {
      throw new UsageError(`augmentation: ${prefix}${name} must be ${wanted}: ${shown(member)}`);
    }
  }
  return undefined;
}

/**
 * Checks an augmentation, and whether it suits images of a shape.
 *
 * @param shape height, width, channels
 * @throws UsageError naming the member that is wrong
 */
export function checkAugmentation(
  augmentation: Augmentation,
  shape?: readonly [number, number, number],
): void {
  const wanted = checkMembers(augmentation, checks, '');
  if (wanted !== undefined) {
    throw new UsageError(`augmentation: it must be ${wanted}: ${shown(augmentation)}`);
  }
  if (shape === undefined) return;
  const [height, width] = shape;
  if (height > largestSide || width > largestSide) {
    throw new UsageError(
      `augmentation: images may have up to ${largestSide} x ${largestSide} pixels: ${height} x ${width}`,
    );
  }
  const { crop = 0 } = augmentation;
  if (crop >= Math.min(height, width)) {
    throw new UsageError(
      `augmentation: crop must be less than a side of the image: ${crop}, images are ${height} x ${width}`,
    );
  }
}
