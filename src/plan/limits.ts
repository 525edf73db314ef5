/** Limits of a backend that the planner keeps. */
export interface Limits {
  /** Most inputs of one kernel call. */
  readonly inputs: number;
  /** Most outputs of one kernel call. */
  readonly outputs: number;
  /** A step may write a leaf's own slot; if not, updates are rebound at the end of the step. */
  readonly inPlace: boolean;
  /** A random leaf may be fused with other work; if not, it stays a map of its own. */
  readonly fuseRandom: boolean;
  /** Specifications may hold other kernels' work (`Plain` in kernels/contract.ts tells). Default false. */
  readonly absorbs?: boolean;
  /** The most bytes that an engine may hold, residents and the arena of a plan together. Default 4 GiB. */
  readonly bytes?: number;
}
