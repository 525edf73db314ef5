import type { Contract } from '../contract.js';

/** Where an input lands in the output: element i of an axis at start + i · step. */
export interface Placement {
  readonly start: readonly number[];
  readonly step: readonly number[];
}

/**
 * Fills the output with `fill`, then writes every input at its placement (they do not overlap). Carries pad,
 * concatenate and the gradient of slice. Inputs and output have one dtype, any of the three.
 */
export interface AssembleSpecification {
  readonly fill: number;
  readonly placements: readonly Placement[];
}

export const assemble: Contract<AssembleSpecification> = {
  layout: 'strided',
  epilogue: false,
  flops: () => 0,
  print: ({ fill, placements }) =>
    `fill ${fill} at ${placements.map(({ start, step }) => `${start.join(',')} step ${step.join(',')}`).join('; ')}`,
};
