/** Checks of what layers are called with. They name layer and option, for programs and for model files alike. */
import { UsageError } from '../core/errors.js';
import { at } from '../core/lists.js';
import type { PaddingOption, Pair } from '../tensor/ops/geometry.js';
import { pairOf } from '../tensor/ops/geometry.js';

/** Both directions of a pair as plain data. Throws unless they are integers ≥ 1. */
export function plainPair(what: string, name: string, value: Pair): [number, number] {
  const pair = typeof value === 'number' || Array.isArray(value) ? value : [];
  const [height, width] = pairOf(what, name, pair as Pair);
  return [height, width];
}

const sides = ['top', 'bottom', 'left', 'right'] as const;

/** A padding as plain data. Throws a UsageError unless it is 'valid', 'same' or four integers ≥ 0. */
export function plainPadding(
  what: string,
  padding: PaddingOption,
): 'valid' | 'same' | Record<string, number> {
  if (padding === 'valid' || padding === 'same') return padding;
  if (typeof padding === 'object' && padding !== null) {
    const pixels = sides.map((side) => padding[side]);
    if (pixels.every((n) => Number.isInteger(n) && n >= 0)) {
      return Object.fromEntries(sides.map((side, i) => [side, at(pixels, i)]));
    }
  }
  throw new UsageError(
    `${what}: padding must be 'valid', 'same' or integers ≥ 0 for top, bottom, left and right: ${JSON.stringify(padding)}`,
  );
}

/** What options of other frameworks' layers are called here. */
export const layerOptionsElsewhere = {
  activation: 'none: activations are layers of their own, such as relu()',
  inputshape: 'none: the data tells it',
  name: 'none: layers are called by their place',
  bias: 'useBias',
  eps: 'epsilon',
};
