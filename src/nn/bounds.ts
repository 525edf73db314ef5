/**
 * Limits on the model of a stranger. A description is a few hundred bytes, whatever it asks for, so it is looked at
 * before anything is made of it, and while it is traced.
 */
import { ModelError } from '../core/errors.js';
import { formatShape, type Shape, sizeOf } from '../core/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Json } from './layer.js';
import { type Application, type Inspector, Model } from './model.js';
import { restoreLayer } from './registry.js';
import { multiplyAddsOf } from './summary.js';

export const modelBounds = {
  /** Layers, parts of others counted too. */
  layers: 4096,
  /** Objects and lists of a description inside each other. */
  nesting: 200,
  /** Characters of a name, a text or a path. */
  text: 1024,
  /** Positions of a filter or a window: 64 by 64. */
  positions: 2 ** 12,
  /** Nodes of the graph. */
  nodes: 2 ** 18,
  /** Axes of one input. */
  axes: 8,
  /** Numbers of one input: 4096 by 4096 pixels. */
  inputs: 2 ** 24,
  /** Numbers that any step has for one input: 256 MB of float32. */
  values: 2 ** 26,
  /** Multiply-adds for one input, and what pools compare. */
  work: 2 ** 38,
  /** Classes: what compares each with each stays below 64 MB. */
  classes: 4096,
} as const;

function refuse(what: string, found: number | string, most: number): never {
  throw new ModelError(`${what}: ${found}, at most ${most} are taken`);
}

const windows = ['kernelSize', 'window'];

function checkOption(name: string, value: Json): void {
  if (name.length > modelBounds.text) refuse('characters of a name', name.length, modelBounds.text);
  if (typeof value === 'string' && value.length > modelBounds.text) {
    refuse(`characters of ${name}`, value.length, modelBounds.text);
  }
  if (!windows.includes(name) || !Array.isArray(value) || !value.every((side) => typeof side === 'number')) {
    return;
  }
  if (sizeOf(value) > modelBounds.positions) {
    refuse(`positions of a ${name}`, `${value.join(' x ')}`, modelBounds.positions);
  }
}

/**
 * Looks at the description of a model, without making anything of it.
 *
 * @throws ModelError for one that is too large, too deep or has too long names
 */
export function checkDescription(description: Json): void {
  const stack: { readonly value: Json; readonly depth: number }[] = [{ value: description, depth: 1 }];
  let layers = 0;
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > modelBounds.nesting) {
      refuse('objects and lists inside each other', `${depth} or more`, modelBounds.nesting);
    }
    if ('kind' in value && ++layers > modelBounds.layers) {
      refuse('layers', `${layers} or more`, modelBounds.layers);
    }
    for (const [name, part] of Object.entries(value) as [string, Json][]) {
      checkOption(name, part);
      stack.push({ value: part, depth: depth + 1 });
    }
  }
}

/** Counts the comparisons or additions of pooling, for one of its outputs. */
function pooledBy({ op, attributes }: Tensor): number {
  return /Pool2d$/.test(op.name) ? sizeOf((attributes as { window: Shape }).window) : 0;
}

/** Asked for beyond what a file holds: another architecture, whose differences are named once it is traced. */
const excess = (held: number) => 4 * held + 2 ** 20;

/** Watches the tracing of a model whose weights are known before: it asks for no more than there are. */
export class BoundedTrace implements Inspector {
  private asked = 0;
  private first: number | undefined;

  /** @param held how many numbers there are for weights and states */
  constructor(private readonly held: number) {}

  leaf(path: string, shape: Shape): void {
    if (path.length > modelBounds.text) refuse('characters of a path', path.length, modelBounds.text);
    this.asked += sizeOf(shape);
    if (this.asked <= excess(this.held)) return;
    throw new ModelError(
      `${path} is ${formatShape(shape)}: up to there ${this.asked} numbers are asked for, the file holds ${this.held}`,
    );
  }

  layer({ input, output, path }: Application): void {
    this.first ??= input.id;
    const nodes = output.id - this.first;
    if (nodes > modelBounds.nodes) refuse(`nodes of the graph up to ${path}`, nodes, modelBounds.nodes);
  }

  output(output: Tensor): void {
    const seen = new Set<Tensor>([output]);
    const stack = [output];
    let work = 0;
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      const { size, shape, op, inputs } = node;
      if (size > modelBounds.values) {
        refuse(`numbers of ${op.name} ${formatShape(shape)}`, size, modelBounds.values);
      }
      work += (multiplyAddsOf[op.name]?.(node) ?? 0) + size * pooledBy(node);
      for (const part of inputs) {
        if (seen.has(part)) continue;
        seen.add(part);
        stack.push(part);
      }
    }
    if (work > modelBounds.work) refuse('multiply-adds for one input', work, modelBounds.work);
  }
}

/**
 * The model of a stranger's description, such as that of a link: as `describeLayer` gives it, within `modelBounds`.
 *
 * @param inputShape of one example, without the batch
 * @param most how many numbers its weights and states may be; default 2 ** 24
 * @throws ModelError for what is too large, too deep or no description; the layers' errors, with their paths
 */
export function modelOfDescription(
  description: Json,
  inputShape: Shape,
  { seed = 0, most = 2 ** 24 }: { readonly seed?: number; readonly most?: number } = {},
): Model {
  checkDescription(description);
  return new Model(restoreLayer(description), inputShape, seed, new BoundedTrace(most));
}
