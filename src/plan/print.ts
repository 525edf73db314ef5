import type { Contract, Epilogue } from '../../kernels/contract.js';
import { contracts, flopsOf } from '../../kernels/kinds.js';
import { bytesOf } from '../core/dtype.js';
import { formatExpression } from '../core/expression.js';
import { at } from '../core/lists.js';
import { formatShape } from '../core/shape.js';
import { isContiguous } from '../core/view.js';
import { callOf } from './call.js';
import type { Plan, Slot, Step } from './plan.js';

/** Floating-point operations of a step; a fused multiply-add counts 2. */
export function stepFlops(step: Step, slots: readonly Slot[]): number {
  return flopsOf(step.kind, callOf(step, slots) as never);
}

/** Bytes that a step reads and writes: the elements of its operands, repeated ones once. */
export function stepBytes(step: Step, slots: readonly Slot[]): number {
  const size = (shape: readonly number[], strides: readonly number[] | undefined, slot: number) =>
    shape.reduce((product, extent, axis) => (strides?.[axis] === 0 ? product : product * extent), 1) *
    bytesOf[at(slots, slot).dtype];
  return (
    step.inputs.reduce((sum, { shape, strides, slot }) => sum + size(shape, strides, slot), 0) +
    step.outputs.reduce((sum, { shape, slot }) => sum + size(shape, undefined, slot), 0)
  );
}

function printStep(step: Step, index: number, slots: readonly Slot[]): string {
  const place = (slot: number) => at(slots, slot).leaf?.name ?? `%${slot}`;
  const inputs = step.inputs.map((operand) => {
    const strides = isContiguous(operand) ? '' : ` strides ${operand.strides.join(',')}`;
    const offset = operand.offset === 0 ? '' : ` at ${operand.offset}`;
    return `${place(operand.slot)}${formatShape(operand.shape)}${strides}${offset}`;
  });
  const outputs = step.outputs.map(({ slot, shape }) => `${place(slot)}${formatShape(shape)}`);
  const { epilogue } = step.specification as { epilogue?: Epilogue };
  const details = [
    (contracts[step.kind] as Contract<unknown>).print(step.specification),
    epilogue === undefined ? '' : `then ${formatExpression(epilogue.expression)}`,
    `${stepBytes(step, slots)} bytes`,
    `${stepFlops(step, slots)} flops`,
  ];
  const number = String(index).padStart(3);
  return `${number} ${outputs.join(', ')} = ${step.kind}(${inputs.join(', ')}) | ${details.filter(Boolean).join(' | ')}`;
}

/** A line per step: kernel, shapes, slots, bytes, flops; then updates, outputs and memory. */
export function printPlan(plan: Omit<Plan, 'toString'>): string {
  const { steps, slots, updates, outputs, memory } = plan;
  const name = (slot: number) => at(slots, slot).leaf?.name ?? `%${slot}`;
  return [
    ...steps.map((step, index) => printStep(step, index, slots)),
    ...updates.map(({ leaf, slot }) => `update ${leaf.name} ← ${name(slot)}`),
    ...outputs.map(
      (output) => `output ${output.name} = ${name(output.operand.slot)}${formatShape(output.operand.shape)}`,
    ),
    `memory ${memory.peakBytes} bytes of ${memory.naiveBytes}, ${steps.length} steps`,
  ].join('\n');
}
