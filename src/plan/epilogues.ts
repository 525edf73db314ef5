/**
 * A map behind a matmul, convolution or reduction becomes its epilogue: bias, relu, dropout and residual sums are
 * applied to the result before it is stored. A map before a reduction becomes its prologue.
 */
import { type Epilogue, epilogueStrides } from '../../kernels/contract.js';
import { contracts } from '../../kernels/kinds.js';
import { computeType, countOperations, type Expression, input, substitute } from '../core/expression.js';
import type { Shape } from '../core/shape.js';
import { isContiguous } from '../core/view.js';
import {
  type Draft,
  type DraftOperand,
  type DraftStep,
  isMap,
  type MapStep,
  OperandList,
  reshapeOperand,
  topological,
  Uses,
} from './draft.js';
import { fitsTogether, inline, keepsIndex, randomMayFuse } from './fuseMaps.js';
import type { Limits } from './limits.js';

type ReduceStep = DraftStep<'reduce'>;

function epilogueOf(step: DraftStep): Epilogue | undefined {
  return (step.specification as { epilogue?: Epilogue }).epilogue;
}

/** Number of inputs that belong to the kernel itself, not to its epilogue. */
function ownInputs(step: DraftStep): number {
  return step.inputs.length - (epilogueOf(step)?.operands ?? 0);
}

/** Whether the map updates a leaf that it reads: a map does so in place, which an epilogue may not. */
function updatesItself({ updates }: Draft, map: MapStep): boolean {
  return updates.some(
    ({ leaf, operand }) =>
      operand.value === map.outputs[0]!.value && map.inputs.some(({ value }) => value.leaf === leaf),
  );
}

/** Whether an epilogue can read the operand: whole and row-major, a vector along the last axis, or one element. */
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
function takeEpilogue(step: DraftStep, map: MapStep, limits: Limits): boolean {
  const { value, shape } = step.outputs[0]!;
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
    operand.value === value ? keepsIndex(operand) : extras[i] !== undefined && fitsEpilogue(extras[i], shape),
  );
  const lengthOf = (index: number) => (extras[index] === undefined ? countOperations(result) : 0);
  if (!fits || !fitsTogether([expression!], lengthOf)) return false;
  const combined = substitute(expression!, ({ index, dtype }) =>
    extras[index] === undefined ? result : input(list.add(extras[index]) + 1, dtype),
  );
  if (own + list.operands.length > limits.inputs) return false;
  step.specification = {
    ...step.specification,
    epilogue: { expression: combined, operands: list.operands.length },
  } as never;
  step.inputs = [...step.inputs.slice(0, own), ...list.operands];
  step.outputs = [{ value: map.outputs[0]!.value, shape }, ...step.outputs.slice(1)];
  step.label = `${step.label} ${map.label}`;
  return true;
}

/**
 * Takes into each step that may have an epilogue the chain of maps behind it, as long as each is the only reader of what
 * is before it, gives one result of the same size, and its operands fit (`fitsEpilogue`) into `limits.inputs`.
 */
export function fuseEpilogues(draft: Draft, limits: Limits): void {
  draft.steps = topological(draft.steps);
  let uses = new Uses(draft);
  for (const step of [...draft.steps]) {
    if (!contracts[step.kind].epilogue) continue;
    for (;;) {
      const { value } = step.outputs[0]!;
      const [map, ...others] = uses.consumersOf(value);
      const fusable = isMap(map) && others.length === 0 && !uses.kept.has(value) && map.outputs.length === 1;
      if (!fusable || map.outputs[0]!.value.size !== value.size) break;
      // a number that was stored as uint8 has wrapped around
      if (value.dtype === 'uint8' && epilogueOf(step) !== undefined) break;
      if (limits.inPlace && updatesItself(draft, map)) break;
      if (!takeEpilogue(step, map, limits)) break;
      draft.steps = draft.steps.filter((other) => other !== map);
      uses = new Uses(draft);
    }
  }
}

/** Takes maps that only a reduction reads into its prologue. */
export function fusePrologues(draft: Draft, limits: Limits): void {
  let uses = new Uses(draft);
  for (const step of [...draft.steps]) {
    if (step.kind !== 'reduce') continue;
    while (takePrologue(draft, uses, step, limits)) uses = new Uses(draft);
  }
}

function takePrologue(draft: Draft, uses: Uses, step: ReduceStep, limits: Limits): boolean {
  for (const operand of step.inputs) {
    const map = uses.producer.get(operand.value);
    if (!isMap(map) || map.outputs.length > 1 || !uses.onlyUsedBy(operand.value, step)) continue;
    const merged = inline(map, [step.specification.prologue], step.inputs, step.inputs[0]!.shape);
    if (merged === undefined || merged.inputs.length > limits.inputs) continue;
    if (!randomMayFuse(limits, ...merged.expressions) || merged.inputs.length === 0) continue;
    step.specification = { ...step.specification, prologue: merged.expressions[0]! };
    step.inputs = merged.inputs;
    step.label = `${map.label} ${step.label}`;
    draft.steps = draft.steps.filter((other) => other !== map);
    return true;
  }
  return false;
}
