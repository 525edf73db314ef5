/** Applies what the contracts of kernels say they take over of their neighbors' work (kernels/fusion.ts). */
import { isPlain } from '../../../kernels/contract.js';
import {
  type Absorption,
  type FusionStep,
  isWhole,
  type MakerRule,
  type ReaderRule,
  type Rewrite,
  type Source,
} from '../../../kernels/fusion.js';
import { contracts } from '../../../kernels/kinds.js';
import { type Shape, sameShape, sizeOf } from '../../core/shape.js';
import { type DraftOperand, type DraftStep, isMap, type MapStep, wholeOperand } from '../draft.js';
import type { Limits } from '../limits.js';
import type { Uses } from '../uses.js';
import { inline } from './maps.js';
import { resultsOf, sameWork } from './siblings.js';

/** A rule with its kinds forgotten: what it is shown was compared with its `kind` before. */
interface AnyRule<Rule extends MakerRule<never> | ReaderRule<never>> {
  readonly kind: DraftStep['kind'];
  rewrite(...args: Parameters<Rule['rewrite']>): Rewrite<object> | undefined;
}

function rulesOf(step: DraftStep): Absorption<never> {
  return (contracts[step.kind].absorbs ?? {}) as Absorption<never>;
}

/** Tells whether the operand reads all of a result of that shape as it is. */
function readsWhole(operand: DraftOperand, shape: Shape): boolean {
  return isWhole(operand) && sameShape(operand.shape, shape);
}

/** Lets steps read through what made their inputs, until nothing changes. */
export function absorbMakers(uses: Uses, limits: Limits): void {
  for (const step of uses.steps) {
    while (rulesOf(step).makers?.some((rule) => absorbMaker(uses, limits, step, rule)));
  }
}

function absorbMaker(uses: Uses, limits: Limits, step: DraftStep, rule: MakerRule<never>): boolean {
  return step.inputs.some((operand, at) => {
    const maker = uses.makerOf(operand.value);
    if (maker?.kind !== rule.kind || maker.outputs[0]!.value !== operand.value) return false;
    if (!readsWhole(operand, maker.outputs[0]!.shape)) return false;
    const { rewrite } = rule as AnyRule<MakerRule<never>>;
    const change = rewrite(step as never, at, maker as never);
    return apply({ uses, limits }, step, change);
  });
}

/** Lets steps take over what alone reads their first result. */
export function absorbReaders(uses: Uses, limits: Limits): void {
  for (const step of uses.steps) {
    while (rulesOf(step).readers?.some((rule) => absorbReader(uses, limits, step, rule)));
  }
}

function absorbReader(uses: Uses, limits: Limits, step: DraftStep, rule: ReaderRule<never>): boolean {
  const { value, shape } = step.outputs[0]!;
  const reader = uses.soleReader(value);
  if (reader?.kind !== rule.kind) return false;
  const reads = reader.inputs.filter((operand) => operand.value === value);
  if (reads.length !== 1 || !readsWhole(reads[0]!, shape)) return false;
  const shown = isMap(reader) ? expanded(uses, reader) : reader;
  const { rewrite } = rule as AnyRule<ReaderRule<never>>;
  const makerOf = (operand: DraftOperand) => uses.makerOf(operand.value);
  const change = rewrite(step as never, shown as never, makerOf);
  const outputs = [...reader.outputs, ...step.outputs.slice(1)];
  if (!apply({ uses, limits }, step, change, { outputs, label: `${step.label} ${reader.label}` }))
    return false;
  uses.remove(reader);
  return true;
}

/** The map with the maps in it that only it reads. */
function expanded(uses: Uses, map: MapStep): FusionStep<MapStep['specification']> {
  let shown: Pick<MapStep, 'specification' | 'inputs' | 'outputs'> = map;
  for (let again = true; again; ) {
    again = shown.inputs.some(({ value }) => {
      const maker = uses.makerOf(value);
      if (!isMap(maker) || maker.outputs.length > 1 || uses.soleReader(value) === undefined) return false;
      const { shape } = map.outputs[0]!;
      const inlined = inline(maker, { ...shown.specification, inputs: shown.inputs }, shape);
      if (inlined === undefined) return false;
      shown = { ...shown, specification: { expressions: inlined.expressions }, inputs: inlined.inputs };
      return true;
    });
  }
  return shown;
}

/** Makes the step what the rewrite says, if there is one and the backend allows it; tells whether it did. */
function apply(
  { uses, limits }: { uses: Uses; limits: Limits },
  step: DraftStep,
  rewrite: Rewrite<object> | undefined,
  change: { outputs?: DraftStep['outputs']; label?: string } = {},
): boolean {
  if (rewrite === undefined || rewrite.inputs.length > limits.inputs) return false;
  if (limits.absorbs !== true && !isPlain(rewrite.specification)) return false;
  const inputs = rewrite.inputs.map((source) => operandOf(uses, source, step.position));
  uses.rewrite(step, { ...change, specification: rewrite.specification as never, inputs });
  return true;
}

/** The operand that a rewrite asks for; what no step of the plan gives yet, a new one does. */
function operandOf(uses: Uses, source: Source, position: number): DraftOperand {
  if (!('kind' in source)) return source;
  const { kind, specification, shape, dtype, label } = source;
  const inputs = source.inputs.map((part) => operandOf(uses, part, position));
  const work = { kind, specification, inputs };
  const at = (step: DraftStep) => resultsOf(step)?.indexOf(resultsOf(work)![0]!) ?? 0;
  const present = [...uses.readersOf(inputs[0]!.value)].find((step) => sameWork(step, work) && at(step) >= 0);
  if (present !== undefined) return wholeOperand(present.outputs[at(present)]!.value, shape);
  const value = { dtype, size: sizeOf(shape) };
  uses.add({ ...work, outputs: [{ value, shape }], label, position } as DraftStep);
  return wholeOperand(value, shape);
}
