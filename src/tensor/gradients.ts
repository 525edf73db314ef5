import { checkList } from '../core/check.js';
import { GradientError } from '../core/errors.js';
import { at, last } from '../core/lists.js';
import { formatShape } from '../core/shape.js';
import { checkTensor, describe, scalar } from './build.js';
import { add } from './ops/pointwise.js';
import { broadcastTo } from './ops/views.js';
import type { Tensor } from './tensor.js';

/** The nodes that lie between `wrt` and `loss`, latest first: those on which both depend. */
function nodesBetween(loss: Tensor, wrt: ReadonlySet<Tensor>): Tensor[] {
  const between = new Map<Tensor, boolean>();
  const stack: Tensor[] = [loss];
  while (stack.length > 0) {
    const tensor = last(stack);
    const open = tensor.inputs.filter((input) => !between.has(input));
    if (open.length > 0) {
      stack.push(...open);
    } else {
      stack.pop();
      between.set(tensor, wrt.has(tensor) || tensor.inputs.some((input) => between.get(input)));
    }
  }
  return [...between.keys()].filter((tensor) => between.get(tensor)).sort((a, b) => b.id - a.id);
}

/** The result of one node's gradient rule for one of its inputs. */
export interface GradientPart {
  readonly node: Tensor;
  readonly input: Tensor;
  readonly gradient: Tensor;
}

/** A gradient for each of the tensors. */
type Gradients<Wrt extends readonly Tensor[]> = { -readonly [I in keyof Wrt]: Tensor };

/**
 * Reverse-mode differentiation, graph to graph: the gradients of a scalar `loss` in each tensor of `wrt`, as new nodes
 * that can be differentiated again. A tensor that the loss does not depend on gets zeros.
 *
 * @param observe told of every part of a gradient, right after the nodes it is made of
 * @returns as many gradients as `wrt` has tensors, each of its tensor's shape
 * @throws GradientError if the loss is not a float32 scalar, a `wrt` is not float32, or an op on the way has no gradient
 */
export function gradients<const Wrt extends readonly Tensor[]>(
  loss: Tensor,
  wrt: Wrt,
  observe?: (part: GradientPart) => void,
): Gradients<Wrt> {
  checkTensor('gradients: the loss', loss);
  checkList('gradients: what to differentiate by', 'a list of tensors', wrt);
  for (const tensor of wrt) checkTensor('gradients', tensor);
  if (loss.size !== 1 || loss.dtype !== 'float32') {
    throw new GradientError(
      `gradients: the loss must be a float32 scalar: ${loss.dtype}${formatShape(loss.shape)}`,
      {
        hint: 'sum or mean makes a scalar.',
      },
    );
  }
  for (const tensor of wrt) {
    if (tensor.dtype !== 'float32') {
      throw new GradientError(`gradients: ${tensor.dtype} has no gradient: ${describe(tensor)}`);
    }
  }
  const total = new Map<Tensor, Tensor>([[loss, broadcastTo(scalar(1), loss.shape)]]);
  const wanted = new Set<Tensor>(wrt);
  for (const node of nodesBetween(loss, wanted)) {
    const gradient = total.get(node);
    if (gradient === undefined || node.inputs.length === 0) continue;
    if (node.op.backward === undefined) {
      throw new GradientError(`gradients: ${node.op.name} has no gradient: ${describe(node)}`);
    }
    node.op.backward(node, gradient).forEach((part, i) => {
      const source = at(node.inputs, i);
      if (part === undefined) return;
      observe?.({ node, input: source, gradient: part });
      const sum = total.get(source);
      total.set(source, sum === undefined ? part : add(sum, part));
    });
    if (!wanted.has(node)) total.delete(node);
  }
  const found = wrt.map((tensor) => total.get(tensor) ?? broadcastTo(scalar(0), tensor.shape));
  return found as Gradients<Wrt>;
}
