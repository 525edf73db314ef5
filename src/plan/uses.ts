/** The index that all passes share: the steps of a draft, and which of them make and read each value. */
import type { KernelKind } from '../../kernels/kinds.js';
import { type Draft, type DraftStep, topological, type Value } from './draft.js';

type Change<K extends KernelKind> = Partial<Omit<DraftStep<K>, 'kind' | 'position'>>;

/** Steps are changed through it alone, so that it is never made anew. A step whose results are not read any more is removed. */
export class Uses {
  /** Unordered. */
  readonly steps = new Set<DraftStep>();
  readonly updates: Draft['updates'];
  /** Values that must exist when the plan ends: outputs and updates. */
  readonly kept = new Set<Value>();
  private readonly makers = new Map<Value, DraftStep>();
  private readonly readers = new Map<Value, Set<DraftStep>>();

  constructor({ steps, outputs, updates }: Draft) {
    for (const { operand } of [...outputs, ...updates]) this.kept.add(operand.value);
    this.updates = updates;
    for (const step of steps) this.add(step);
  }

  makerOf(value: Value): DraftStep | undefined {
    return this.makers.get(value);
  }

  readersOf(value: Value): ReadonlySet<DraftStep> {
    return this.readers.get(value) ?? new Set();
  }

  /** The only step that reads the value; undefined where there are several, or none, or the value is kept. */
  soleReader(value: Value): DraftStep | undefined {
    const readers = this.readersOf(value);
    if (this.kept.has(value) || readers.size !== 1) return undefined;
    const [reader] = readers;
    return reader;
  }

  /** Tells whether nothing but `step`, if even that, reads the value or keeps it. */
  onlyUsedBy(value: Value, step: DraftStep): boolean {
    const readers = this.readersOf(value);
    return !this.kept.has(value) && (readers.size === 0 || (readers.size === 1 && readers.has(step)));
  }

  /** Tells whether `to` depends on `from`, directly or through other steps. */
  reaches(from: DraftStep, to: DraftStep): boolean {
    const seen = new Set<DraftStep>();
    const stack = [from];
    for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
      if (step === to) return true;
      if (seen.has(step)) continue;
      seen.add(step);
      for (const { value } of step.outputs) stack.push(...this.readersOf(value));
    }
    return false;
  }

  /** The steps so that each comes after those it depends on. */
  inOrder(): DraftStep[] {
    return topological([...this.steps]);
  }

  add(step: DraftStep): void {
    this.steps.add(step);
    for (const { value } of step.outputs) this.makers.set(value, step);
    for (const { value } of step.inputs) this.noteReader(value, step);
  }

  /** Removes the step and what only it needed. What another step makes by now stays that step's. */
  remove(step: DraftStep): void {
    if (!this.steps.delete(step)) return;
    for (const { value } of step.outputs) if (this.makers.get(value) === step) this.makers.delete(value);
    for (const { value } of step.inputs) this.dropReader(value, step);
  }

  /** Changes the step; makers of inputs that it no longer reads go if nobody else does. */
  rewrite<K extends KernelKind>(step: DraftStep<K>, change: Change<K>): void;
  rewrite(step: DraftStep, change: Change<KernelKind>): void {
    const { inputs, outputs } = step;
    Object.assign(step, change);
    for (const { value } of outputs) if (this.makers.get(value) === step) this.makers.delete(value);
    for (const { value } of step.outputs) this.makers.set(value, step);
    for (const { value } of step.inputs) this.noteReader(value, step);
    const read = new Set(step.inputs.map(({ value }) => value));
    for (const { value } of inputs) if (!read.has(value)) this.dropReader(value, step);
  }

  private noteReader(value: Value, step: DraftStep): void {
    const readers = this.readers.get(value);
    if (readers === undefined) this.readers.set(value, new Set([step]));
    else readers.add(step);
  }

  private dropReader(value: Value, step: DraftStep): void {
    this.readers.get(value)?.delete(step);
    const maker = this.makers.get(value);
    const unused = (made: Value) =>
      this.makers.get(made) !== maker || (!this.kept.has(made) && this.readersOf(made).size === 0);
    if (maker?.outputs.every((output) => unused(output.value))) this.remove(maker);
  }
}
