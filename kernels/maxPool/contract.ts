import { at } from '../../src/core/lists.js';
import { sizeOf } from '../../src/core/shape.js';
import { type Contract, type Epilogue, epilogueFlops, type Padding } from '../contract.js';
import { gatedEntries } from './fusion.js';

/** A window that slides over the pixels of NHWC images; every channel on its own. */
export interface Window {
  /** [height, width] */
  readonly window: readonly [number, number];
  /** Steps between windows, [height, width]. */
  readonly strides: readonly [number, number];
  readonly padding: Padding;
}

/**
 * maxPool(x): `outputs` names what is computed, in this order: 'values' is the largest x of each window, float32,
 * 'indices' its row-major position in the window (padding included in the count), uint8 for windows of up to 256
 * pixels, else int32. Ties go to the first position; pixels outside the image never win; a NaN wins over every number.
 */
export interface MaxPoolSpecification extends Window {
  readonly outputs: readonly ('values' | 'indices')[];
}

/**
 * maxPoolTake(x, indices)      y[n,i,j,c] = x at position indices[n,i,j,c] of window (i, j)
 * maxPoolGradient(dy, indices) dx[n,p,q,c] = Σ dy[n,i,j,c] over the windows whose index points at (p, q)
 * Each is the other's gradient in its first input; the indices have none.
 */
export type MaxPoolTakeSpecification = Window;

export interface MaxPoolGradientSpecification extends Window {
  readonly epilogue?: Epilogue | undefined;
}

export function printWindow({ window, strides, padding }: Window): string {
  const pad = `${padding.top},${padding.bottom},${padding.left},${padding.right}`;
  return `window ${window.join('x')} strides ${strides.join(',')} pad ${pad}`;
}

export const maxPool: Contract<MaxPoolSpecification> = {
  layout: 'contiguous',
  epilogue: false,
  results: ['values', 'indices'],
  flops: ({ specification, outputs }) =>
    sizeOf(at(outputs, 0).shape) * specification.window[0] * specification.window[1],
  print: (specification) => `${printWindow(specification)} gives ${specification.outputs.join(' and ')}`,
};

export const maxPoolTake: Contract<MaxPoolTakeSpecification> = {
  layout: 'contiguous',
  epilogue: false,
  flops: () => 0,
  print: printWindow,
};

export const maxPoolGradient: Contract<MaxPoolGradientSpecification> = {
  layout: 'contiguous',
  epilogue: true,
  absorbs: { readers: [gatedEntries] },
  flops: ({ specification, inputs, outputs }) =>
    sizeOf(at(inputs, 0).shape) + epilogueFlops(specification.epilogue, at(outputs, 0).shape),
  print: printWindow,
};
