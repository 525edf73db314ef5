import { at } from '../../src/core/lists.js';
import { sizeOf } from '../../src/core/shape.js';
import type { Contract } from '../contract.js';
import { printWindow, type Window } from '../maxPool/contract.js';

/**
 * averagePool(x)           y[n,i,j,c] = mean of the pixels of window (i, j) that lie inside the image (as Keras does)
 * averagePoolGradient(dy)  dx[n,p,q,c] = Σ dy[n,i,j,c] / (pixels of window (i, j) inside the image) over the windows
 *                          that hold (p, q). Each is the gradient of the other.
 */
export type AveragePoolSpecification = Window;

export const averagePool: Contract<AveragePoolSpecification> = {
  layout: 'contiguous',
  epilogue: false,
  flops: ({ specification, outputs }) =>
    sizeOf(at(outputs, 0).shape) * specification.window[0] * specification.window[1],
  print: printWindow,
};

export const averagePoolGradient: Contract<AveragePoolSpecification> = {
  layout: 'contiguous',
  epilogue: false,
  flops: ({ specification, inputs }) =>
    sizeOf(at(inputs, 0).shape) * specification.window[0] * specification.window[1],
  print: printWindow,
};
