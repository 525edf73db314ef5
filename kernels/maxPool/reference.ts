import { sizeOf } from '../../src/core/shape.js';
import { elementsOf, forEachTap, type ReferenceKernel, storeResults } from '../toolkit/reference/strided.js';
import type {
  MaxPoolGradientSpecification,
  MaxPoolSpecification,
  MaxPoolTakeSpecification,
} from './contract.js';

export const maxPool: ReferenceKernel<MaxPoolSpecification> = (
  { specification, outputs: layouts },
  inputs,
  outputs,
) => {
  const x = elementsOf(inputs[0]!);
  const windows = layouts[0]!.shape;
  const channels = windows[3]!;
  const values = new Float64Array(sizeOf(windows)).fill(-Infinity);
  const indices = new Int32Array(sizeOf(windows));
  const seen = new Uint8Array(sizeOf(windows));
  forEachTap(specification, inputs[0]!.shape, windows, (yPixel, xPixel, tap) => {
    for (let c = 0; c < channels; c++) {
      const target = yPixel * channels + c;
      const value = x[xPixel * channels + c]!;
      const best = values[target]!;
      // The first pixel of the image wins over nothing, a larger one over a number, the first NaN over every number.
      if (seen[target] === 1 && !(value > best) && !(Number.isNaN(value) && !Number.isNaN(best))) continue;
      seen[target] = 1;
      values[target] = value;
      indices[target] = tap;
    }
  });
  const computed = { values, indices };
  specification.outputs.forEach((name, i) => {
    elementsOf(outputs[i]!).set(computed[name]);
  });
};

export const maxPoolTake: ReferenceKernel<MaxPoolTakeSpecification> = (call, inputs, outputs) => {
  const [x, indices] = [elementsOf(inputs[0]!), elementsOf(inputs[1]!)];
  const windows = outputs[0]!.shape;
  const channels = windows[3]!;
  const y = new Float64Array(sizeOf(windows));
  forEachTap(call.specification, inputs[0]!.shape, windows, (yPixel, xPixel, tap) => {
    for (let c = 0; c < channels; c++) {
      const source = yPixel * channels + c;
      if (indices[source] === tap) y[source] = x[xPixel * channels + c]!;
    }
  });
  elementsOf(outputs[0]!).set(y);
};

export const maxPoolGradient: ReferenceKernel<MaxPoolGradientSpecification> = (call, inputs, outputs) => {
  const [dy, indices] = [elementsOf(inputs[0]!), elementsOf(inputs[1]!)];
  const images = outputs[0]!.shape;
  const channels = images[3]!;
  const dx = new Float64Array(sizeOf(images));
  forEachTap(call.specification, images, inputs[0]!.shape, (yPixel, xPixel, tap) => {
    for (let c = 0; c < channels; c++) {
      const source = yPixel * channels + c;
      if (indices[source] === tap) dx[xPixel * channels + c]! += dy[source]!;
    }
  });
  storeResults(dx, call, inputs, outputs[0]!);
};
