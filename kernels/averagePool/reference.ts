import { type Shape, sizeOf } from '../../src/core/shape.js';
import { elementsOf, forEachTap, type ReferenceKernel } from '../toolkit/reference/strided.js';
import type { AveragePoolSpecification } from './contract.js';

export const averagePool: ReferenceKernel<AveragePoolSpecification> = (
  { specification },
  inputs,
  outputs,
) => {
  const x = elementsOf(inputs[0]!);
  const [images, windows] = [inputs[0]!.shape, outputs[0]!.shape];
  const channels = images[3]!;
  const counts = countPixels(specification, images, windows);
  const sums = new Float64Array(sizeOf(windows));
  forEachTap(specification, images, windows, (yPixel, xPixel) => {
    for (let c = 0; c < channels; c++) sums[yPixel * channels + c]! += x[xPixel * channels + c]!;
  });
  elementsOf(outputs[0]!).set(sums.map((sum, i) => sum / counts[Math.floor(i / channels)]!));
};

export const averagePoolGradient: ReferenceKernel<AveragePoolSpecification> = (
  { specification },
  inputs,
  outputs,
) => {
  const dy = elementsOf(inputs[0]!);
  const [windows, images] = [inputs[0]!.shape, outputs[0]!.shape];
  const channels = images[3]!;
  const counts = countPixels(specification, images, windows);
  const dx = new Float64Array(sizeOf(images));
  forEachTap(specification, images, windows, (yPixel, xPixel) => {
    for (let c = 0; c < channels; c++)
      dx[xPixel * channels + c]! += dy[yPixel * channels + c]! / counts[yPixel]!;
  });
  elementsOf(outputs[0]!).set(dx);
};

/** The pixels of each window that lie inside the image, `[batch · rows · columns]`. */
function countPixels(specification: AveragePoolSpecification, images: Shape, windows: Shape): Int32Array {
  const counts = new Int32Array(sizeOf(windows.slice(0, 3)));
  forEachTap(specification, images, windows, (yPixel) => {
    counts[yPixel]!++;
  });
  return counts;
}
