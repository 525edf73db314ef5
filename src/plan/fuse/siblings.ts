/** Steps that differ only in which of their kernel's results they give become one that gives them all. */
import { sameOperand } from '../../../kernels/fusion.js';
import { contracts, type KernelKind, type Specifications } from '../../../kernels/kinds.js';
import { exactJson } from '../../core/json.js';
import { at } from '../../core/lists.js';
import type { DraftOperand, DraftStep } from '../draft.js';
import type { Limits } from '../limits.js';
import type { Uses } from '../uses.js';

/** The work of a step without the results that it gives. */
interface Work {
  readonly kind: KernelKind;
  readonly specification: Specifications[KernelKind];
  readonly inputs: readonly DraftOperand[];
}

/** The names of the results that a specification gives, in the order of its outputs; undefined for a single one. */
export function resultsOf({ kind, specification }: Pick<Work, 'kind' | 'specification'>) {
  if (contracts[kind].results === undefined) return undefined;
  return (specification as { outputs: readonly string[] }).outputs;
}

/** Tells whether two steps do the same work, apart from which results they give. */
export function sameWork(a: Work, b: Work): boolean {
  const key = ({ kind, specification }: Work) =>
    exactJson(
      contracts[kind].results === undefined ? specification : { ...specification, outputs: undefined },
    );
  return (
    a.kind === b.kind &&
    a.inputs.length === b.inputs.length &&
    a.inputs.every((operand, i) => sameOperand(operand, at(b.inputs, i))) &&
    key(a) === key(b)
  );
}

/** Runs the pass, if the backend's kernels may have several outputs. */
export function mergeSiblings(uses: Uses, limits: Limits): void {
  if (limits.outputs < 2) return;
  const merged: DraftStep[] = [];
  for (const step of uses.steps) {
    const order: readonly string[] | undefined = contracts[step.kind].results;
    if (order === undefined) continue;
    const twin = merged.find((other) => sameWork(other, step));
    if (twin === undefined) {
      merged.push(step);
      continue;
    }
    const results = [twin, step].flatMap((part) =>
      resultsOf(part)!.map((name, i) => ({ name, output: at(part.outputs, i) })),
    );
    results.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
    uses.rewrite(twin, {
      specification: { ...twin.specification, outputs: results.map(({ name }) => name) } as never,
      outputs: results.map(({ output }) => output),
      label: `${twin.label} ${step.label}`,
    });
    uses.remove(step);
  }
}
