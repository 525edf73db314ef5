import { checkMembers } from '../../core/check.js';
import { type ImageShape, type Picture, resize, withChannels } from './picture.js';

/** Of 28 pixels, the side of MNIST's images: the box that a digit fills. */
const boxShare = 20 / 28;

interface Ink {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** The values that become black and white. */
  readonly ground: number;
  readonly brightest: number;
}

/** The grays along the border, in order. */
function borderOf(values: Uint8Array, width: number, height: number): Uint8Array {
  const border: number[] = [];
  for (let x = 0; x < width; x++) border.push(values[x]!, values[(height - 1) * width + x]!);
  for (let y = 0; y < height; y++) border.push(values[y * width]!, values[y * width + width - 1]!);
  return Uint8Array.from(border).sort();
}

/**
 * Where there is ink: what is brighter than the ground, which is the gray of the border, by more than the border's grays
 * differ, and by more than a tenth of the way to the brightest. Undefined where nothing is.
 */
function findInk(values: Uint8Array, width: number, height: number): Ink | undefined {
  const border = borderOf(values, width, height);
  const ground = border[border.length >> 1]!;
  const spread = border[Math.floor(0.95 * (border.length - 1))]! - ground;
  const brightest = values.reduce((most, value) => Math.max(most, value), 0);
  const threshold = ground + Math.max(2 * spread, 0.1 * (brightest - ground));
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (values[y * width + x]! <= threshold) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return undefined;
  const size = { width: right - left + 1, height: bottom - top + 1 };
  // a ground of many grays, as paper has, becomes black; a plain one stays as it is
  return { left, top, ...size, ground: spread === 0 ? ground : threshold, brightest };
}

/**
 * A picture of one digit, bright on dark, as MNIST's were made (LeCun et al. 1998): cut out where there is ink, brought
 * to fit a box of 20 by 20 pixels with its proportions, and put into 28 by 28 so that the center of mass of its pixels
 * is in the middle; of other sizes in the same proportion. Without ink it is merely resized.
 *
 * @returns gray `[height, width]`
 */
export function centerDigit(picture: Picture, height: number, width: number): Uint8Array {
  checkMembers('centerDigit: picture', 'a picture', picture, ['width', 'height', 'channels', 'readRow']);
  const gray = withChannels(picture, 1);
  const values = resize(gray, gray.height, gray.width);
  const ink = findInk(values, gray.width, gray.height);
  if (ink === undefined) return resize(gray, height, width);
  const cut: Picture = {
    width: ink.width,
    height: ink.height,
    channels: 1,
    readRow: (y, row) => {
      const start = (ink.top + y) * gray.width + ink.left;
      const scale = 255 / Math.max(1, ink.brightest - ink.ground);
      for (let x = 0; x < ink.width; x++) row[x] = Math.max(0, values[start + x]! - ink.ground) * scale;
    },
  };
  const fit = Math.min((boxShare * height) / ink.height, (boxShare * width) / ink.width);
  const side = (length: number) => Math.max(1, Math.round(length * fit));
  const [boxHeight, boxWidth] = [side(ink.height), side(ink.width)];
  return placeAtCenter(resize(cut, boxHeight, boxWidth), [boxHeight, boxWidth, 1], height, width);
}

/** Puts a small image into a black one, its center of mass in the middle, as near as whole pixels and the edges allow. */
function placeAtCenter(
  box: Uint8Array,
  [boxHeight, boxWidth]: ImageShape,
  height: number,
  width: number,
): Uint8Array {
  let [mass, across, down] = [0, 0, 0];
  for (let y = 0; y < boxHeight; y++) {
    for (let x = 0; x < boxWidth; x++) {
      const value = box[y * boxWidth + x]!;
      mass += value;
      across += value * (x + 0.5);
      down += value * (y + 0.5);
    }
  }
  const place = (side: number, boxSide: number, moment: number) => {
    const start = Math.round(side / 2 - (mass === 0 ? boxSide / 2 : moment / mass));
    return Math.max(0, Math.min(side - boxSide, start));
  };
  const [top, left] = [place(height, boxHeight, down), place(width, boxWidth, across)];
  const image = new Uint8Array(height * width);
  for (let y = 0; y < boxHeight; y++) {
    image.set(box.subarray(y * boxWidth, (y + 1) * boxWidth), (top + y) * width + left);
  }
  return image;
}
