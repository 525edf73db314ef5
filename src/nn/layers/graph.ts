import { checkList } from '../../core/check.js';
import { ShapeError, UsageError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import { formatShape } from '../../core/shape.js';
import { concatenate } from '../../tensor/ops/assemble.js';
import { add, maximum, minimum, multiply, subtract } from '../../tensor/ops/pointwise.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type Layer, layer } from '../layer.js';
import { checkLayer } from '../sequential.js';

type Join = (values: readonly Tensor[]) => Tensor;

const folded =
  (op: (a: Tensor, b: Tensor) => Tensor): Join =>
  (values) =>
    values.reduce((a, b) => op(a, b));

/** The ops that make one value of several. */
const joins = {
  add: folded(add),
  subtract: folded(subtract),
  multiply: folded(multiply),
  maximum: folded(maximum),
  minimum: folded(minimum),
  average: (values) => multiply(folded(add)(values), 1 / values.length),
  concatenate: (values) => concatenate(values, -1),
} satisfies Readonly<Record<string, Join>>;

export type JoinKind = keyof typeof joins;

export const isJoin = (kind: unknown): kind is JoinKind =>
  typeof kind === 'string' && Object.hasOwn(joins, kind);

/** A place in a graph: a layer of one input, or a join of several. */
export interface GraphNode {
  /** Extends the path, so it has no dot; not 'input'. */
  readonly name: string;
  /** Names of nodes before it; 'input' is what the graph is applied to. */
  readonly inputs: readonly string[];
  readonly layer?: Layer;
  /** 'concatenate' joins along the last axis, the others element by element. */
  readonly join?: JoinKind;
}

function checkNode({ name, inputs, layer: part, join }: GraphNode, known: ReadonlySet<string>): void {
  const what = `graph: node '${name}'`;
  if (!/^[\w-]+$/.test(name)) {
    throw new UsageError(`${what}: a name has letters, digits, dashes and underscores alone`);
  }
  if (known.has(name)) throw new UsageError(`${what}: the name is taken`);
  for (const source of inputs) {
    if (!known.has(source)) throw new UsageError(`${what}: no node before it is called '${source}'`);
  }
  if (join !== undefined) {
    if (!isJoin(join)) {
      throw new UsageError(`${what}: there is no join '${join}': ${Object.keys(joins).join(', ')}`);
    }
    if (part !== undefined || inputs.length < 2) {
      throw new UsageError(`${what}: a join has no layer and at least two inputs: ${inputs.length}`);
    }
    return;
  }
  checkLayer(what, part);
  if (inputs.length !== 1) throw new UsageError(`${what}: a layer has one input: ${inputs.length}`);
}

function joined(name: string, kind: JoinKind, values: readonly Tensor[]): Tensor {
  try {
    return joins[kind](values);
  } catch (cause) {
    const shapes = values.map(({ shape }) => formatShape(shape)).join(' and ');
    throw new ShapeError(`graph: node '${name}': ${kind} does not fit ${shapes}`, { cause });
  }
}

/**
 * Layers that branch and join, in the order in which they are computed; the last node is the output. Paths are the
 * nodes' names. What is a plain chain is better written as `sequential`, one shortcut as `residual`.
 *
 *     graph([
 *       { name: 'wide', inputs: ['input'], layer: conv2d(8, 5, { padding: 'same' }) },
 *       { name: 'narrow', inputs: ['input'], layer: conv2d(8, 1) },
 *       { name: 'both', inputs: ['wide', 'narrow'], join: 'concatenate' },
 *     ])
 *
 * @throws UsageError for names that are unknown, taken or no names; ShapeError, when applied, for values that do not join
 */
export function graph(nodes: readonly GraphNode[]): Layer {
  checkList('graph', 'a list of nodes', nodes);
  const known = new Set(['input']);
  for (const node of nodes) {
    checkNode(node, known);
    known.add(node.name);
  }
  const last = nodes.at(-1);
  if (last === undefined) throw new UsageError('graph: has no node');
  const wiring = nodes.map(({ name, inputs, join }) => ({
    name,
    inputs: [...inputs],
    ...(join === undefined ? {} : { join }),
  }));
  return layer(
    'graph',
    { nodes: wiring },
    (x, context) => {
      const values = new Map([['input', x]]);
      for (const { name, inputs, layer: part, join } of nodes) {
        const taken = inputs.map((source) => values.get(source)!);
        const value =
          join === undefined ? context.apply(name, part!, at(taken, 0)) : joined(name, join, taken);
        values.set(name, value);
      }
      return values.get(last.name)!;
    },
    Object.fromEntries(nodes.flatMap(({ name, layer: part }) => (part === undefined ? [] : [[name, part]]))),
  );
}
