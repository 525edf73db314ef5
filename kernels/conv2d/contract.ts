import { formatExpression } from '../../src/core/expression.js';
import { type Shape, sizeOf } from '../../src/core/shape.js';
import { type Contract, type Epilogue, epilogueFlops, type KernelCall, type Padding } from '../contract.js';
import { type MaxPoolSpecification, maxPool, printWindow, type Window } from '../maxPool/contract.js';
import { poolBehind, routeFrom } from './fusion.js';

/**
 * Convolution as neural networks mean it (cross-correlation), images NHWC, filters [height, width, in, out], float32:
 *
 * conv2d(x, w)                 y[n,i,j,o]  = Σ_{a,b,c} x[n, i·sh+a−top, j·sw+b−left, c] · w[a,b,c,o]
 * conv2dInputGradient(dy, w)   dx[n,p,q,c] = Σ dy[n,i,j,o] · w[a,b,c,o] over all (i,j,a,b,o) that read x[n,p,q,c]
 * conv2dFilterGradient(x, dy)  dw[a,b,c,o] = Σ_{n,i,j} x[n, i·sh+a−top, j·sw+b−left, c] · dy[n,i,j,o]
 *
 * x outside the image counts as 0. Each is linear in each input and the gradient of each is made of the other two.
 *
 * The zeros around x are multiplied like others, as PyTorch does: where w (for conv2d) or dy (for conv2dFilterGradient) is
 * NaN or infinite, products with them are NaN. A pixel of dx is a sum over the windows that read it, and no more. Ways of
 * wasm let what is not finite go further, never less far: in the input gradient a weight reaches pixels near the edges, since
 * dy stands in a frame of zeros; by Winograd a pixel of x or dy reaches the 4x4 results of every tile that reads it, and in the
 * filter gradient all taps.
 * Devices behind gpu may take it that no number is NaN or infinite (WGSL, 15.7.2).
 *
 * With a `route`, a gradient takes two inputs in the place of dy, the values and indices of a
 * maxPoolGradient(values, indices) with that window, whose result dy is; the indices point inside the image. A
 * value of 0 contributes nothing, whatever it is multiplied with.
 *
 * With a `pool`, conv2d stores what a maxPool makes of y in the place of y: its outputs are the pool's, and y is never
 * whole in memory. The pool's `prologue` is applied to y before, the `epilogue` to the pooled values after; their
 * operands follow the filter in this order.
 */
export interface Conv2dGeometry {
  /** Steps between outputs, [height, width]. */
  readonly strides: readonly [number, number];
  readonly padding: Padding;
}

export interface Conv2dSpecification extends Conv2dGeometry {
  /** A window of which `poolsWithin` is true. */
  readonly pool?: ResultPool | undefined;
  readonly epilogue?: Epilogue | undefined;
}

/** The part that both gradients may hold. */
interface Routable {
  readonly route?: Window | undefined;
}

export interface Conv2dInputGradientSpecification extends Conv2dGeometry, Routable {
  readonly epilogue?: Epilogue | undefined;
}

export interface Conv2dFilterGradientSpecification extends Conv2dGeometry, Routable {}

/** A gradient's specification with a route: values and indices stand in the place of dy. */
export type Routed<S extends Routable> = S & { readonly route: Window };

export function isRouted<S extends Routable>(call: KernelCall<S>): call is KernelCall<Routed<S>> {
  return call.specification.route !== undefined;
}

/** A max pool right behind a convolution; 'values' are always among its outputs. */
export interface ResultPool extends MaxPoolSpecification {
  /** Pointwise work between the convolution and the pool; its operands are shaped after y. */
  readonly prologue?: Epilogue | undefined;
}

function printGeometry({ strides, padding: { top, bottom, left, right } }: Conv2dGeometry): string {
  return `strides ${strides.join(',')} pad ${top},${bottom},${left},${right}`;
}

function printGradient(specification: Conv2dGeometry & Routable): string {
  const { route } = specification;
  return `${printGeometry(specification)}${route === undefined ? '' : ` routed by ${printWindow(route)}`}`;
}

/** Height and width of y: how many windows of a filter `[height, width]` fit the padded image. */
export function gridOf(
  { strides, padding }: Conv2dGeometry,
  image: readonly [number, number],
  filter: readonly [number, number],
): [number, number] {
  return [
    Math.floor((image[0] + padding.top + padding.bottom - filter[0]) / strides[0]) + 1,
    Math.floor((image[1] + padding.left + padding.right - filter[1]) / strides[1]) + 1,
  ];
}

/** 2 · batch · positions · filter size, of each of the three passes: `[y shape, filter shape]`. */
function multiplyAdds(y: Shape, filter: Shape): number {
  return sizeOf(y) * filter[0]! * filter[1]! * filter[2]!;
}

/** The shape of y: of the first output, but for a pool. */
export function resultShape({ specification, inputs, outputs }: KernelCall<Conv2dSpecification>): Shape {
  if (specification.pool === undefined) return outputs[0]!.shape;
  const [batch, height, width] = inputs[0]!.shape;
  const [filterHeight, filterWidth, , filters] = inputs[1]!.shape;
  return [batch!, ...gridOf(specification, [height!, width!], [filterHeight!, filterWidth!]), filters!];
}

export const conv2d: Contract<Conv2dSpecification> = {
  layout: 'contiguous',
  epilogue: true,
  absorbs: { readers: [poolBehind] },
  flops(call) {
    const { inputs, outputs } = call;
    const { epilogue, pool } = call.specification;
    const y = resultShape(call);
    const pooled =
      pool === undefined
        ? 0
        : epilogueFlops(pool.prologue, y) + maxPool.flops({ ...call, specification: pool });
    return 2 * multiplyAdds(y, inputs[1]!.shape) + pooled + epilogueFlops(epilogue, outputs[0]!.shape);
  },
  print(specification) {
    const { pool } = specification;
    if (pool === undefined) return printGeometry(specification);
    const before = pool.prologue === undefined ? '' : `${formatExpression(pool.prologue.expression)} `;
    return `${printGeometry(specification)} | then ${before}pooled by ${printWindow(pool)} gives ${pool.outputs.join(' and ')}`;
  },
};

export const conv2dInputGradient: Contract<Conv2dInputGradientSpecification> = {
  layout: 'contiguous',
  epilogue: true,
  absorbs: { makers: [routeFrom(0)] },
  flops: (call) =>
    2 * multiplyAdds(call.inputs[0]!.shape, call.inputs[isRouted(call) ? 2 : 1]!.shape) +
    epilogueFlops(call.specification.epilogue, call.outputs[0]!.shape),
  print: printGradient,
};

export const conv2dFilterGradient: Contract<Conv2dFilterGradientSpecification> = {
  layout: 'contiguous',
  epilogue: false,
  absorbs: { makers: [routeFrom(1)] },
  flops: ({ inputs, outputs }) => 2 * multiplyAdds(inputs[1]!.shape, outputs[0]!.shape),
  print: printGradient,
};
