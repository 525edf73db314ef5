import { node } from '../build.js';
import type { Op } from '../op.js';
import type { Tensor } from '../tensor.js';

type Backward = (gradient: Tensor) => readonly Tensor[];
type OwnGradient = Op<{ readonly backward: Backward }>;

/** One for each name: the planner tells nodes apart by their ops. */
const ops = new Map<string, OwnGradient>();

function opOf(name: string): OwnGradient {
  const known = ops.get(name);
  if (known !== undefined) return known;
  const made: OwnGradient = {
    name,
    backward: ({ attributes }, g) => [undefined, ...attributes.backward(g)],
    lower: () => ({ type: 'view', view: (input) => input }),
  };
  ops.set(name, made);
  return made;
}

/**
 * `value`, with a gradient of your own: what flows back reaches `inputs`, as `backward` says, and not what `value` was
 * computed from. `backward` builds graph from the gradient in `value`, a tensor for each of `inputs`, in its shape; it is
 * differentiated like any other graph.
 *
 * @param name of the op that this makes: its node has `value` as input 0 and `inputs` behind it
 */
export function withGradient(
  name: string,
  value: Tensor,
  inputs: readonly Tensor[],
  backward: Backward,
): Tensor {
  return node(opOf(name), [value, ...inputs], { backward }, { shape: value.shape, dtype: value.dtype });
}
