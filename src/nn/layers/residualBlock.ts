import { checkInteger, checkOptionNames } from '../../core/check.js';
import type { Pair } from '../../tensor/ops/geometry.js';
import { layerOptionsElsewhere, plainPair } from '../check.js';
import type { Layer } from '../layer.js';
import type { InitializerOption } from '../resolveInitializer.js';
import { sequential } from '../sequential.js';
import { relu } from './activations.js';
import { type BatchNormOptions, batchNorm } from './batchNorm.js';
import { conv2d } from './conv2d.js';
import { residual } from './residual.js';

export interface ResidualBlockOptions {
  /** Of the first convolution and of the projection; default 1. */
  readonly strides?: Pair;
  /**
   * Makes the shortcut a convolution of one pixel (and its normalization), which it must be where the block changes
   * the number of channels. Default: if the strides are not 1.
   */
  readonly projection?: boolean;
  /** Of every convolution; default 'heNormal'. */
  readonly kernelInitializer?: InitializerOption;
  /** Of every normalization. */
  readonly norm?: BatchNormOptions;
  /**
   * Starts the body's last gamma at 0, so that the block begins as its shortcut (Goyal et al., Accurate, Large
   * Minibatch SGD, 2017, section 5.1). Default false.
   */
  readonly startAsShortcut?: boolean;
}

/**
 * The basic block of a residual network (He, Zhang, Ren and Sun, CVPR 2016, figure 2 and table 1): two convolutions of
 * 3x3 'same' without bias, each normalized, around which x passes. It is made of other layers:
 *
 *     x → conv 3x3 → batchNorm → relu → conv 3x3 → batchNorm → + → relu
 *     └──────────── or conv 1x1 → batchNorm ──────────────────┘
 *
 * x `[batch, height, width, in]` → `[batch, ⌈height / strides⌉, ⌈width / strides⌉, filters]`.
 *
 * @throws UsageError or ShapeError for options out of range; ShapeError, when applied, for a shortcut of another shape
 */
export function residualBlock(filters: number, options: ResidualBlockOptions = {}): Layer {
  checkOptionNames(
    'residualBlock',
    options,
    { strides: true, projection: true, kernelInitializer: true, norm: true, startAsShortcut: true },
    layerOptionsElsewhere,
  );
  checkInteger('residualBlock: filters', filters);
  const strides = plainPair('residualBlock', 'strides', options.strides ?? 1);
  const { kernelInitializer = 'heNormal', norm = {}, startAsShortcut = false } = options;
  const { projection = strides.some((step) => step !== 1) } = options;
  const convolution = (size: number, steps: Pair) =>
    conv2d(filters, size, { strides: steps, padding: 'same', useBias: false, kernelInitializer });
  const body = sequential([
    convolution(3, strides),
    batchNorm(norm),
    relu(),
    convolution(3, 1),
    batchNorm(startAsShortcut ? { ...norm, gammaInitializer: 'zeros' } : norm),
  ]);
  const around = projection ? { projection: sequential([convolution(1, strides), batchNorm(norm)]) } : {};
  return sequential([residual(body, around), relu()]);
}
