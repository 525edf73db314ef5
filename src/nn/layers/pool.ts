import { checkOptionNames } from '../../core/check.js';
import { ShapeError } from '../../core/errors.js';
import { describe } from '../../tensor/build.js';
import type { PaddingOption, Pair } from '../../tensor/ops/geometry.js';
import {
  globalAveragePool2d as averageOfPixels,
  averagePool2d as averageOfWindows,
  maxPool2d as maximumOfWindows,
  type PoolOptions,
} from '../../tensor/ops/pool.js';
import { max } from '../../tensor/ops/reduce.js';
import { layerOptionsElsewhere, plainPadding, plainPair } from '../check.js';
import { type Layer, layer } from '../layer.js';

function pool(kind: string, op: typeof maximumOfWindows, window: Pair, options: PoolOptions): Layer {
  checkOptionNames(kind, options, { strides: true, padding: true }, layerOptionsElsewhere);
  const size = plainPair(kind, 'window', window);
  const strides = plainPair(kind, 'strides', options.strides ?? size);
  const padding = plainPadding(kind, options.padding ?? 'valid');
  return layer(kind, { window: size, strides, padding }, (x) =>
    op(x, size, { strides, padding: padding as PaddingOption }),
  );
}

/**
 * The largest of each window: `[batch, height, width, channels]` → `[batch, height', width', channels]`.
 *
 * @param window default 2
 * @param options.strides default: the window's size
 * @param options.padding default 'valid'
 */
export function maxPool2d(window: Pair = 2, options: PoolOptions = {}): Layer {
  return pool('maxPool2d', maximumOfWindows, window, options);
}

/** The mean of each window, in which padding does not count; otherwise as maxPool2d. */
export function averagePool2d(window: Pair = 2, options: PoolOptions = {}): Layer {
  return pool('averagePool2d', averageOfWindows, window, options);
}

/** The mean over all pixels: `[batch, height, width, channels]` → `[batch, channels]`. */
export function globalAveragePool2d(): Layer {
  return layer('globalAveragePool2d', {}, averageOfPixels);
}

/** The largest of all pixels: `[batch, height, width, channels]` → `[batch, channels]`. */
export function globalMaxPool2d(): Layer {
  return layer('globalMaxPool2d', {}, (x) => {
    if (x.rank !== 4) {
      throw new ShapeError(`globalMaxPool2d: needs images of four axes: ${describe(x)} (${x.rank})`);
    }
    return max(x, [1, 2]);
  });
}
