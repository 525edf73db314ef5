/** A map before a reduction, or whatever kernel begins with pointwise work, becomes its prologue. */
import { at } from '../../core/lists.js';
import type { DraftStep } from '../draft.js';
import { isMap } from '../draft.js';
import type { Limits } from '../limits.js';
import type { Uses } from '../uses.js';
import { inline, randomMayFuse } from './maps.js';
import { prologueOf, setPrologue } from './places.js';

/** Takes maps that only one step reads into its prologue. */
export function fusePrologues(uses: Uses, limits: Limits): void {
  for (const step of uses.steps) while (takePrologue(uses, step, limits));
}

function takePrologue(uses: Uses, step: DraftStep, limits: Limits): boolean {
  const prologue = prologueOf(step);
  if (prologue === undefined) return false;
  for (const operand of step.inputs) {
    const map = uses.makerOf(operand.value);
    if (!isMap(map) || map.outputs.length > 1 || !uses.onlyUsedBy(operand.value, step)) continue;
    const merged = inline(map, { expressions: [prologue], inputs: step.inputs }, at(step.inputs, 0).shape);
    if (merged === undefined || merged.inputs.length > limits.inputs) continue;
    if (!randomMayFuse(limits, ...merged.expressions) || merged.inputs.length === 0) continue;
    const label = `${map.label} ${step.label}`;
    setPrologue(uses, step, { prologue: at(merged.expressions, 0), inputs: merged.inputs, label });
    return true;
  }
  return false;
}
