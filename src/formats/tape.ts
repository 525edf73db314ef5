/** What importers write layers to: a list of drafts whose shapes are known as they come. */
import { ModelError } from '../core/errors.js';
import { at } from '../core/lists.js';
import { formatShape, type Shape } from '../core/shape.js';
import type { Json } from '../nn/layer.js';
import { isJoin } from '../nn/layers/graph.js';
import { Model } from '../nn/model.js';
import { restoreLayer } from '../nn/registry.js';
import type { StoredTensor } from '../training/files/safetensors.js';
import { mostNumbers } from './bounds.js';
import { type Draft, joinedShape } from './network.js';

/** Of shapes, paddings and small tables. */
const mostFolded = 2 ** 23;

export type Options = { readonly [key: string]: Json };

/** A value that a draft makes. */
export interface Made {
  readonly name: string;
  readonly shape: Shape;
}

interface Entry extends Draft {
  readonly shape: Shape;
}

/** Weights by name, those that are there. */
export function weightsOf(
  given: Readonly<Record<string, StoredTensor | undefined>>,
): Map<string, StoredTensor> {
  return new Map(
    Object.entries(given).filter((entry): entry is [string, StoredTensor] => entry[1] !== undefined),
  );
}

export class Tape {
  private readonly entries = new Map<string, Entry>();
  private held = 0;
  private folded = 0;

  constructor(readonly inputShape: Shape) {}

  get input(): Made {
    return { name: 'input', shape: this.inputShape };
  }

  /** The draft of that name, if there is one. */
  find(name: string): Draft | undefined {
    return this.entries.get(name);
  }

  shapeOf(name: string): Shape {
    return this.entries.get(name)?.shape ?? this.inputShape;
  }

  /**
   * Adds a layer without weights, or a join.
   *
   * @param name where it is taken, a number is added to it
   * @throws ModelError where it does not fit its inputs
   */
  add(name: string, kind: string, options: Options, inputs: readonly Made[]): Made {
    return this.addWeighted(name, kind, options, { inputs, weights: new Map() });
  }

  /** Adds a layer with weights, which must fit it too. */
  addWeighted(
    name: string,
    kind: string,
    options: Options,
    { inputs, weights }: { inputs: readonly Made[]; weights: ReadonlyMap<string, StoredTensor> },
  ): Made {
    for (const { data } of weights.values()) this.held += data.length;
    // the same tensor may be read by many layers, each with a copy
    if (this.held > mostNumbers) throw new ModelError(`the layers have over ${mostNumbers} weights`);
    const free = this.freeName(name);
    const shape = this.infer({ name: free, kind, options, weights }, inputs);
    this.entries.set(free, {
      name: free,
      kind,
      options,
      inputs: inputs.map((made) => made.name),
      weights,
      shape,
    });
    return { name: free, shape };
  }

  /** Counts numbers that are computed while a file is read. @throws ModelError where they are too many */
  fold(count: number): void {
    this.folded += count;
    if (!(this.folded <= mostFolded))
      throw new ModelError(`over ${mostFolded} numbers are computed of constants`);
  }

  /** Puts other options and weights in place of a draft's, whose output keeps its shape. */
  replace(name: string, options: Options, weights: ReadonlyMap<string, StoredTensor>): void {
    const entry = this.entries.get(name);
    if (entry !== undefined) this.entries.set(name, { ...entry, options, weights });
  }

  /** The drafts that the output needs, in their order. */
  drafts(output: string): Draft[] {
    const needed = new Set<string>();
    const stack = [output];
    for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
      if (needed.has(name)) continue;
      needed.add(name);
      stack.push(...(this.entries.get(name)?.inputs ?? []));
    }
    return [...this.entries.values()].filter(({ name }) => needed.has(name));
  }

  private freeName(name: string): string {
    let free = name;
    for (let i = 2; free === 'input' || this.entries.has(free); i++) free = `${name}_${i}`;
    return free;
  }

  private infer({ name, kind, options, weights }: Omit<Draft, 'inputs'>, inputs: readonly Made[]): Shape {
    if (isJoin(kind))
      return joinedShape(
        kind,
        inputs.map(({ shape }) => shape),
      );
    try {
      const description = Object.keys(options).length === 0 ? { kind } : { kind, options };
      const model = new Model(restoreLayer(description), at(inputs, 0).shape);
      for (const leaf of [...model.parameters, ...model.states]) {
        const given = weights.get(leaf.name);
        if (given === undefined) throw new ModelError(`${leaf.name} ${formatShape(leaf.shape)} is missing`);
        if (given.shape.join() !== leaf.shape.join()) {
          throw new ModelError(
            `${leaf.name} is ${formatShape(given.shape)}, the layer takes ${formatShape(leaf.shape)}`,
          );
        }
      }
      return model.outputShape;
    } catch (cause) {
      const [sentence] = cause instanceof Error ? cause.message.split('\n') : [String(cause)];
      throw new ModelError(`'${name}': ${sentence}`, { cause });
    }
  }
}
