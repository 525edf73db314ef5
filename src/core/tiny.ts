/**
 * Below what a number counts as 0, where trainings make small numbers smaller: a processor takes a hundred cycles or more
 * for a multiplication with a subnormal float32 (below 2⁻¹²⁶), and WebAssembly cannot tell it not to
 * (docs/decisions/0017-small-numbers-count-as-zero.md).
 */

/** Of weights, optimizers' states, averages, moving statistics, probabilities: a product of a few of them is still normal. */
export const tiny = 2 ** -100;

/** Of a number that is going to be squared: its square is `tiny`. */
export const tinySquared = 2 ** -50;

/** Of the slopes with which a loss begins to flow back: they meet many layers before they reach a weight. */
export const tinySlope = 2 ** -64;

/** The smallest normal float32. */
export const smallestNormal = 2 ** -126;
