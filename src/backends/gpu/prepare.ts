/** From the steps of a plan to compiled kernels. */
import { type GpuCall, type GpuOperand, type GpuStage, gpuStagesOf } from '../../../kernels/gpu.js';
import type { KernelKind, Specifications } from '../../../kernels/kinds.js';
import { BackendError } from '../../core/errors.js';
import { hasRandom } from '../../core/expression.js';
import { at } from '../../core/lists.js';
import { formatShape, sizeOf } from '../../core/shape.js';
import { callOf } from '../../plan/call.js';
import type { Plan, Slot, Step } from '../../plan/plan.js';
import { GpuBuffer } from './buffer.js';
import { type GpuDevice, type RunKernel, sizeOfResult } from './device.js';
import { hostMap } from './hostMap.js';

export interface PreparedStep extends CompiledCall {
  /** Slots. */
  readonly inputs: readonly number[];
  readonly output: number;
  /** Slots that nothing uses any more. */
  readonly freed: readonly number[];
}

/** Compiles every step. Rejects with a BackendError, before anything is compiled, where a step has several outputs. */
export async function prepareSteps(device: GpuDevice, plan: Plan): Promise<PreparedStep[]> {
  for (const { kind, outputs, label } of plan.steps) {
    if (outputs.length !== 1) {
      throw new BackendError(`gpu: a gpu.js kernel has one output: ${kind} (${label}) has ${outputs.length}`);
    }
  }
  const counted = countedSteps(plan);
  const prepared: PreparedStep[] = [];
  for (const [index, step] of plan.steps.entries()) {
    const call = gpuCallOf(step, plan.slots);
    const compiled = counted.has(step)
      ? {
          run: hostMap(device, call as GpuCall<Specifications['map']>),
          algorithm: 'on the host, which counts',
        }
      : await compileCall(device, step.kind, call);
    const inputs = step.inputs.map(({ slot }) => slot);
    prepared.push({ ...compiled, inputs, output: at(step.outputs, 0).slot, freed: freedAfter(plan, index) });
  }
  return prepared;
}

interface CompiledCall {
  readonly run: RunKernel;
  /** For explain(). */
  readonly algorithm: string;
}

/** Compiles one call. Rejects with a BackendError for what gpu.js does not take. */
export async function compileCall<K extends KernelKind>(
  device: GpuDevice,
  kind: K,
  call: GpuCall<Specifications[K]>,
): Promise<CompiledCall> {
  if (sizeOf(at(call.outputs, 0).shape) === 0) {
    return { run: () => GpuBuffer.ofHost(new Float32Array(0)), algorithm: 'nothing to compute' };
  }
  if (kind === 'map') {
    const mapCall = call as GpuCall<Specifications['map']>;
    if (mapCall.specification.expressions.some(hasRandom)) {
      return { run: hostMap(device, mapCall), algorithm: 'on the host, for its random numbers' };
    }
  }
  const stages = gpuStagesOf(kind, call, device.vec4);
  const last = stages.at(-1)!.source;
  const sizes = call.inputs.map(({ size }) => size);
  const tables = at(stages, 0).operands.map((operand, i) => {
    const columns = at(at(stages, 0).source.columns, i);
    return formatShape([Math.max(1, at(sizes, operand as number)) / columns, columns]);
  });
  const [columns, rows] = last.output;
  const from = tables.length === 0 ? '' : ` from tables ${tables.join(', ')}`;
  const how = `${last.vec4 === true ? ', four numbers each' : ''}${stages.length > 1 ? `, ${stages.length} kernels` : ''}`;
  return {
    run: await compileStages(device, stages, sizes),
    algorithm: `gpu.js ${device.mode}, threads ${formatShape([rows, columns])}${how}${from}`,
  };
}

/** One after the other, as one kernel. What a stage gives is released when it has been read. */
async function compileStages(
  device: GpuDevice,
  stages: readonly GpuStage[],
  sizes: readonly number[],
): Promise<RunKernel> {
  const compiled: RunKernel[] = [];
  for (const { source, operands } of stages) {
    const taken = operands.map((operand) =>
      typeof operand === 'number' ? at(sizes, operand) : sizeOfResult(at(stages, operand.stage).source),
    );
    compiled.push(await device.compile(source, taken));
  }
  if (stages.length === 1) return at(compiled, 0);
  return async (inputs) => {
    const made: GpuBuffer[] = [];
    for (const [index, { operands }] of stages.entries()) {
      const run = at(compiled, index);
      made.push(
        await run(
          operands.map((operand) =>
            typeof operand === 'number' ? at(inputs, operand) : at(made, operand.stage),
          ),
        ),
      );
    }
    const result = made.pop()!;
    for (const buffer of made) buffer.release();
    return result;
  };
}

/** The step as gpu kernels see it: with the place of each operand in its buffer. */
function gpuCallOf(step: Step, slots: readonly Slot[]): GpuCall<Specifications[KernelKind]> {
  const call = callOf(step, slots);
  const inputs = step.inputs.map(({ slot, offset }, i): GpuOperand => {
    return { ...at(call.inputs, i), offset, size: at(slots, slot).size };
  });
  return { ...call, inputs };
}

/**
 * Maps of single integers that come from single integers: the number of the step, above all, which random maps read. The
 * host carries them out, so that it knows their values without asking the device.
 */
function countedSteps({ steps, slots }: Plan): ReadonlySet<Step> {
  const isCount = ({ dtype, size }: Slot) => dtype === 'int32' && size === 1;
  const known = new Set(slots.filter((slot) => slot.leaf !== undefined && isCount(slot)).map(({ id }) => id));
  const counted = new Set<Step>();
  for (const step of steps) {
    const output = at(slots, at(step.outputs, 0).slot);
    if (step.kind !== 'map' || !isCount(output) || !step.inputs.every(({ slot }) => known.has(slot)))
      continue;
    known.add(output.id);
    counted.add(step);
  }
  return counted;
}

/** The slots of the plan's own that step `index` is the last to use. */
function freedAfter({ slots, outputs, updates }: Plan, index: number): number[] {
  const kept = new Set([...outputs.map(({ operand }) => operand.slot), ...updates.map(({ slot }) => slot)]);
  return slots.flatMap(({ id, leaf, lastUse }) =>
    leaf === undefined && lastUse === index && !kept.has(id) ? [id] : [],
  );
}
