/**
 * A layer is a description (kind, options, parts) and a function of a tensor. It holds no numbers: parameters belong
 * to a Model, which hands them out by path, so one description can be trained twice.
 */
import type { Shape } from '../core/shape.js';
import type { InitialValue } from '../tensor/leaves.js';
import type { RandomKey } from '../tensor/random.js';
import type { Leaf, Tensor } from '../tensor/tensor.js';

/** Hands a layer what it uses while it is applied. */
export interface Context {
  /** true in a training step: dropout drops, running statistics move. */
  readonly training: boolean;
  /** Where in the model the layer stands, such as `layers.2`; '' for the outermost. */
  readonly path: string;
  /** The layer's trainable float32 value of that name; made at the first application, the same ever after. */
  parameter(name: string, shape: Shape, initial: InitialValue): Leaf;
  /**
   * The layer's own untrained float32 value of that name: a running mean, say. Saved with the model, unless it is
   * `trainingOnly`: such a one is part of checkpoints, not of model files, and `fit` begins with its initial value.
   */
  state(name: string, shape: Shape, initial: InitialValue, options?: { trainingOnly?: boolean }): Leaf;
  /** Random numbers of the layer's own, anew at every training step. `purpose` tells several streams apart. */
  random(purpose?: string): RandomKey;
  /** Gives a state its value for the next step. Only in training. */
  update(leaf: Leaf, value: Tensor): void;
  /** Applies a part of the layer, under a name that extends the path. The same name again shares the parameters. */
  apply(name: string, part: Layer, x: Tensor): Tensor;
}

/** Plain data, as model files hold it. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface Layer {
  /** The name under which model files find the layer again. */
  readonly kind: string;
  /** The arguments of its function, as plain data. */
  readonly options: { readonly [key: string]: Json };
  /** The layers it is made of, by the names that extend its path. */
  readonly parts: Readonly<Record<string, Layer>>;
  /** Builds the layer's graph. An error that it throws is given the layer's path by the model. */
  apply(x: Tensor, context: Context): Tensor;
}

/**
 * Makes a layer. One that scales its input by a trainable number, for example:
 *
 *     const scale = () =>
 *       layer('scale', {}, (x, context) => x.multiply(context.parameter('factor', [], 1)));
 */
export function layer(
  kind: string,
  options: Layer['options'],
  apply: Layer['apply'],
  parts: Layer['parts'] = {},
): Layer {
  return { kind, options, parts, apply };
}
