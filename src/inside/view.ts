/** A view of a training step, as plain data that pages draw. */
import type { Summary } from '../nn/summary.js';

export type Part = 'forward' | 'gradient' | 'update';

/** An op of the graph. */
export interface OpView {
  readonly id: number;
  /** Its name; of a leaf what kind it is. */
  readonly op: string;
  /** Of a leaf. */
  readonly name?: string;
  readonly shape: readonly number[];
  /** Ids of its inputs. */
  readonly inputs: readonly number[];
  readonly part: Part;
  /** The layer it belongs to; 'images', 'loss' or 'optimizer' where it belongs to none. */
  readonly layer: string;
  /** Of a gradient: the op whose rule made it. */
  readonly rule?: string;
}

/** A kernel call of the plan. */
export interface KernelView {
  readonly kind: string;
  /** The ops that it carries out. */
  readonly label: string;
  readonly part: Part;
  /** Names of leaves, or numbers of slots, with shapes. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly flops: number;
  readonly bytes: number;
  /** Bytes that are alive in the arena while it runs. */
  readonly alive: number;
  /** Of the measured time of a step, 0 to 1. */
  readonly share: number;
  /** How it computes, as this machine chose. */
  readonly algorithm: string;
}

/** A piece of the arena. */
export interface SlotView {
  readonly slot: number;
  readonly bytes: number;
  readonly offset: number;
  readonly firstUse: number;
  readonly lastUse: number;
}

/** One op of a training step of a tiny network, with its numbers. */
export interface TinyView {
  readonly text: string;
  readonly part: Part;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly rule?: string;
}

export interface InsideView {
  readonly title: string;
  readonly batchSize: number;
  readonly summary: Summary;
  readonly ops: readonly OpView[];
  readonly kernels: readonly KernelView[];
  readonly slots: readonly SlotView[];
  readonly memory: { readonly peakBytes: number; readonly naiveBytes: number };
  /** Of one step on one thread, in milliseconds. */
  readonly milliseconds: number;
  readonly numerics: string;
  /** The WebAssembly of the kernel that takes the most time. */
  readonly assembly: { readonly kernel: number; readonly text: string; readonly bytes: number };
  readonly tiny: readonly TinyView[];
}
