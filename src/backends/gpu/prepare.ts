/** From the steps of a plan to compiled kernels. */
import ndarray from 'ndarray';
import { type GpuCall, type GpuOperand, gpuKernels, gpuSourceOf } from '../../../kernels/gpu.js';
import type { KernelKind, Specifications } from '../../../kernels/kinds.js';
import { map } from '../../../kernels/map/reference.js';
import { allocateHost } from '../../core/dtype.js';
import { BackendError } from '../../core/errors.js';
import { hasRandom } from '../../core/expression.js';
import { formatShape, sizeOf } from '../../core/shape.js';
import type { Plan, Slot, Step } from '../../plan/plan.js';
import { callOf } from '../../plan/print.js';
import type { GpuDevice, RunKernel } from './device.js';

export interface PreparedStep extends CompiledCall {
  /** Slots. */
  readonly inputs: readonly number[];
  readonly output: number;
  /** Slots that nothing uses any more. */
  readonly freed: readonly number[];
}

/**
 * Compiles every step. Throws a BackendError, before anything is compiled, where the plan uses a kind that has no gpu.js
 * kernel or a step has more than one output.
 */
export function prepareSteps(device: GpuDevice, plan: Plan): PreparedStep[] {
  const absent = new Set(plan.steps.map(({ kind }) => kind).filter((kind) => gpuKernels[kind] === undefined));
  if (absent.size > 0) {
    throw new BackendError(`gpu: there is no gpu.js kernel for ${[...absent].join(', ')}`, {
      hint: `The plan is refused as a whole; the kernels that exist are ${Object.keys(gpuKernels).join(', ')}.`,
    });
  }
  for (const { kind, outputs, label } of plan.steps) {
    if (outputs.length !== 1) {
      throw new BackendError(`gpu: a gpu.js kernel has one output: ${kind} (${label}) has ${outputs.length}`);
    }
  }
  return plan.steps.map((step, index) => ({
    inputs: step.inputs.map(({ slot }) => slot),
    output: step.outputs[0]!.slot,
    ...compileCall(device, step.kind, gpuCallOf(step, plan.slots)),
    freed: freedAfter(plan, index),
  }));
}

export interface CompiledCall {
  readonly run: RunKernel;
  /** What explain() prints. */
  readonly algorithm: string;
}

/** Compiles one call. Throws a BackendError for what gpu.js does not take. */
export function compileCall<K extends KernelKind>(
  device: GpuDevice,
  kind: K,
  call: GpuCall<Specifications[K]>,
): CompiledCall {
  if (sizeOf(call.outputs[0]!.shape) === 0) {
    return { run: () => new Float32Array(0), algorithm: 'nothing to compute' };
  }
  if (kind === 'map') {
    const mapCall = call as GpuCall<Specifications['map']>;
    if (mapCall.specification.expressions.some(hasRandom)) {
      return { run: onHost(mapCall), algorithm: 'on the host, for its random numbers' };
    }
  }
  const source = gpuSourceOf(kind, call)!;
  const sizes = call.inputs.map(({ size }) => size);
  const tables = source.columns.map((columns, i) => formatShape([Math.max(1, sizes[i]!) / columns, columns]));
  const [columns, rows] = source.output;
  const from = tables.length === 0 ? '' : ` from tables ${tables.join(', ')}`;
  return {
    run: device.compile(source, sizes),
    algorithm: `gpu.js ${device.mode}, threads ${formatShape([rows, columns])}${from}`,
  };
}

/** The step as gpu kernels see it: with the place of each operand in its buffer. */
function gpuCallOf(step: Step, slots: readonly Slot[]): GpuCall<Specifications[KernelKind]> {
  const call = callOf(step, slots);
  const inputs = step.inputs.map(({ slot, offset }, i): GpuOperand => {
    return { ...call.inputs[i]!, offset, size: slots[slot]!.size };
  });
  return { ...call, inputs };
}

/** The definition of the map, over the buffers: random numbers need 32-bit integers, which gpu.js does not have. */
function onHost(call: GpuCall<Specifications['map']>): RunKernel {
  const [output] = call.outputs;
  return (buffers) => {
    const result = allocateHost(output!.dtype, sizeOf(output!.shape));
    const views = call.inputs.map(({ shape, strides, offset }, i) =>
      ndarray(buffers[i]!, [...shape], [...strides], offset),
    );
    map(call, views, [ndarray(result, [...output!.shape])]);
    return Float32Array.from(result);
  };
}

/** The slots of the plan's own that step `index` is the last to use. */
function freedAfter({ slots, outputs, updates }: Plan, index: number): number[] {
  const kept = new Set([...outputs.map(({ operand }) => operand.slot), ...updates.map(({ slot }) => slot)]);
  return slots.flatMap(({ id, leaf, lastUse }) =>
    leaf === undefined && lastUse === index && !kept.has(id) ? [id] : [],
  );
}
