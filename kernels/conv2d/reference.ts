import ndarray from 'ndarray';
import { rowMajorStrides, type Shape, sizeOf } from '../../src/core/shape.js';
import type { KernelCall } from '../contract.js';
import { maxPool, maxPoolGradient } from '../maxPool/reference.js';
import {
  elementsOf,
  forEachTap,
  type ReferenceKernel,
  type Strided,
  storeResults,
} from '../toolkit/reference/strided.js';
import {
  type Conv2dFilterGradientSpecification,
  type Conv2dInputGradientSpecification,
  type Conv2dSpecification,
  gridOf,
  isRouted,
  type ResultPool,
  type Routed,
  resultShape,
} from './contract.js';

// One product, x[x,c] · w[tap,c,o] belongs to y[y,o], read in three directions. In each, the index of an image or filter
// element is (pixel · channels + channel).

/** y[y,o] += x[x,c] · w[tap,c,o]. The frame is zeros like others: times a weight that is no finite number they are NaN. */
export const conv2d: ReferenceKernel<Conv2dSpecification> = (call, inputs, outputs) => {
  const [x, w] = [elementsOf(inputs[0]!), elementsOf(inputs[1]!)];
  const [images, filter, result] = [inputs[0]!.shape, inputs[1]!.shape, resultShape(call)];
  const [channels, filters] = [filter[2]!, filter[3]!];
  const y = new Float64Array(sizeOf(result));
  const sliding = { ...call.specification, window: windowOf(filter), frame: true };
  forEachTap(sliding, images, result, (yPixel, xPixel, tap) => {
    for (let c = 0; c < channels; c++) {
      const value = xPixel < 0 ? 0 : x[xPixel * channels + c]!;
      const row = (tap * channels + c) * filters;
      for (let o = 0; o < filters; o++) y[yPixel * filters + o]! += value * w[row + o]!;
    }
  });
  if (call.specification.pool === undefined) storeResults(y, call, inputs, outputs[0]!);
  else storePooled(y, call.specification.pool, call, { inputs, outputs });
};

/** y → prologue → pool → epilogue. What is pooled is rounded as if it had been stored. */
function storePooled(
  y: Float64Array,
  pool: ResultPool,
  call: KernelCall<Conv2dSpecification>,
  { inputs, outputs }: { inputs: readonly Strided[]; outputs: readonly Strided[] },
): void {
  const Stored = inputs[0]!.data instanceof Float64Array ? Float64Array : Float32Array;
  const own = inputs.length - (call.specification.epilogue?.operands ?? 0);
  const shape = resultShape(call);
  const layout = { dtype: 'float32', shape, strides: rowMajorStrides(shape) } as const;
  const results = ndarray(new Stored(sizeOf(shape)), [...shape]);
  const before = {
    specification: { epilogue: pool.prologue },
    inputs: call.inputs.slice(0, own),
    outputs: [layout],
  };
  storeResults(y, before, inputs.slice(0, own), results);
  const pooled = call.outputs[0]!.shape;
  const values = ndarray(new Stored(sizeOf(pooled)), [...pooled]);
  const poolCall = { specification: pool, inputs: [layout], outputs: call.outputs };
  maxPool(poolCall, [results], [values, ...outputs.slice(1)]);
  storeResults(values.data, call, inputs, outputs[0]!);
}

/** The inputs with dy in the place of the values and indices that it is routed by; `at` is where they stand. */
function unrouted(
  { specification }: KernelCall<Routed<Conv2dFilterGradientSpecification>>,
  inputs: readonly Strided[],
  at: number,
  { image, filter }: { image: Shape; filter: Shape },
): readonly Strided[] {
  const pair = inputs.slice(at, at + 2);
  const grid = gridOf(specification, [image[1]!, image[2]!], [filter[0]!, filter[1]!]);
  const shape = [image[0]!, ...grid, filter[3]!];
  const dy = ndarray(new Float64Array(sizeOf(shape)), shape);
  const layout = { dtype: 'float32', shape, strides: rowMajorStrides(shape) } as const;
  maxPoolGradient({ specification: specification.route, inputs: [], outputs: [layout] }, pair, [dy]);
  return [...inputs.slice(0, at), dy, ...inputs.slice(at + 2)];
}

/** dx[x,c] += dy[y,o] · w[tap,c,o] */
export const conv2dInputGradient: ReferenceKernel<Conv2dInputGradientSpecification> = (
  call,
  given,
  outputs,
) => {
  const shapes = () => ({ image: outputs[0]!.shape, filter: given[2]!.shape });
  const inputs = isRouted(call) ? unrouted(call, given, 0, shapes()) : given;
  const [dy, w] = [elementsOf(inputs[0]!), elementsOf(inputs[1]!)];
  const [result, filter, images] = [inputs[0]!.shape, inputs[1]!.shape, outputs[0]!.shape];
  const [channels, filters] = [filter[2]!, filter[3]!];
  const dx = new Float64Array(sizeOf(images));
  const sliding = { ...call.specification, window: windowOf(filter) };
  forEachTap(sliding, images, result, (yPixel, xPixel, tap) => {
    for (let c = 0; c < channels; c++) {
      const row = (tap * channels + c) * filters;
      let sum = 0;
      for (let o = 0; o < filters; o++) sum += dy[yPixel * filters + o]! * w[row + o]!;
      dx[xPixel * channels + c]! += sum;
    }
  });
  storeResults(dx, call, given, outputs[0]!);
};

/** dw[tap,c,o] += x[x,c] · dy[y,o], the frame included. */
export const conv2dFilterGradient: ReferenceKernel<Conv2dFilterGradientSpecification> = (
  call,
  given,
  outputs,
) => {
  const shapes = { image: given[0]!.shape, filter: outputs[0]!.shape };
  const inputs = isRouted(call) ? unrouted(call, given, 1, shapes) : given;
  const [x, dy] = [elementsOf(inputs[0]!), elementsOf(inputs[1]!)];
  const [images, result, filter] = [inputs[0]!.shape, inputs[1]!.shape, outputs[0]!.shape];
  const [channels, filters] = [filter[2]!, filter[3]!];
  const dw = new Float64Array(sizeOf(filter));
  const sliding = { ...call.specification, window: windowOf(filter), frame: true };
  forEachTap(sliding, images, result, (yPixel, xPixel, tap) => {
    for (let c = 0; c < channels; c++) {
      const value = xPixel < 0 ? 0 : x[xPixel * channels + c]!;
      const row = (tap * channels + c) * filters;
      for (let o = 0; o < filters; o++) dw[row + o]! += value * dy[yPixel * filters + o]!;
    }
  });
  storeResults(dw, { ...call, specification: {} }, inputs, outputs[0]!);
};

function windowOf(filter: Shape): readonly [number, number] {
  return [filter[0]!, filter[1]!];
}
