/**
 * Version of the rules by which results follow from what is given: order of sums, polynomials, random numbers, statistics,
 * what counts as zero. It changes whenever equal inputs may give other bits; every backend names it in its report, so
 * that a checkpoint of other rules is refused.
 */
export const numericsVersion = 5;
