/**
 * What flows back through a max pool has one entry for each window. Those who would read it as an image, mostly zeros,
 * take the entries themselves: the gradients of the convolution before the pool, and the gradient of its bias.
 */
import type { Draft, DraftOperand, DraftStep } from './draft.js';
import { keepsIndex } from './fuseMaps.js';
import type { Limits } from './limits.js';

type PoolGradient = DraftStep<'maxPoolGradient'>;

/** Windows that begin this many pixels apart, or more: below, their entries are no fewer than pixels worth summing. */
const sparseEnough = 3;

function isWhole(operand: DraftOperand, source: PoolGradient): boolean {
  const { value, shape } = source.outputs[0]!;
  return (
    operand.value === value &&
    keepsIndex(operand) &&
    operand.shape.length === shape.length &&
    operand.shape.every((extent, axis) => extent === shape[axis])
  );
}

/** The step's inputs with the pool gradient's own in the place of its result. */
function routed(inputs: readonly DraftOperand[], at: number, source: PoolGradient): DraftOperand[] {
  return [...inputs.slice(0, at), ...source.inputs, ...inputs.slice(at + 1)];
}

function reroute(step: DraftStep, source: PoolGradient, limits: Limits): void {
  const { window, strides, padding } = source.specification;
  if (step.kind === 'reduce') {
    // every entry lies in one pixel of its own image and channel: the sum over pixels is the sum over entries
    const { operation, axes, prologue } = step.specification;
    const plain = operation === 'sum' && prologue.type === 'input' && step.inputs.length === 1;
    if (plain && axes.includes(1) && axes.includes(2) && isWhole(step.inputs[0]!, source)) {
      step.inputs = [source.inputs[0]!];
    }
    return;
  }
  if (step.kind !== 'conv2dInputGradient' && step.kind !== 'conv2dFilterGradient') return;
  const at = step.kind === 'conv2dInputGradient' ? 0 : 1;
  if (
    limits.routes !== true ||
    step.specification.route !== undefined ||
    strides[0] * strides[1] < sparseEnough
  )
    return;
  if (!isWhole(step.inputs[at]!, source) || step.inputs[1 - at]!.value === source.outputs[0]!.value) return;
  step.specification = { ...step.specification, route: { window, strides, padding } };
  step.inputs = routed(step.inputs, at, source);
}

/**
 * Lets them read the inputs of the pool gradient instead of its result: convolutions where `limits.routes` allows it and
 * windows are `sparseEnough`, sums over pixels always. A pool gradient that nobody reads any more is dead code.
 */
export function routeGradients(draft: Draft, limits: Limits): void {
  const sources = draft.steps.filter((step): step is PoolGradient => step.kind === 'maxPoolGradient');
  for (const source of sources) {
    for (const step of draft.steps) {
      if (step.inputs.some(({ value }) => value === source.outputs[0]!.value)) reroute(step, source, limits);
    }
  }
}
