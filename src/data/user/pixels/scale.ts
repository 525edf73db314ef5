/** Finds the numbers that are black and white. */
import { DataError } from '../../../core/errors.js';
import type { Reading } from '../reading.js';

/** Numbers of one part that are pixels, in whatever scale they are stored. */
export interface Numbers {
  readonly values: ArrayLike<number>;
  /** Names the place of a number in its file. */
  readonly where: (index: number) => string;
  /** Stored as true and false. */
  readonly logical?: boolean | undefined;
}

export type Scale = readonly [black: number, white: number];

interface Range {
  readonly least: number;
  readonly most: number;
  readonly fractions: boolean;
  /** Where the first number is that is outside 0 to 255, or else the largest. */
  readonly place: string;
}

const bytes: Scale = [0, 255];
/** Whole numbers that end scales: bits of displays and scanners, scikit-learn's digits, per cents. */
const usualEnds = [1, 3, 7, 15, 16, 31, 32, 63, 64, 100, 127, 1023, 4095, 65535];
/** The share of a scale that resampling and rounding add at its ends. */
const overshoot = 0.5;

function rangeOf(parts: readonly Numbers[]): Range {
  let [least, most, fractions] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, false];
  let outside: (() => string) | undefined;
  let largest = () => '';
  for (const { values, where } of parts) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!Number.isFinite(value)) throw new DataError(`${where(i)}: a pixel is not a finite number`);
      if (value < least) least = value;
      if (value > most) {
        most = value;
        largest = () => where(i);
      }
      if (value < 0 || value > 255) outside ??= () => where(i);
      fractions ||= !Number.isInteger(value);
    }
  }
  return { least, most, fractions, place: (outside ?? largest)() };
}

/** The scale of numbers with fractions among them. */
function scaleOfFractions({ least, most }: Range): Scale | undefined {
  const near = (low: number, high: number, share: number) => {
    const room = share * (high - low);
    return least >= low - room && most <= high + room;
  };
  if (near(0, 1, 0.1) || (least >= 0 && most <= 1 + overshoot)) return [0, 1];
  if (near(-1, 1, 0.1) && least < -0.5 && most > 0.5) return [-1, 1];
  if (near(-0.5, 0.5, 0.02) && least < -0.4 && most > 0.4) return [-0.5, 0.5];
  // beyond 32: nothing between the usual small scales and bytes
  if (near(0, 255, 0.02) && most > 32) return usualEnds.includes(most) && least === 0 ? [0, most] : bytes;
  return least >= 0 && usualEnds.includes(most) ? [0, most] : undefined;
}

function scaleOfIntegers({ least, most }: Range): Scale | undefined {
  if (least === 0 && usualEnds.includes(most)) return [0, most];
  if (least >= 0 && most <= 255) return bytes;
  if (least === -1 && most === 1) return [-1, 1];
  if (least >= -128 && least < -64 && most > 64 && most <= 127) return [-128, 127];
  return least >= 0 && most > 32767 && most <= 65535 ? [0, 65535] : undefined;
}

const rounded = (value: number) => Number(value.toPrecision(7));

/**
 * Which numbers are black and white in all parts of some data: what the user says, else what the numbers tell. Anything
 * but 0 to 255 is said.
 *
 * @param where names the data, for notes and errors
 * @throws DataError for numbers of no usual scale
 */
export function scaleOf(parts: readonly Numbers[], where: string, reading: Reading): Scale {
  const { pixelRange } = reading.options;
  if (pixelRange !== undefined) return pixelRange;
  if (parts.every(({ values }) => values.length === 0)) return bytes;
  const range = rangeOf(parts);
  const { least, most, fractions } = range;
  const logical = parts.every((part) => part.logical === true);
  const option = reading.nameOf('pixelRange');
  const { likelyRange } = reading.context;
  if (likelyRange !== undefined && least >= likelyRange[0] && most <= likelyRange[1]) {
    reading.note(
      `${where}: ${likelyRange[0]} is taken for black, ${likelyRange[1]} for white, as in the training (${option} tells others)`,
    );
    return likelyRange;
  }
  const scale = logical ? ([0, 1] as const) : fractions ? scaleOfFractions(range) : scaleOfIntegers(range);
  const found = `pixels are ${fractions ? 'numbers' : 'whole numbers'} from ${rounded(least)} to ${rounded(most)}`;
  if (scale === undefined) {
    throw new DataError(`${range.place}: ${found}, which is no usual scale`, {
      hint: `${option} tells which numbers are black and white, such as ${optionText(reading, rounded(least), rounded(most))}.`,
    });
  }
  if (scale[0] !== 0 || scale[1] !== 255) {
    reading.note(
      `${where}: ${found}: ${scale[0]} is taken for black, ${scale[1]} for white (${option} tells others)`,
    );
  } else if (most <= 64 && least !== most) {
    reading.note(
      `${where}: ${found}: they are taken as they are, nearly black of 0 to 255 (${option} tells another scale)`,
    );
  }
  return scale;
}

/** `--pixel-range=0,16`, or `{ pixelRange: [0, 16] }`. */
function optionText({ nameOf }: Reading, black: number, white: number): string {
  const name = nameOf('pixelRange');
  return name.startsWith('--') ? `${name}=${black},${white}` : `{ pixelRange: [${black}, ${white}] }`;
}

/** Beyond a scale that the user gave, as a share of it: what is further off is an error, not a rounding. */
const tolerance = 0.02;

/**
 * Numbers as pixels from 0 to 255; a little beyond the scale is black or white.
 *
 * @throws DataError naming the place of a number that is far outside a scale that the user gave
 */
export function toPixels({ values, where }: Numbers, [black, white]: Scale, reading: Reading): Uint8Array {
  if (values instanceof Uint8Array && black === 0 && white === 255) return values;
  const given = reading.options.pixelRange !== undefined;
  const [low, high] = black < white ? [black, white] : [white, black];
  const room = tolerance * (high - low);
  const scale = 255 / (white - black);
  const pixels = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (given && !(value >= low - room && value <= high + room)) {
      throw new DataError(`${where(i)}: a pixel is not from ${low} to ${high}: ${rounded(value)}`, {
        hint: `${reading.nameOf('pixelRange')} says so.`,
      });
    }
    pixels[i] = Math.max(0, Math.min(255, Math.round((value - black) * scale)));
  }
  return pixels;
}
