/** Steps that a convolution and its gradients take over. */
import type { MakerRule, ReaderRule } from '../fusion.js';
import type { Window } from '../maxPool/contract.js';
import type { Conv2dFilterGradientSpecification, Conv2dSpecification } from './contract.js';

/** Tells whether a convolution takes this pool: 2x2 side by side, as nearly all of them are. */
function poolsWithin({ window, strides, padding }: Window): boolean {
  const sizes = [...window, ...strides];
  return sizes.every((size) => size === 2) && Object.values(padding).every((pixels) => pixels === 0);
}

/** A max pool: the image before it, the largest value of a plan as a rule, is never stored. */
export const poolBehind: ReaderRule<Conv2dSpecification> = {
  kind: 'maxPool',
  rewrite({ specification: { epilogue, pool, ...geometry }, inputs }, { specification: behind }) {
    if (pool !== undefined || !poolsWithin(behind) || behind.outputs[0] !== 'values') return undefined;
    return { specification: { ...geometry, pool: { ...behind, prologue: epilogue } }, inputs };
  },
};

/** Windows that begin this many pixels apart, or more: below, their entries are no fewer than pixels worth summing. */
const sparseEnough = 3;

/** The gradient of a max pool, from which dy, input `dyAt`, would come as an image of zeros: they take its entries. */
export function routeFrom<S extends Conv2dFilterGradientSpecification>(dyAt: number): MakerRule<S> {
  return {
    kind: 'maxPoolGradient',
    rewrite({ specification, inputs }, at, maker) {
      const { window, strides, padding, epilogue } = maker.specification;
      if (at !== dyAt || specification.route !== undefined || epilogue !== undefined) return undefined;
      if (strides[0] * strides[1] < sparseEnough) return undefined;
      // both at once: the other side needs the image
      if (inputs[1 - at]!.value === inputs[at]!.value) return undefined;
      return {
        specification: { ...specification, route: { window, strides, padding } },
        inputs: [...inputs.slice(0, at), ...maker.inputs, ...inputs.slice(at + 1)],
      };
    },
  };
}
