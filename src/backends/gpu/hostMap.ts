/** Maps that the host carries out, whatever the device: by their definition. */
import type { GpuCall } from '../../../kernels/gpu.js';
import type { MapSpecification } from '../../../kernels/map/contract.js';
import { map } from '../../../kernels/map/reference.js';
import { allocateHost } from '../../core/dtype.js';
import { randomUniform } from '../../core/random.js';
import { sizeOf } from '../../core/shape.js';
import { viewOf } from '../../core/view.js';
import { compileClosure } from '../../writers/closure.js';
import { GpuBuffer } from './buffer.js';
import type { GpuDevice, RunKernel } from './device.js';

/** Random numbers need integers of 32 bits, which gpu.js does not have in every mode. */
export function hostMap(device: GpuDevice, call: GpuCall<MapSpecification>): RunKernel {
  const compute = maskOf(call) ?? ((buffers: readonly Float32Array[]) => byDefinition(call, buffers));
  return (inputs) => {
    const known = inputs.flatMap(({ host }) => (host === undefined ? [] : [host]));
    if (known.length === inputs.length) return GpuBuffer.ofHost(compute(known));
    return Promise.all(inputs.map((input) => device.read(input))).then((read) =>
      GpuBuffer.ofHost(compute(read)),
    );
  };
}

function byDefinition(call: GpuCall<MapSpecification>, buffers: readonly Float32Array[]): Float32Array {
  const { dtype, shape } = call.outputs[0]!;
  const result = allocateHost(dtype, sizeOf(shape));
  const views = call.inputs.map(({ shape: extents, strides, offset }, i) =>
    viewOf(buffers[i]!, extents, strides, offset),
  );
  map(call, views, [viewOf(result, shape)]);
  return Float32Array.from(result);
}

/** Random numbers alone, all of one step: what dropout has in every step, without a call per element. */
function maskOf({ specification, inputs, outputs }: GpuCall<MapSpecification>) {
  const [expression] = specification.expressions;
  const single = inputs.every(({ size }) => size === 1);
  if (expression?.type !== 'random' || !single) return undefined;
  const step = compileClosure(expression.step);
  const size = sizeOf(outputs[0]!.shape);
  return (buffers: readonly Float32Array[]): Float32Array => {
    const at = step(
      buffers.map((buffer) => buffer[0]!),
      0,
    );
    const result = new Float32Array(size);
    for (let i = 0; i < size; i++) result[i] = randomUniform(i, expression.key, at);
    return result;
  };
}
