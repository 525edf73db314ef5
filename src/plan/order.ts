/** The order of steps, and where updates are written. */
import { at } from '../core/lists.js';
import { contiguousView, isContiguous } from '../core/view.js';
import { type Draft, type DraftStep, isMap, topological, type Value, wholeOperand } from './draft.js';
import { copyStep } from './lower.js';
import { Uses } from './uses.js';

/** The value that ends in a leaf at the end of a step. */
export interface PlacedUpdate {
  readonly leaf: Value;
  readonly value: Value;
  /** The value is written to the leaf's own memory. */
  readonly inPlace: boolean;
}

/** Every update gets a whole value of its own, made by a step: a leaf, a view or a shared value is copied. */
function isolateUpdates(draft: Draft): void {
  const taken = new Set<Value>();
  for (const update of draft.updates) {
    const { operand } = update;
    const whole = isContiguous(operand) && operand.offset === 0 && operand.value.size === update.leaf.size;
    if (operand.value.leaf === undefined && whole && !taken.has(operand.value)) {
      taken.add(operand.value);
      continue;
    }
    const copy = copyStep(operand, operand.shape, Number.MAX_SAFE_INTEGER);
    draft.steps.push(copy);
    update.operand = wholeOperand(at(copy.outputs, 0).value, operand.shape);
    taken.add(update.operand.value);
  }
}

/** An output that shows a leaf which the step updates must show the old value: it is copied before. */
function isolateOutputs(draft: Draft): void {
  const updated = new Set(draft.updates.map(({ leaf }) => leaf));
  for (const output of draft.outputs) {
    const { leaf } = output.operand.value;
    if (leaf === undefined || !updated.has(leaf)) continue;
    const copy = copyStep(output.operand, output.operand.shape, -1);
    draft.steps.push(copy);
    output.operand = wholeOperand(at(copy.outputs, 0).value, output.operand.shape);
  }
}

/** Tells whether the step reads the leaf so that it may overwrite it as it goes: a map, element by element. */
function overwrites(step: DraftStep, leaf: Value): boolean {
  const whole = contiguousView(at(step.outputs, 0).shape);
  return step.inputs.every(
    (operand) =>
      operand.value !== leaf ||
      (step.kind === 'map' &&
        operand.offset === 0 &&
        isContiguous(operand) &&
        operand.shape.length === whole.shape.length &&
        operand.value.size === at(step.outputs, 0).value.size),
  );
}

/**
 * Orders the steps. With `inPlace`, an update is computed straight into its leaf where every other reader of the old
 * value can come before; otherwise a copy at the end moves it there.
 */
export function order(draft: Draft, inPlace: boolean): { steps: DraftStep[]; updates: PlacedUpdate[] } {
  isolateOutputs(draft);
  isolateUpdates(draft);
  const uses = new Uses(draft);
  const after = new Map<DraftStep, Set<DraftStep>>();
  const updates: PlacedUpdate[] = [];
  const leafValues = new Map(
    draft.steps.flatMap((step) => step.inputs.map(({ value }) => [value.leaf, value] as const)),
  );
  for (const { leaf, operand } of draft.updates) {
    const leafValue = leafValues.get(leaf) ?? { dtype: leaf.dtype, size: leaf.size, leaf };
    if (!inPlace) {
      updates.push({ leaf: leafValue, value: operand.value, inPlace: false });
      continue;
    }
    const writer = uses.makerOf(operand.value)!;
    // an update follows what it is made of, while that is still in the cache
    const made = writer.inputs.map(({ value }) => uses.makerOf(value)?.position ?? -1);
    if (isMap(writer)) writer.position = Math.max(-1, ...made);
    const readers = [...uses.readersOf(leafValue)].filter((step) => step !== writer);
    const before = after.get(writer) ?? new Set();
    const ordered = new Map(after).set(writer, new Set([...before, ...readers]));
    if (overwrites(writer, leafValue) && topological(draft.steps, ordered).length === draft.steps.length) {
      after.set(writer, ordered.get(writer)!);
      updates.push({ leaf: leafValue, value: operand.value, inPlace: true });
      continue;
    }
    const copy = copyStep(operand, leaf.shape, Number.MAX_SAFE_INTEGER);
    draft.steps.push(copy);
    after.set(copy, new Set(uses.readersOf(leafValue)));
    updates.push({ leaf: leafValue, value: at(copy.outputs, 0).value, inPlace: true });
  }
  return { steps: topological(draft.steps, after), updates };
}
