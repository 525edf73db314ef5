/**
 * Adjacent maps become one: a map that reads another's result, element for element, takes over its expression. The
 * result is still written where somebody else needs it (an optimizer's moments, say), as one more output.
 */
import { isWhole } from '../../../kernels/fusion.js';
import {
  countOperations,
  type Expression,
  hasRandom,
  input,
  simplify,
  substitute,
  walk,
} from '../../core/expression.js';
import { at } from '../../core/lists.js';
import { type Shape, sizeOf } from '../../core/shape.js';
import { type DraftOperand, isMap, type MapStep, OperandList, reshapeOperand, type Value } from '../draft.js';
import type { Limits } from '../limits.js';
import type { Uses } from '../uses.js';

/** A map that reads only single elements (a dropout mask: random numbers and constants) costs less than its memory. */
function isCheap(step: MapStep): boolean {
  return step.inputs.every((operand) => operand.value.size <= 1) && sizeOf(at(step.outputs, 0).shape) > 1;
}

export function randomMayFuse(limits: Limits, ...expressions: readonly Expression[]): boolean {
  return limits.fuseRandom || !expressions.some(hasRandom);
}

/** An operand that is read twice is printed twice: chains of squares would grow without end. */
const mostOperations = 256;

/** Tells whether expressions stay short enough when operand `index` gives way to one of `length(index)` operations. */
export function fitsTogether(expressions: readonly Expression[], length: (index: number) => number): boolean {
  let operations = 0;
  for (const expression of expressions) {
    walk(expression, (part) => {
      operations += part.type === 'input' ? length(part.index) : part.type === 'constant' ? 0 : 1;
    });
  }
  return operations <= mostOperations;
}

/** The expression of an output that is the same number everywhere, or undefined. */
function uniformValue(producer: MapStep, value: Value): Expression | undefined {
  const expression = expressionOf(producer, value);
  // a number that is stored as uint8 wraps around
  let uniform = value.dtype !== 'uint8';
  walk(expression, (part) => {
    if (part.type === 'input' || part.type === 'random') uniform = false;
  });
  return uniform ? expression : undefined;
}

function expressionOf(producer: MapStep, value: Value): Expression {
  return at(
    producer.specification.expressions,
    producer.outputs.findIndex((output) => output.value === value),
  );
}

export interface Inlined {
  readonly expressions: Expression[];
  readonly inputs: DraftOperand[];
}

/**
 * `expressions` over `inputs`, with the producer's own expressions in place of every read of its outputs, and behind
 * them the expressions of `extra`, values of the producer that are still written. undefined where an operand of the
 * producer cannot be walked in `shape`, an output of it is not read element for element, or it would grow too long.
 */
export function inline(
  producer: MapStep,
  { expressions, inputs }: { expressions: readonly Expression[]; inputs: readonly DraftOperand[] },
  shape: Shape,
  extra: readonly Value[] = [],
): Inlined | undefined {
  const made = new Set(producer.outputs.map(({ value }) => value));
  const plain = (operand: DraftOperand) => operand.value.dtype !== 'uint8' && isWhole(operand);
  const reads = inputs.filter((operand) => made.has(operand.value));
  if (reads.some((operand) => !plain(operand) && uniformValue(producer, operand.value) === undefined))
    return undefined;
  const moved = producer.inputs.map((operand) => reshapeOperand(operand, shape));
  if (reads.some(plain) && moved.includes(undefined)) return undefined;
  const lengths = new Map(
    producer.outputs.map(({ value }) => [value, countOperations(expressionOf(producer, value))]),
  );
  if (!fitsTogether(expressions, (index) => lengths.get(at(inputs, index).value) ?? 0)) return undefined;
  const list = new OperandList();
  const fromProducer = (value: Value) =>
    substitute(expressionOf(producer, value), ({ index, dtype }) => input(list.add(moved[index]!), dtype));
  const rewritten = expressions.map((expression) =>
    substitute(expression, ({ index, dtype }) => {
      const operand = at(inputs, index);
      return made.has(operand.value) ? fromProducer(operand.value) : input(list.add(operand), dtype);
    }),
  );
  return { expressions: [...rewritten, ...extra.map(fromProducer)].map(simplify), inputs: list.operands };
}

/** Tries to take `producer` into `consumer`; tells whether it did, wholly or as a copy. */
function merge(
  consumer: MapStep,
  producer: MapStep,
  uses: Uses,
  { limits, outputs }: { limits: Limits; outputs: number },
): boolean {
  const { expressions } = consumer.specification;
  const { shape } = at(consumer.outputs, 0);
  const remaining = producer.outputs.filter(({ value }) => !uses.onlyUsedBy(value, consumer));
  const uniform = producer.outputs.every(({ value }) => uniformValue(producer, value) !== undefined);
  const copies = remaining.length > 0 && (uniform || isCheap(producer));
  const written = copies ? [] : remaining;
  if (written.length > 0 && sizeOf(shape) !== sizeOf(at(producer.outputs, 0).shape)) return false;
  const extra = written.map(({ value }) => value);
  const merged = inline(producer, { expressions, inputs: consumer.inputs }, shape, extra);
  if (merged === undefined || merged.inputs.length > limits.inputs) return false;
  if (!randomMayFuse(limits, ...merged.expressions)) return false;
  if (written.length > 0 && consumer.outputs.length + written.length > outputs) return false;
  const others = extra.flatMap((value) => [...uses.readersOf(value)]).filter((step) => step !== consumer);
  if (others.some((step) => uses.reaches(step, consumer))) return false;
  uses.rewrite(consumer, {
    specification: { expressions: merged.expressions },
    inputs: merged.inputs,
    outputs: [...consumer.outputs, ...extra.map((value) => ({ value, shape }))],
    label: copies ? consumer.label : `${producer.label} ${consumer.label}`,
  });
  if (!copies) uses.remove(producer);
  return true;
}

/**
 * Runs the pass. With `outputs` 1 a map moves only where nobody else needs its result; with more, a map that has
 * several users moves into one of them, which then writes its result too.
 */
export function fuseMaps(uses: Uses, limits: Limits, outputs: number): void {
  for (const consumer of uses.inOrder()) {
    if (!isMap(consumer)) continue;
    const grows = () =>
      consumer.inputs.some(({ value }) => {
        const producer = uses.makerOf(value);
        return isMap(producer) && merge(consumer, producer, uses, { limits, outputs });
      });
    while (grows());
  }
}
