import ndarray from 'ndarray';
import operations from 'ndarray-ops';
import { sizeOf } from '../../src/core/shape.js';
import { sliceView } from '../../src/core/view.js';
import type { ReferenceKernel } from '../toolkit/reference/strided.js';
import type { AssembleSpecification } from './contract.js';

export const assemble: ReferenceKernel<AssembleSpecification> = ({ specification }, inputs, outputs) => {
  const output = outputs[0]!;
  operations.assigns(output, specification.fill);
  specification.placements.forEach(({ start, step }, i) => {
    const input = inputs[i]!;
    if (sizeOf(input.shape) === 0) return;
    const whole = { shape: output.shape, strides: output.stride, offset: output.offset };
    const { strides, offset } = sliceView(whole, start, step, input.shape);
    operations.assign(ndarray(output.data, [...input.shape], [...strides], offset), input);
  });
};
