import { Leaf, type Tensor } from '../../tensor/tensor.js';
import type { TraceObserver } from '../trainingStep.js';

/** Tells, while a step is traced, to which layer, gradient or update its nodes belong. */
export class TraceOrigins implements TraceObserver {
  private readonly origins = new Map<Tensor, string>();

  readonly applied: TraceObserver['applied'] = ({ path, input, output }) =>
    this.assign(output, path === '' ? 'the model' : path, input);

  readonly lost: TraceObserver['lost'] = (loss) => this.assign(loss, 'the loss');

  readonly differentiated: TraceObserver['differentiated'] = ({ node, gradient }) =>
    this.assign(gradient, `the gradient of ${this.of(node)}`);

  /** The nodes that make a leaf's new value and nothing before. */
  updated(leaf: Leaf, value: Tensor): void {
    this.assign(value, `the update of ${leaf.name}`);
  }

  /** Where a node belongs; what stands before the model belongs to the images. */
  of(node: Tensor): string {
    return this.origins.get(node) ?? 'the images';
  }

  /** All nodes on which `root` depends and that belong nowhere yet; not those before `end`. */
  private assign(root: Tensor, origin: string, end?: Tensor): void {
    const stack = [root];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node === end || node instanceof Leaf || this.origins.has(node)) continue;
      this.origins.set(node, origin);
      stack.push(...node.inputs);
    }
  }
}
