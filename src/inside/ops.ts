/** The graph of a training step: every op with its part, its layer and the rule that made it. */
import { reachable } from '../tensor/reachable.js';
import { Leaf, type Tensor } from '../tensor/tensor.js';
import type { TraceObserver } from '../training/trainingStep.js';
import type { OpView } from './view.js';

type Origin = Pick<OpView, 'part' | 'layer' | 'rule'>;

/** Watches a step being traced. */
export class OpsObserver implements TraceObserver {
  private readonly origins = new Map<Tensor, Origin>();

  readonly applied: TraceObserver['applied'] = ({ path, input, output }) =>
    this.assign(output, { part: 'forward', layer: path === '' ? 'model' : path }, input);

  readonly lost: TraceObserver['lost'] = (loss) => {
    this.assign(loss, { part: 'forward', layer: 'loss' });
    // what comes before the first layer
    for (const node of reachable([loss])) this.assign(node, { part: 'forward', layer: 'images' });
  };

  readonly differentiated: TraceObserver['differentiated'] = ({ node, gradient }) =>
    this.assign(gradient, {
      part: 'gradient',
      layer: this.origins.get(node)?.layer ?? 'loss',
      rule: node.op.name,
    });

  /** All nodes on which `root` depends and that belong nowhere yet, as far as `end`. */
  private assign(root: Tensor, origin: Origin, end?: Tensor): void {
    const stack = [root];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node === end || node instanceof Leaf || this.origins.has(node)) continue;
      this.origins.set(node, origin);
      stack.push(...node.inputs);
    }
  }

  /** Every node that the loss and the new values of leaves depend on, in the order in which they were made. */
  views(loss: Tensor, updates: readonly (readonly [Leaf, Tensor])[]): OpView[] {
    const layers = new Set([...this.origins.values()].map(({ layer }) => layer));
    for (const [leaf, value] of updates) {
      const layer = layerOf(leaf);
      if (leaf.kind === 'state' && layers.has(layer)) this.assign(value, { part: 'update', layer });
    }
    const rest: Origin = { part: 'update', layer: 'optimizer' };
    return reachable([loss, ...updates.map(([, value]) => value)]).map((node) => ({
      id: node.id,
      op: node instanceof Leaf ? node.kind : node.op.name,
      ...(node instanceof Leaf && { name: node.name }),
      shape: node.shape,
      inputs: node.inputs.map(({ id }) => id),
      ...(this.origins.get(node) ?? (node instanceof Leaf ? leafOrigin(node, layers) : rest)),
    }));
  }
}

const layerOf = ({ name }: Leaf) => name.slice(0, Math.max(0, name.lastIndexOf('.')));

/** Weights and running statistics belong to their layers, what else is remembered to the optimizer. */
function leafOrigin(leaf: Leaf, layers: ReadonlySet<string>): Origin {
  const { kind, name } = leaf;
  const layer = layerOf(leaf);
  if (kind === 'parameter' || (kind === 'state' && layers.has(layer))) return { part: 'forward', layer };
  if (kind === 'state' || name === 'learningRate' || name === 'steps')
    return { part: 'update', layer: 'optimizer' };
  return { part: 'forward', layer: name === 'labels' ? 'loss' : 'images' };
}
