/** The places for pointwise work in a specification, where the contract says that it has them. */
import type { Epilogue } from '../../../kernels/contract.js';
import { contracts } from '../../../kernels/kinds.js';
import type { Expression } from '../../core/expression.js';
import type { DraftOperand, DraftStep } from '../draft.js';
import type { Uses } from '../uses.js';

export function epilogueOf({ specification }: DraftStep): Epilogue | undefined {
  return (specification as { epilogue?: Epilogue }).epilogue;
}

/** The expression over the step's inputs that it is applied to, if there is one and no epilogue reads inputs as well. */
export function prologueOf(step: DraftStep): Expression | undefined {
  if (contracts[step.kind].prologue !== true || epilogueOf(step) !== undefined) return undefined;
  return (step.specification as { prologue: Expression }).prologue;
}

/** Gives the step another prologue, over other inputs. */
export function setPrologue(
  uses: Uses,
  step: DraftStep,
  { prologue, inputs, label }: { prologue: Expression; inputs: DraftOperand[]; label: string },
): void {
  uses.rewrite(step, { specification: { ...step.specification, prologue } as never, inputs, label });
}

/** Number of inputs that belong to the kernel itself, not to its epilogue. */
export function ownInputs(step: DraftStep): number {
  return step.inputs.length - (epilogueOf(step)?.operands ?? 0);
}
