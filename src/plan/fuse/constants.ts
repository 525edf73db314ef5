/** Constants of one element become numbers in the maps that read them; maps that change nothing give way. */
import { isWhole } from '../../../kernels/fusion.js';
import { constantOf, type Expression, input, simplify, substitute } from '../../core/expression.js';
import { at } from '../../core/lists.js';
import {
  type Draft,
  type DraftOperand,
  isMap,
  OperandList,
  removeDead,
  topological,
  type Value,
} from '../draft.js';

/** A constant of one element becomes a number in the expressions that read it. */
export function foldConstants(draft: Draft): void {
  for (const step of draft.steps) {
    if (isMap(step)) {
      const folded = fold(step.specification.expressions, step.inputs);
      step.specification = { expressions: folded.expressions };
      step.inputs = folded.inputs;
    }
  }
}

function fold(
  expressions: readonly Expression[],
  inputs: readonly DraftOperand[],
): { expressions: Expression[]; inputs: DraftOperand[] } {
  const list = new OperandList();
  const folded = expressions.map((expression) =>
    substitute(expression, ({ index, dtype }) => {
      const operand = at(inputs, index);
      const { leaf } = operand.value;
      if (leaf?.kind === 'constant' && leaf.size === 1) return constantOf(at(leaf.initial(), 0), dtype);
      return input(list.add(operand), dtype);
    }),
  );
  return { expressions: folded.map(simplify), inputs: list.operands };
}

/** A map that only passes an operand on (a multiplication by a gradient of 1, say) gives way to that operand. */
export function forwardCopies(draft: Draft): void {
  const sources = new Map<Value, Value>();
  const follow = (operand: DraftOperand): DraftOperand => {
    const value = sources.get(operand.value);
    return value === undefined ? operand : { ...operand, value };
  };
  for (const step of topological(draft.steps)) {
    step.inputs = step.inputs.map(follow);
    const expression = isMap(step) ? at(step.specification.expressions, 0) : undefined;
    if (expression?.type !== 'input') continue;
    const operand = at(step.inputs, expression.index);
    const { value } = at(step.outputs, 0);
    if (isWhole(operand) && operand.value.dtype === value.dtype) sources.set(value, operand.value);
  }
  for (const end of [...draft.outputs, ...draft.updates]) end.operand = follow(end.operand);
  removeDead(draft);
}
