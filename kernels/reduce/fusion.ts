/** Steps that a reduction takes over. */
import { type Expression, hasRandom, walk } from '../../src/core/expression.js';
import { type FusionOperand, isWhole, type MakerRule, type Source } from '../fusion.js';
import type { Window } from '../maxPool/contract.js';
import type { ReduceSpecification } from './contract.js';

/** Tells whether the expression is operand `index`, or a product of it with something that does not read it. */
function isLinear(expression: Expression, index: number): boolean {
  const isOperand = (part: Expression) => part.type === 'input' && part.index === index;
  if (isOperand(expression)) return true;
  if (expression.type !== 'call' || expression.function !== 'multiply') return false;
  let reads = 0;
  walk(expression, (part) => {
    if (isOperand(part)) reads++;
  });
  return reads === 1 && expression.arguments.some(isOperand);
}

/** Reads an operand at the entries: itself if it is the same in all pixels, else the elements they point at. */
function atEntries(
  operand: FusionOperand,
  [values, indices]: readonly FusionOperand[],
  { window, strides, padding }: Window,
): Source | undefined {
  const { shape } = values!;
  if (operand.strides[1] === 0 && operand.strides[2] === 0) return { ...operand, shape };
  if (!isWhole(operand) || operand.value.dtype !== 'float32') return undefined;
  return {
    kind: 'maxPoolTake',
    specification: { window, strides, padding },
    inputs: [operand, indices!],
    shape,
    dtype: 'float32',
    label: 'maxPool2dTake',
  };
}

/**
 * A sum over pixels that is linear in the gradient of a max pool: every entry lies in one pixel of its own image and
 * channel, so the sum is one over entries, a fraction of the work:
 *
 *     Σ_pixels maxPoolGradient(values, indices) · f(x) = Σ_entries values · f(x at the indices)
 */
export const sumOfEntries: MakerRule<ReduceSpecification> = {
  kind: 'maxPoolGradient',
  rewrite({ specification, inputs }, at, maker) {
    const { operation, axes, prologue, epilogue } = specification;
    if (operation !== 'sum' || !axes.includes(1) || !axes.includes(2)) return undefined;
    if (epilogue !== undefined || maker.specification.epilogue !== undefined) return undefined;
    if (!isLinear(prologue, at) || hasRandom(prologue)) return undefined;
    const sources = inputs.map((operand, i) =>
      i === at ? maker.inputs[0]! : atEntries(operand, maker.inputs, maker.specification),
    );
    const found = sources.filter((source) => source !== undefined);
    return found.length === sources.length ? { specification, inputs: found } : undefined;
  },
};
