/**
 * A map behind a kernel that has room for one becomes its epilogue: bias, relu, dropout and residual sums are applied to
 * the result before it is stored.
 */
import { epilogueStrides } from '../../../kernels/contract.js';
import { isWhole } from '../../../kernels/fusion.js';
import { contracts } from '../../../kernels/kinds.js';
import { computeType, countOperations, type Expression, input, substitute } from '../../core/expression.js';
import { at } from '../../core/lists.js';
import type { Shape } from '../../core/shape.js';
import { isContiguous } from '../../core/view.js';
import {
  type DraftOperand,
  type DraftStep,
  isMap,
  type MapStep,
  OperandList,
  reshapeOperand,
} from '../draft.js';
import type { Limits } from '../limits.js';
import type { Uses } from '../uses.js';
import { fitsTogether, randomMayFuse } from './maps.js';
import { epilogueOf, ownInputs } from './places.js';

/** True of what an epilogue can read: whole and row-major, a vector along the last axis, or one element. */
function fitsEpilogue(operand: DraftOperand, shape: Shape): boolean {
  if (isContiguous(operand)) return true;
  const layout = { ...operand, dtype: operand.value.dtype };
  const { row, column } = epilogueStrides(layout, shape);
  const outer = operand.strides.every(
    (stride, axis) => axis === shape.length - 1 || stride === 0 || shape[axis] === 1,
  );
  return row === 0 && outer && (column === 0 || column === 1);
}

/** Takes the map into the step's epilogue if its operands allow; tells whether it did. */
function takeEpilogue(uses: Uses, step: DraftStep, map: MapStep, limits: Limits): boolean {
  const { value, shape } = at(step.outputs, 0);
  const [expression] = map.specification.expressions;
  if (!randomMayFuse(limits, expression!)) return false;
  const own = ownInputs(step);
  const list = new OperandList();
  const before = epilogueOf(step);
  for (const operand of step.inputs.slice(own)) list.operands.push(operand);
  const result: Expression = before?.expression ?? input(0, computeType(value.dtype));
  const extras = map.inputs.map((operand) =>
    operand.value === value ? undefined : reshapeOperand(operand, shape),
  );
  const fits = map.inputs.every((operand, i) =>
    operand.value === value ? isWhole(operand) : extras[i] !== undefined && fitsEpilogue(extras[i], shape),
  );
  const lengthOf = (index: number) => (extras[index] === undefined ? countOperations(result) : 0);
  if (!fits || !fitsTogether([expression!], lengthOf)) return false;
  const combined = substitute(expression!, ({ index, dtype }) =>
    extras[index] === undefined ? result : input(list.add(extras[index]) + 1, dtype),
  );
  if (own + list.operands.length > limits.inputs) return false;
  const epilogue = { expression: combined, operands: list.operands.length };
  uses.rewrite(step, {
    specification: { ...step.specification, epilogue } as never,
    inputs: [...step.inputs.slice(0, own), ...list.operands],
    outputs: [{ value: at(map.outputs, 0).value, shape }, ...step.outputs.slice(1)],
    label: `${step.label} ${map.label}`,
  });
  uses.remove(map);
  return true;
}

/** Tells whether the map updates a leaf that it reads: a map does so in place, which an epilogue may not. */
function updatesItself(uses: Uses, map: MapStep): boolean {
  return uses.updates.some(
    ({ leaf, operand }) =>
      operand.value === at(map.outputs, 0).value && map.inputs.some(({ value }) => value.leaf === leaf),
  );
}

/**
 * Takes into each step that may have an epilogue the chain of maps behind it, as long as each is the only reader of what
 * is before it, gives one result of the same size, and its operands fit (`fitsEpilogue`) into `limits.inputs`.
 */
export function fuseEpilogues(uses: Uses, limits: Limits): void {
  for (const step of uses.inOrder()) {
    if (!contracts[step.kind].epilogue) continue;
    for (;;) {
      const { value } = at(step.outputs, 0);
      const map = uses.soleReader(value);
      if (!isMap(map) || map.outputs.length > 1 || at(map.outputs, 0).value.size !== value.size) break;
      // a number that was stored as uint8 has wrapped around
      if (value.dtype === 'uint8' && epilogueOf(step) !== undefined) break;
      if (limits.inPlace && updatesItself(uses, map)) break;
      if (!takeEpilogue(uses, step, map, limits)) break;
    }
  }
}
