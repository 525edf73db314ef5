import { type Shape, sizeOf } from '../../src/core/shape.js';
import { type Contract, type Epilogue, epilogueFlops, type Padding } from '../contract.js';
import { printWindow, type Window } from '../maxPool/contract.js';

/**
 * Convolution as neural networks mean it (cross-correlation), images NHWC, filters [height, width, in, out], float32:
 *
 * conv2d(x, w)                 y[n,i,j,o]  = Σ_{a,b,c} x[n, i·sh+a−top, j·sw+b−left, c] · w[a,b,c,o]
 * conv2dInputGradient(dy, w)   dx[n,p,q,c] = Σ dy[n,i,j,o] · w[a,b,c,o] over all (i,j,a,b,o) that read x[n,p,q,c]
 * conv2dFilterGradient(x, dy)  dw[a,b,c,o] = Σ_{n,i,j} x[n, i·sh+a−top, j·sw+b−left, c] · dy[n,i,j,o]
 *
 * x outside the image counts as 0. Each is linear in each input and the gradient of each is made of the other two.
 *
 * With a `route`, a gradient takes two inputs in the place of dy, the values and indices of a
 * maxPoolGradient(values, indices) with that window, whose result dy is; the indices point inside the image. A
 * value of 0 contributes nothing, whatever it is multiplied with.
 */
export interface Conv2dSpecification {
  /** Steps between outputs, [height, width]. */
  readonly strides: readonly [number, number];
  readonly padding: Padding;
  /** conv2dInputGradient and conv2dFilterGradient only. */
  readonly route?: Window | undefined;
  readonly epilogue?: Epilogue | undefined;
}

function print({ strides, padding, route }: Conv2dSpecification): string {
  const own = `strides ${strides.join(',')} pad ${padding.top},${padding.bottom},${padding.left},${padding.right}`;
  return route === undefined ? own : `${own} routed by ${printWindow(route)}`;
}

/** Height and width of y: how many windows of a filter `[height, width]` fit the padded image. */
export function gridOf(
  { strides, padding }: Pick<Conv2dSpecification, 'strides' | 'padding'>,
  image: readonly [number, number],
  filter: readonly [number, number],
): [number, number] {
  return [
    Math.floor((image[0] + padding.top + padding.bottom - filter[0]) / strides[0]) + 1,
    Math.floor((image[1] + padding.left + padding.right - filter[1]) / strides[1]) + 1,
  ];
}

/** 2 · batch · positions · filter size, whichever of the three passes: `[y shape, filter shape]`. */
function multiplyAdds(y: Shape, filter: Shape): number {
  return sizeOf(y) * filter[0]! * filter[1]! * filter[2]!;
}

export const conv2d: Contract<Conv2dSpecification> = {
  layout: 'contiguous',
  epilogue: true,
  flops: ({ specification, inputs, outputs }) =>
    2 * multiplyAdds(outputs[0]!.shape, inputs[1]!.shape) +
    epilogueFlops(specification.epilogue, outputs[0]!.shape),
  print,
};

export const conv2dInputGradient: Contract<Conv2dSpecification> = {
  layout: 'contiguous',
  epilogue: true,
  flops: ({ specification, inputs, outputs }) =>
    2 * multiplyAdds(inputs[0]!.shape, inputs[specification.route === undefined ? 1 : 2]!.shape) +
    epilogueFlops(specification.epilogue, outputs[0]!.shape),
  print,
};

/** Has no epilogue: `specification.epilogue` is never set for it. */
export const conv2dFilterGradient: Contract<Conv2dSpecification> = {
  layout: 'contiguous',
  epilogue: false,
  flops: ({ inputs, outputs }) => 2 * multiplyAdds(inputs[1]!.shape, outputs[0]!.shape),
  print,
};
