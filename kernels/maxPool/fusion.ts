/** Steps that the gradient of a max pool takes over. */

import { type Expression, input, substitute, walk } from '../../src/core/expression.js';
import { at, leading } from '../../src/core/lists.js';
import { type NewStep, type ReaderRule, sameOperand } from '../fusion.js';
import type { MaxPoolGradientSpecification, Window } from './contract.js';

/** Of `where(condition, index, 0)`: the condition and the index; undefined for any other expression. */
function gateOf(expression: Expression): { condition: Expression; index: number } | undefined {
  if (expression.type !== 'call' || expression.function !== 'where') return undefined;
  const [condition, passed, zero] = leading(expression.arguments, 3);
  const isGate = passed.type === 'input' && zero.type === 'constant' && Object.is(zero.value, 0);
  return isGate ? { condition, index: passed.index } : undefined;
}

/** Tells whether the expression reads nothing but these operands, and no random numbers. */
function readsOnly(expression: Expression, operands: ReadonlySet<number>): boolean {
  let only = true;
  walk(expression, (part) => {
    if (part.type === 'random' || (part.type === 'input' && !operands.has(part.index))) only = false;
  });
  return only;
}

function sameWindow(a: Window, b: Window): boolean {
  const key = ({ window, strides, padding: { top, bottom, left, right } }: Window) =>
    [...window, ...strides, top, bottom, left, right].join();
  return key(a) === key(b);
}

/**
 * A gate behind the gradient, as that of a relu before the pool, by what was pooled (y = maxPool(x) at the indices):
 *
 *     where(c(x), maxPoolGradient(dy, indices), 0) = maxPoolGradient(where(c(y), dy, 0), indices)
 *
 * since y is the x that an index points at, and all else is 0 on both sides. The sum over the windows that meet in a
 * pixel is gated as a whole or not at all: every bit stays. A fraction of the elements is gated, and x need not be kept.
 */
export const gatedEntries: ReaderRule<MaxPoolGradientSpecification> = {
  kind: 'map',
  rewrite({ specification, inputs, outputs }, map, makerOf) {
    const [dy, indices] = inputs;
    const [expression, ...others] = map.specification.expressions;
    const pool = makerOf(indices!);
    const gate = gateOf(expression!);
    if (gate === undefined || others.length > 0 || specification.epilogue !== undefined) return undefined;
    if (at(map.inputs, gate.index).value !== at(outputs, 0).value) return undefined;
    if (pool?.kind !== 'maxPool' || !sameWindow(pool.specification, specification)) return undefined;
    const x = at(pool.inputs, 0);
    const reads = new Set(map.inputs.flatMap((operand, i) => (sameOperand(operand, x) ? [i] : [])));
    if (!readsOnly(gate.condition, reads)) return undefined;
    const float32 = { shape: dy!.shape, dtype: 'float32' } as const;
    const y: NewStep = {
      kind: 'maxPool',
      specification: { ...pool.specification, outputs: ['values'] },
      inputs: [x],
      ...float32,
      label: 'maxPool2d',
    };
    const entries: NewStep = {
      kind: 'map',
      specification: {
        expressions: [
          substitute(expression!, ({ index, dtype }) => input(index === gate.index ? 1 : 0, dtype)),
        ],
      },
      inputs: [y, dy!],
      ...float32,
      label: 'where',
    };
    return { specification, inputs: [entries, indices!] };
  },
};
