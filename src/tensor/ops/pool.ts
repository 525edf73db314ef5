import type { Window } from '../../../kernels/maxPool/contract.js';
import { checkOptionNames } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { leading } from '../../core/lists.js';
import { fourAxes, type Shape } from '../../core/shape.js';
import { checkDtype, checkTensor, describe, node } from '../build.js';
import type { Op } from '../op.js';
import type { Tensor } from '../tensor.js';
import { type PaddingOption, type Pair, pairOf, windowGrid } from './geometry.js';
import { mean } from './reduce.js';

export interface PoolOptions {
  /** Steps between windows; default: the window's size. */
  readonly strides?: Pair;
  /** Default 'valid'. Padding never wins a maximum and does not count in an average. */
  readonly padding?: PaddingOption;
}

// y = x at the largest position of each window: the gradient goes back to that position
const maxPoolOp: Op<Window> = {
  name: 'maxPool2d',
  backward: ({ inputs, shape, attributes }, g) => {
    const [x] = leading(inputs, 1);
    return [maxPoolGradient(g, indicesOf(x, shape, attributes), x.shape, attributes)];
  },
  lower: ({ attributes }) => ({
    type: 'kernel',
    kind: 'maxPool',
    specification: { ...attributes, outputs: ['values'] },
  }),
};

/** The sibling of maxPool2d: the position of the maximum in its window. A planner makes one pass of the two. */
const maxPoolIndicesOp: Op<Window> = {
  name: 'maxPool2dIndices',
  backward: () => [undefined],
  lower: ({ attributes }) => ({
    type: 'kernel',
    kind: 'maxPool',
    specification: { ...attributes, outputs: ['indices'] },
  }),
};

// linear in dy; the adjoint takes what the indices point at
const maxPoolGradientOp: Op<Window> = {
  name: 'maxPool2dGradient',
  backward: ({ inputs, attributes }, g) => {
    const [dy, indices] = leading(inputs, 2);
    return [node(maxPoolTakeOp, [g, indices], attributes, { shape: dy.shape, dtype: 'float32' }), undefined];
  },
  lower: ({ attributes }) => ({ type: 'kernel', kind: 'maxPoolGradient', specification: attributes }),
};

const maxPoolTakeOp: Op<Window> = {
  name: 'maxPool2dTake',
  backward: ({ inputs, attributes }, g) => {
    const [x, indices] = leading(inputs, 2);
    return [maxPoolGradient(g, indices, x.shape, attributes), undefined];
  },
  lower: ({ attributes }) => ({ type: 'kernel', kind: 'maxPoolTake', specification: attributes }),
};

function indicesOf(x: Tensor, shape: Shape, window: Window): Tensor {
  const positions = window.window[0] * window.window[1];
  return node(maxPoolIndicesOp, [x], window, { shape, dtype: positions <= 256 ? 'uint8' : 'int32' });
}

function maxPoolGradient(dy: Tensor, indices: Tensor, shape: Shape, window: Window): Tensor {
  return node(maxPoolGradientOp, [dy, indices], window, { shape, dtype: 'float32' });
}

const averagePoolOp: Op<Window> = {
  name: 'averagePool2d',
  backward: ({ inputs, attributes }, g) => {
    const [x] = leading(inputs, 1);
    return [node(averagePoolGradientOp, [g], attributes, { shape: x.shape, dtype: 'float32' })];
  },
  lower: ({ attributes }) => ({ type: 'kernel', kind: 'averagePool', specification: attributes }),
};

const averagePoolGradientOp: Op<Window> = {
  name: 'averagePool2dGradient',
  backward: ({ inputs, attributes }, g) => {
    const [dy] = leading(inputs, 1);
    return [node(averagePoolOp, [g], attributes, { shape: dy.shape, dtype: 'float32' })];
  },
  lower: ({ attributes }) => ({ type: 'kernel', kind: 'averagePoolGradient', specification: attributes }),
};

function pool(op: Op<Window>, x: Tensor, size: Pair, options: PoolOptions): Tensor {
  const what = op === maxPoolOp ? 'maxPool2d' : 'averagePool2d';
  checkOptionNames(what, options, { strides: true, padding: true });
  checkDtype(what, x, 'float32');
  if (x.rank !== 4) {
    throw new ShapeError(`${what}: needs images of four axes: ${describe(x)} (${x.rank})`, {
      hint: 'Images are [batch, height, width, channels].',
    });
  }
  const [batch, height, width, channels] = fourAxes(x.shape);
  const window = pairOf(what, 'window', size);
  const strides = pairOf(what, 'strides', options.strides ?? window);
  const padding = options.padding ?? 'valid';
  const grid = windowGrid(what, { image: [height, width], window, strides, padding });
  if (typeof padding === 'object') {
    const vertical = Math.max(padding.top, padding.bottom);
    const horizontal = Math.max(padding.left, padding.right);
    if (vertical >= window[0] || horizontal >= window[1]) {
      throw new ShapeError(
        `${what}: padding must be smaller than the window: ${vertical}x${horizontal} around ${window.join('x')}`,
        { hint: 'A window that lies in the padding alone has nothing to choose from.' },
      );
    }
  }
  const attributes = { window, strides, padding: grid.padding };
  return node(op, [x], attributes, { shape: [batch, ...grid.output, channels], dtype: 'float32' });
}

/**
 * The largest of each window: x `[batch, height, width, channels]` → `[batch, height', width', channels]`, float32.
 * Ties go to the first position, row-major. Default window 2.
 */
export function maxPool2d(x: Tensor, window: Pair = 2, options: PoolOptions = {}): Tensor {
  return pool(maxPoolOp, x, window, options);
}

/** The mean of each window; shapes as maxPool2d. Padding does not count (as in Keras). Default window 2. */
export function averagePool2d(x: Tensor, window: Pair = 2, options: PoolOptions = {}): Tensor {
  return pool(averagePoolOp, x, window, options);
}

/** The mean over all pixels: `[batch, height, width, channels]` → `[batch, channels]`. */
export function globalAveragePool2d(x: Tensor): Tensor {
  checkTensor('globalAveragePool2d', x);
  if (x.rank !== 4) {
    throw new ShapeError(`globalAveragePool2d: needs images of four axes: ${describe(x)} (${x.rank})`);
  }
  return mean(x, [1, 2]);
}
