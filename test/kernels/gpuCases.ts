/** Runs the kernel cases on a gpu device. Needs nothing of Node, so that browsers run it too. */
import type { GpuOperand } from '../../kernels/gpu.js';
import { exactIntegers } from '../../kernels/toolkit/gpu/kernel.js';
import { GpuBuffer } from '../../src/backends/gpu/buffer.js';
import type { GpuDevice } from '../../src/backends/gpu/device.js';
import { compileCall } from '../../src/backends/gpu/prepare.js';
import { toHost } from '../../src/backends/gpu/values.js';
import { contiguousView } from '../../src/core/view.js';
import { forEachIndex } from '../support/kernelCases/builders.js';
import {
  buffersOf,
  type CaseOf,
  compareArrays,
  type KernelCase,
  runReferenceCase,
  type Tolerance,
  toleranceOf,
} from '../support/kernelCases.js';

/** The calls with one output each that make up a case: one per result. */
function singleOutputs(kernelCase: KernelCase): CaseOf<KernelCase['kind']>['call'][] {
  const { call } = kernelCase;
  if (call.outputs.length === 1) return [call];
  return call.outputs.map((output, o) => {
    const specification =
      kernelCase.kind === 'map'
        ? { expressions: [kernelCase.call.specification.expressions[o]!] }
        : kernelCase.kind === 'softmaxCrossEntropy'
          ? { ...kernelCase.call.specification, outputs: [kernelCase.call.specification.outputs[o]!] }
          : kernelCase.kind === 'maxPool'
            ? { ...kernelCase.call.specification, outputs: [kernelCase.call.specification.outputs[o]!] }
            : call.specification;
    return { ...call, specification, outputs: [output] };
  });
}

/** Why gpu.js cannot run a case, if it cannot. */
export function reasonAgainst(kernelCase: KernelCase): string | undefined {
  const specification: object = kernelCase.call.specification;
  if ('route' in specification || 'pool' in specification) return 'its limits have no routes and no pools';
  if (kernelCase.random && kernelCase.kind !== 'map') return 'random numbers are made on the host, in a map';
  if (kernelCase.operands.length > 7) return 'its limits have 7 inputs';
  // gather and scatterAdd only compare integers: far outside stays outside when it is rounded.
  if (kernelCase.kind === 'gather' || kernelCase.kind === 'scatterAdd') return undefined;
  const beyond = buffersOf(kernelCase).some((buffer, i) => {
    let found = false;
    if (buffer instanceof Int32Array) {
      forEachIndex(kernelCase.operands[i]!.view, (index) => {
        if (Math.abs(buffer[index]!) > exactIntegers) found = true;
      });
    }
    return found;
  });
  return beyond ? 'int32 beyond 2^24, which a float32 does not hold' : undefined;
}

/**
 * What is asked of float results. WGSL and GLSL let a driver's exp be off by 3 + 2 · |x| units in the last place, and
 * tanh and powers are made of it.
 */
function toleranceOn(device: GpuDevice, kernelCase: KernelCase, output: number): Tolerance {
  const { absolute, relative } = toleranceOf(kernelCase, output);
  return device.adapter === undefined ? { absolute, relative } : { absolute, relative: 4 * relative };
}

/** Throws unless every result of the case is the reference's, within the tolerance. */
export async function checkCase(device: GpuDevice, kernelCase: KernelCase): Promise<void> {
  const expected = runReferenceCase(kernelCase);
  for (const [o, call] of singleOutputs(kernelCase).entries()) {
    const inputs = call.inputs.map((layout, i): GpuOperand => {
      const { view, size } = kernelCase.operands[i]!;
      return { ...layout, offset: view.offset, size };
    });
    const buffers = buffersOf(kernelCase).map((buffer) => GpuBuffer.ofHost(Float32Array.from(buffer)));
    const { run } = await compileCall(device, kernelCase.kind, { ...call, inputs });
    const { dtype, shape } = call.outputs[0]!;
    const made = await run(buffers);
    const actual = toHost(await device.read(made), dtype, contiguousView(shape));
    for (const buffer of [...buffers, made]) buffer.release();
    compareArrays(actual, expected[o]!, toleranceOn(device, kernelCase, o));
  }
}
