/** How Keras 3 names the groups of a model's layers. */

/** Conv2D → conv2d, BatchNormalization → batch_normalization. */
export function snakeCase(className: string): string {
  return className
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

interface Placed {
  readonly name: string;
  readonly inputs: readonly string[];
}

/**
 * Layers in the order in which Keras counts those of a functional model: farthest from the output first, and as a walk
 * from the output meets them.
 *
 * @param nodes sorted, every layer behind its inputs
 */
export function kerasOrder<Node extends Placed>({
  nodes,
  output,
}: {
  readonly nodes: readonly Node[];
  readonly output: string;
}): Node[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const depths = new Map(nodes.map((node) => [node.name, 0]));
  for (const node of [...nodes].reverse()) {
    for (const source of node.inputs) {
      depths.set(source, Math.max(depths.get(source) ?? 0, depths.get(node.name)! + 1));
    }
  }
  const met = new Set<Node>();
  const stack = [output];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    const node = byName.get(name);
    if (node === undefined || met.has(node)) continue;
    met.add(node);
    stack.push(...[...node.inputs].reverse());
  }
  return [...met].sort((a, b) => depths.get(b.name)! - depths.get(a.name)!);
}
