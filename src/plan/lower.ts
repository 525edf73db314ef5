/** From the graph of one step to a draft: one kernel per node, views folded into operands. */
import { sameOperand } from '../../kernels/fusion.js';
import { contracts, type KernelKind } from '../../kernels/kinds.js';
import { PlanError } from '../core/errors.js';
import { computeType, input } from '../core/expression.js';
import { exactJson } from '../core/json.js';
import { at } from '../core/lists.js';
import { formatShape, type Shape, sameShape, sizeOf } from '../core/shape.js';
import { isContiguous } from '../core/view.js';
import type { Op } from '../tensor/op.js';
import { reachable } from '../tensor/reachable.js';
import { Leaf, type Tensor } from '../tensor/tensor.js';
import { type Draft, type DraftOperand, type DraftStep, type Value, wholeOperand } from './draft.js';

/** The results of a traced step: values to hand back, and new values for leaves, which take effect at its end. */
export interface Traced {
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly updates: readonly (readonly [Leaf, Tensor])[];
}

function checkUpdates(updates: Traced['updates']): void {
  const seen = new Set<Leaf>();
  for (const [leaf, value] of updates) {
    if (!(leaf instanceof Leaf) || (leaf.kind !== 'parameter' && leaf.kind !== 'state')) {
      throw new PlanError(`updates: only a parameter or a state can be updated, not ${leaf}`);
    }
    if (seen.has(leaf)) throw new PlanError(`updates: ${leaf.name} is updated twice in one step`);
    seen.add(leaf);
    if (!sameShape(leaf.shape, value.shape) || leaf.dtype !== value.dtype) {
      throw new PlanError(
        `updates: ${leaf.name} cannot take another shape or dtype: ${leaf.dtype}${formatShape(leaf.shape)} and ${value.dtype}${formatShape(value.shape)}`,
      );
    }
  }
}

/** Lowers a traced step. With `share`, nodes that compute the same thing become one. */
export function lower(traced: Traced, share: boolean): Draft {
  checkUpdates(traced.updates);
  const lowering = new Lowering();
  const operands = new Map<Tensor, DraftOperand>();
  const known = new Map<string, Tensor>();
  const numbers = new Map<object, number>();
  const numberOf = (thing: object) => {
    if (!numbers.has(thing)) numbers.set(thing, numbers.size);
    return numbers.get(thing)!;
  };

  const results = [...Object.values(traced.outputs), ...traced.updates.map(([, value]) => value)];
  for (const node of reachable(results)) {
    const single = node instanceof Leaf && node.kind === 'constant' && node.size === 1;
    if (share && (node.inputs.length > 0 || single)) {
      // operands of equal nodes are the same objects already, so their numbers tell them apart
      const sources = node.inputs.map((source) => numberOf(operands.get(source)!));
      const attributes = single ? node.initial()[0] : node.attributes;
      const key = exactJson([numberOf(node.op as Op<never>), attributes, sources, node.shape, node.dtype]);
      const twin = known.get(key);
      if (twin !== undefined) {
        operands.set(node, operands.get(twin)!);
        continue;
      }
      known.set(key, node);
    }
    operands.set(node, lowering.node(node, operands));
  }
  return {
    steps: lowering.steps,
    outputs: Object.entries(traced.outputs).map(([name, tensor]) => ({
      name,
      dtype: tensor.dtype,
      operand: operands.get(tensor)!,
    })),
    updates: traced.updates.map(([leaf, value]) => ({ leaf, operand: operands.get(value)! })),
  };
}

class Lowering {
  readonly steps: DraftStep[] = [];
  private readonly copies: { from: DraftOperand; to: DraftOperand }[] = [];

  node(node: Tensor, operands: ReadonlyMap<Tensor, DraftOperand>): DraftOperand {
    if (node instanceof Leaf) {
      return wholeOperand({ dtype: node.dtype, size: node.size, leaf: node }, node.shape);
    }
    const lowered = node.op.lower(node);
    if (lowered.type === 'view') {
      const source = operands.get(at(node.inputs, 0))!;
      const direct = lowered.view(source);
      if (direct !== undefined) return { value: source.value, ...direct };
      const copy = this.contiguous(source, node);
      return { value: copy.value, ...lowered.view(copy)! };
    }
    if (lowered.type === 'leaf') throw new PlanError(`${node.op.name}: only a Leaf lowers to a leaf`);
    const strided = contracts[lowered.kind as KernelKind].layout === 'strided';
    const inputs = node.inputs.map((source) => {
      const operand = operands.get(source)!;
      return strided ? operand : this.contiguous(operand, node);
    });
    const value: Value = { dtype: node.dtype, size: node.size };
    this.steps.push({
      kind: lowered.kind,
      specification: lowered.specification,
      inputs,
      outputs: [{ value, shape: node.shape }],
      label: node.op.name,
      position: node.id,
    } as DraftStep);
    return wholeOperand(value, node.shape);
  }

  /** The operand itself where it is row-major without gaps, else a copy that is. */
  private contiguous(operand: DraftOperand, user: Tensor): DraftOperand {
    if (isContiguous(operand)) return operand;
    const made = this.copies.find(({ from }) => sameOperand(from, operand));
    if (made !== undefined) return made.to;
    const step = copyStep(operand, operand.shape, user.id);
    this.steps.push(step);
    const to = wholeOperand(at(step.outputs, 0).value, operand.shape);
    this.copies.push({ from: operand, to });
    return to;
  }
}

/** A map that writes the operand, row-major, into a value of its own. */
export function copyStep(operand: DraftOperand, shape: Shape, position: number): DraftStep<'map'> {
  const { dtype } = operand.value;
  return {
    kind: 'map',
    specification: { expressions: [input(0, computeType(dtype))] },
    inputs: [operand],
    outputs: [{ value: { dtype, size: sizeOf(shape) }, shape }],
    label: 'copy',
    position,
  };
}
