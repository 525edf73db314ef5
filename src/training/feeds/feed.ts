import type { HostArray } from '../../core/dtype.js';
import type { Dataset } from '../../data/dataset.js';
import type { Signature } from '../../engine/engine.js';
import type { Leaf, Tensor } from '../../tensor/tensor.js';

/** One way through a dataset. */
export interface Pass {
  /** Indices of the examples, one after another. */
  readonly order: Int32Array;
  /** From 1; what augmentation depends on beside the index. */
  readonly epoch: number;
  /** The place in the order where it begins: a multiple of the batch size. */
  readonly start: number;
}

/** The arrays that a step is fed, by name. */
export type FeedValues = Readonly<Record<string, HostArray>>;

type Inputs = Readonly<Record<string, Leaf>>;

/**
 * How the examples of a dataset reach a step: as part of the graph, and as what the graph is fed. Which feed it is never
 * changes a bit of a result.
 */
export interface Feed {
  readonly dataset: Dataset;
  /** The inputs of a step for batches of a size. */
  signature(batchSize: number): Signature;
  /** The batch's images, uint8 `[batch, …shape]`, in the graph of a step. */
  images(inputs: Inputs): Tensor;
  /** The batch's labels, uint8 `[batch]`. */
  labels(inputs: Inputs): Tensor;
  /**
   * Begins a pass; whatever is left of the one before is dropped.
   *
   * @param next gives the pass that follows, for a feed that prepares its beginning
   */
  begin(pass: Pass, next?: () => Pass | undefined): void;
  /** How many examples from `position` on one call of `values` can hold: whole batches, or all that are left. */
  reach(position: number): number;
  /**
   * Returns the feeds of the steps for `count` examples from `position` on; positions only go forward. The arrays are
   * good until the next call.
   */
  values(position: number, count: number): Promise<FeedValues>;
  /** Lets go of memory and workers. `begin` starts anew. */
  close(): Promise<void>;
}
