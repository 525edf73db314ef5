/** The plan that a backend runs: plain lists and where memory lies, all shapes known, nothing machine-dependent. */
import type { KernelKind, Specifications } from '../../kernels/kinds.js';
import type { Dtype } from '../core/dtype.js';
import type { Shape } from '../core/shape.js';
import type { View } from '../core/view.js';
import type { Leaf } from '../tensor/tensor.js';

/** A buffer. A leaf's slot is its resident (or its feed); every other slot is memory that the plan owns. */
export interface Slot {
  readonly id: number;
  readonly dtype: Dtype;
  /** Number of elements. */
  readonly size: number;
  /** The leaf that lives here. */
  readonly leaf?: Leaf | undefined;
  /** Index of the first step that writes the slot and of the last that uses it; a fetched output is used to the end. */
  readonly firstUse: number;
  readonly lastUse: number;
}

/** A strided window on a slot; strides and offset count elements. */
export interface Operand extends View {
  readonly slot: number;
}

/** One kernel call. Outputs are whole slots, row-major, of the given shape. */
export type Step<K extends KernelKind = KernelKind> = {
  [Kind in K]: {
    readonly kind: Kind;
    readonly specification: Specifications[Kind];
    readonly inputs: readonly Operand[];
    readonly outputs: readonly { readonly slot: number; readonly shape: Shape }[];
    /** The ops that the step carries out, such as `add relu`. */
    readonly label: string;
  };
}[K];

/**
 * At the end of a step of training the leaf takes the value in `slot`. Where the backend's limits allow work in place,
 * `slot` is the leaf's own and nothing is left to do; otherwise the backend rebinds the leaf to it.
 */
export interface Update {
  readonly leaf: Leaf;
  readonly slot: number;
}

export interface Output {
  readonly name: string;
  readonly dtype: Dtype;
  readonly operand: Operand;
}

/** Where the plan's own slots lie in one arena. */
export interface Memory {
  /** Byte offset by slot id, 64-byte aligned; undefined for leaves. */
  readonly offsets: readonly (number | undefined)[];
  /** Size of the arena. */
  readonly peakBytes: number;
  /** Bytes of the slots with no reuse. */
  readonly naiveBytes: number;
}

export interface Plan {
  readonly leaves: readonly { readonly leaf: Leaf; readonly slot: number }[];
  readonly slots: readonly Slot[];
  readonly steps: readonly Step[];
  readonly updates: readonly Update[];
  /** The results of `run`. */
  readonly outputs: readonly Output[];
  readonly memory: Memory;
  /** A line per step: kernel, shapes, slots, bytes, flops. Nothing in it depends on the machine. */
  toString(): string;
}
