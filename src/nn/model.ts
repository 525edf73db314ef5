import { checkOptionNames, wrongKind } from '../core/check.js';
import { PlanError, QuernError, ShapeError, UsageError } from '../core/errors.js';
import { inspect } from '../core/format.js';
import { checkShape, formatShape, type Shape, sameShape } from '../core/shape.js';
import { checkTensor, describe } from '../tensor/build.js';
import { type InitialValue, input, parameter, state } from '../tensor/leaves.js';
import { type RandomKey, randomKey } from '../tensor/random.js';
import type { Leaf, Tensor } from '../tensor/tensor.js';
import type { Context, Layer } from './layer.js';
import { checkLayer } from './sequential.js';

/** One layer, as it was applied. */
export interface Application {
  /** Its path, such as `layers.2`; '' for the outermost layer. */
  readonly path: string;
  readonly layer: Layer;
  readonly input: Tensor;
  readonly output: Tensor;
}

/** How a model is applied. */
export interface ApplyOptions {
  /** Default false. */
  readonly training?: boolean;
  /** int32 scalar that counts training steps: every step draws other random numbers. Default: the constant 0. */
  readonly step?: Tensor;
  /** Told of every layer once it has been applied, parts before the whole: a way to a layer's output. */
  readonly observe?: (application: Application) => void;
}

/** Told of what a model asks for while it is traced for the first time; what it throws refuses the model. */
export interface Inspector {
  /** Before a leaf is made. */
  leaf(path: string, shape: Shape): void;
  /** After a layer was applied, parts before the whole. */
  layer(application: Application): void;
  /** At the end. */
  output(output: Tensor): void;
}

/** Shared by all layers of one application. */
interface Run {
  readonly training: boolean;
  readonly key: RandomKey;
  readonly updates: [Leaf, Tensor][];
  readonly observe: ((application: Application) => void) | undefined;
}

/**
 * A layer with the leaves it asks for. Their names are paths, their initial values depend on seed and path alone, their
 * values live in an engine. A layer that does not fit the input is refused here, by its path.
 */
export class Model {
  /** Shape of the output for one example, without the batch. */
  readonly outputShape: Shape;
  private readonly leaves = new Map<string, Leaf>();
  private readonly ofTraining = new Set<Leaf>();

  /**
   * @param inputShape shape of one example, without the batch: `[28, 28, 1]`
   * @param seed integer ≥ 0; default 0
   * @param inspector for a model of a stranger; default: nothing is refused
   * @throws the layers' errors, with their paths
   */
  constructor(
    readonly layer: Layer,
    readonly inputShape: Shape,
    readonly seed = 0,
    private readonly inspector?: Inspector,
  ) {
    checkLayer('Model: what it is made of', layer);
    checkShape(inputShape, 'Model: inputShape');
    const example = input('input', [1, ...inputShape]);
    // both ways, for a layer that asks for a leaf in one of them only
    const observe = inspector && ((application: Application) => inspector.layer(application));
    this.apply(example, { training: true, ...(observe && { observe }) });
    const { output } = this.apply(example);
    inspector?.output(output);
    this.outputShape = output.shape.slice(1);
  }

  /** A line, as `console.log` shows it; `summaryTable(summarize(model))` is a table of the layers. */
  [inspect](): string {
    const count = this.parameters.reduce((sum, { size }) => sum + size, 0);
    const [taken, given] = [formatShape(this.inputShape), formatShape(this.outputShape)];
    return `Model(${this.layer.kind}, ${taken} → ${given}, ${count} parameters)`;
  }

  /** Trainable leaves, in the order of their first use. */
  get parameters(): Leaf[] {
    return [...this.leaves.values()].filter((leaf) => leaf.kind === 'parameter');
  }

  /** Untrained leaves that belong to the model: running statistics. */
  get states(): Leaf[] {
    return [...this.leaves.values()].filter((leaf) => leaf.kind === 'state' && !this.ofTraining.has(leaf));
  }

  /** Untrained leaves that only a training needs: how much running statistics have seen. Model files do without. */
  get trainingStates(): Leaf[] {
    return [...this.ofTraining];
  }

  /**
   * Applies the model to a batch `[batch, ...inputShape]`.
   *
   * @returns the output, and the updates that layers asked for (none unless training)
   * @throws ShapeError for a batch of another shape
   */
  apply(x: Tensor, options: ApplyOptions = {}): { output: Tensor; updates: [Leaf, Tensor][] } {
    checkTensor('model.apply', x);
    checkOptionNames('model.apply', options, { training: true, step: true, observe: true });
    if (x.rank === 0 || !sameShape(x.shape.slice(1), this.inputShape)) {
      throw new ShapeError(
        `model: takes ${formatShape(this.inputShape)} for each example of a batch, not ${describe(x)}`,
      );
    }
    const run: Run = {
      training: options.training ?? false,
      key: randomKey(this.seed, ['layers'], options.step),
      updates: [],
      observe: options.observe,
    };
    return { output: this.applyLayer('', this.layer, x, run), updates: run.updates };
  }

  private applyLayer(path: string, layer: Layer, x: Tensor, run: Run): Tensor {
    try {
      const output = layer.apply(x, this.context(path, run));
      run.observe?.({ path, layer, input: x, output });
      return output;
    } catch (error) {
      // the path of an inner layer contains that of the outer one: it is said once
      if (error instanceof QuernError && !error.message.includes(path))
        error.message = `${path}: ${error.message}`;
      throw error;
    }
  }

  private context(path: string, run: Run): Context {
    const full = (name: string) => (path === '' ? name : `${path}.${name}`);
    return {
      training: run.training,
      path,
      parameter: (name, shape, initial) => this.leaf('parameter', full(name), shape, initial),
      state: (name, shape, initial, { trainingOnly = false } = {}) => {
        const leaf = this.leaf('state', full(name), shape, initial);
        if (trainingOnly) this.ofTraining.add(leaf);
        return leaf;
      },
      random: (purpose = 'random') => randomKey(run.key.key, [path, purpose], run.key.step),
      update: (leaf, value) => {
        if (!run.training) throw new PlanError(`${leaf.name}: only a training step updates a layer's state`);
        if (this.leaves.get(leaf.name) !== leaf)
          throw new UsageError(`${leaf.name}: is no state of this model`);
        run.updates.push([leaf, value]);
      },
      apply: (name, part, x) => this.applyLayer(full(name), part, x, run),
    };
  }

  private leaf(kind: 'parameter' | 'state', path: string, shape: Shape, initial: InitialValue): Leaf {
    const known = this.leaves.get(path);
    if (known === undefined) {
      this.inspector?.leaf(path, shape);
      const made =
        kind === 'parameter'
          ? parameter(path, shape, initial, { seed: this.seed })
          : state(path, shape, initial);
      this.leaves.set(path, made);
      return made;
    }
    if (known.kind !== kind || !sameShape(known.shape, shape)) {
      throw new PlanError(
        `${path}: asked for as ${kind} ${formatShape(shape)} and before as ${known.kind} ${formatShape(known.shape)}`,
        {
          hint: 'A layer that is applied twice takes inputs of one shape; its values have names of their own.',
        },
      );
    }
    return known;
  }
}

/** Throws a UsageError for what is no model, such as a layer. */
export function checkModel(what: string, value: unknown): void {
  if (value instanceof Model) return;
  const hint = 'new Model(layer, [28, 28, 1]) makes one of a layer.';
  throw wrongKind(what, 'a model', value, hint);
}
