/** The rewriting passes in their order, and the small ones: constants, copies, siblings. */
import { constantOf, type Expression, input, simplify, substitute } from '../core/expression.js';
import {
  type Draft,
  type DraftOperand,
  type DraftStep,
  isMap,
  OperandList,
  removeDead,
  sameOperand,
  topological,
  type Value,
} from './draft.js';
import { fuseEpilogues, fusePrologues } from './epilogues.js';
import { fuseMaps, keepsIndex } from './fuseMaps.js';
import type { Limits } from './limits.js';
import { fusePools } from './pools.js';
import { repeatCheapMaps } from './recompute.js';
import { routeGradients } from './routes.js';

/** Rewrites the draft in place into fewer, larger steps that the backend's limits allow. */
export function fuse(draft: Draft, limits: Limits): void {
  removeDead(draft);
  foldConstants(draft);
  forwardCopies(draft);
  mergeSiblings(draft, limits);
  routeGradients(draft, limits);
  repeatCheapMaps(draft, limits);
  // results with one user first: a mask belongs to where it is used, not to where its operand is made
  fuseMaps(draft, limits, 1);
  fusePrologues(draft, limits);
  fuseEpilogues(draft, limits);
  fusePools(draft, limits);
  fuseEpilogues(draft, limits);
  fuseMaps(draft, limits, limits.outputs);
  removeDead(draft);
}

/** A constant of one element becomes a number in the expressions that read it. */
function foldConstants(draft: Draft): void {
  for (const step of draft.steps) {
    if (isMap(step)) {
      const folded = fold(step.specification.expressions, step.inputs);
      step.specification = { expressions: folded.expressions };
      step.inputs = folded.inputs;
    }
  }
}

function fold(
  expressions: readonly Expression[],
  inputs: readonly DraftOperand[],
): { expressions: Expression[]; inputs: DraftOperand[] } {
  const list = new OperandList();
  const folded = expressions.map((expression) =>
    substitute(expression, ({ index, dtype }) => {
      const operand = inputs[index]!;
      const { leaf } = operand.value;
      if (leaf?.kind === 'constant' && leaf.size === 1) return constantOf(leaf.initial()[0]!, dtype);
      return input(list.add(operand), dtype);
    }),
  );
  return { expressions: folded.map(simplify), inputs: list.operands };
}

/** A map that only passes an operand on (a multiplication by a gradient of 1, say) gives way to that operand. */
function forwardCopies(draft: Draft): void {
  const sources = new Map<Value, Value>();
  const follow = (operand: DraftOperand): DraftOperand => {
    const value = sources.get(operand.value);
    return value === undefined ? operand : { ...operand, value };
  };
  for (const step of topological(draft.steps)) {
    step.inputs = step.inputs.map(follow);
    const expression = isMap(step) ? step.specification.expressions[0]! : undefined;
    if (expression?.type !== 'input') continue;
    const operand = step.inputs[expression.index]!;
    const { value } = step.outputs[0]!;
    if (keepsIndex(operand) && operand.value.dtype === value.dtype) sources.set(value, operand.value);
  }
  for (const end of [...draft.outputs, ...draft.updates]) end.operand = follow(end.operand);
  removeDead(draft);
}

/** Kinds whose several results one pass can write: the specification names them in `outputs`. */
type SiblingStep = DraftStep<'maxPool'> | DraftStep<'softmaxCrossEntropy'>;

function isSibling(step: DraftStep): step is SiblingStep {
  return step.kind === 'maxPool' || step.kind === 'softmaxCrossEntropy';
}

/** In the order that the contracts prescribe. */
const resultOrder = ['values', 'indices', 'loss', 'gradient'];

function sameButOutputs(a: SiblingStep, b: SiblingStep): boolean {
  const key = (step: SiblingStep) => JSON.stringify({ ...step.specification, outputs: undefined });
  return (
    a.kind === b.kind &&
    key(a) === key(b) &&
    a.inputs.every((operand, i) => sameOperand(operand, b.inputs[i]!))
  );
}

function mergeSiblings(draft: Draft, limits: Limits): void {
  if (limits.outputs < 2) return;
  const merged: DraftStep[] = [];
  for (const step of draft.steps) {
    const twin = isSibling(step)
      ? merged.find((other): other is SiblingStep => isSibling(other) && sameButOutputs(other, step))
      : undefined;
    if (twin === undefined || !isSibling(step)) {
      merged.push(step);
      continue;
    }
    const results = [twin, step].flatMap((part) =>
      part.specification.outputs.map((name, i) => ({ name, output: part.outputs[i]! })),
    );
    results.sort((a, b) => resultOrder.indexOf(a.name) - resultOrder.indexOf(b.name));
    twin.specification = { ...twin.specification, outputs: results.map(({ name }) => name) } as never;
    twin.outputs = results.map(({ output }) => output);
    twin.label = `${twin.label} ${step.label}`;
  }
  draft.steps = merged;
}
