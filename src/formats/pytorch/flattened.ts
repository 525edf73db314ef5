/** Images have their channels in front in PyTorch, so what is flattened has its numbers in another order there. */
import { at } from '../../core/lists.js';
import type { Shape } from '../../core/shape.js';
import type { Network, NetworkNode } from '../network.js';
import { inputShapeOf } from '../options.js';
import { channelsFirstOrder } from '../weights.js';

/** Layers whose output has its numbers where its input has them. */
const elementwise = new Set([
  ...[
    'relu',
    'leakyRelu',
    'sigmoid',
    'tanh',
    'gelu',
    'silu',
    'elu',
    'selu',
    'clip',
    'hardSigmoid',
    'hardSilu',
  ],
  ...['softsign', 'softplus', 'dropout', 'batchNorm', 'affine'],
]);

/** Layers that can take their numbers in another order, by other weights. */
const adaptable = (kind: string) => elementwise.has(kind) || kind === 'dense';

export class FlattenedOrders {
  private readonly shapes = new Map<string, Shape>();

  /** @param everywhere whether every flatten has PyTorch's order, whatever is behind it */
  constructor(network: Network, everywhere: boolean) {
    for (const node of network.nodes) {
      const source = at(node.inputs, 0);
      if (node.kind === 'flatten') {
        const shape = inputShapeOf(network, node);
        const moved = shape.length === 3 && shape[2] !== 1 && at(shape, 0) * at(shape, 1) !== 1;
        if (moved && (everywhere || adapts(network, node))) this.shapes.set(node.name, shape);
      } else if (elementwise.has(node.kind) && this.shapes.has(source)) {
        this.shapes.set(node.name, this.shapes.get(source)!);
      }
    }
  }

  /** Element i of PyTorch's is element `order[i]` of Quern's; undefined where they have the same order. */
  of(name: string): Int32Array | undefined {
    const shape = this.shapes.get(name);
    return shape && channelsFirstOrder(shape as [number, number, number]);
  }
}

/** Tells whether all that is made of a flattened value comes to dense layers. */
function adapts(network: Network, { name }: NetworkNode): boolean {
  const readers = network.nodes.filter(({ inputs }) => inputs.includes(name));
  return (
    readers.length > 0 &&
    readers.every(
      (reader) =>
        reader.inputs.length === 1 &&
        adaptable(reader.kind) &&
        (reader.kind === 'dense' || adapts(network, reader)),
    )
  );
}
