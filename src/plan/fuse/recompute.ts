/**
 * A map of a few operations on one large operand, which is in memory anyway, is computed again by each of its readers
 * instead of being stored: the centered images of a batch normalization, say. They read as much as before, and one pass
 * over memory and its result are gone.
 */
import { isWhole } from '../../../kernels/fusion.js';
import { countOperations, type Expression, type PointwiseFunction, walk } from '../../core/expression.js';
import { at } from '../../core/lists.js';
import { type DraftStep, isMap, type MapStep } from '../draft.js';
import type { Limits } from '../limits.js';
import type { Uses } from '../uses.js';
import { type Inlined, inline } from './maps.js';
import { prologueOf, setPrologue } from './places.js';

/** Operations that are hidden behind the memory access they save: a few, and none that takes many cycles. */
const mostOperations = 2;
const slow: readonly PointwiseFunction[] = ['divide', 'power', 'exp', 'log', 'sqrt', 'tanh'];

function isCheap(expression: Expression): boolean {
  let cheap = countOperations(expression) <= mostOperations;
  walk(expression, (part) => {
    if (part.type === 'random' || (part.type === 'call' && slow.includes(part.function))) cheap = false;
  });
  return cheap;
}

/** The others are a row of the large operand, or less, as a rule. */
const smallShare = 1 / 16;

/** Tells whether the map reads one large operand, which others need too, and otherwise little. */
function isWorthRepeating(map: MapStep, uses: Uses): boolean {
  const { value } = at(map.outputs, 0);
  const [expression] = map.specification.expressions;
  if (map.outputs.length > 1 || uses.kept.has(value) || value.dtype === 'uint8') return false;
  if (!isCheap(expression!)) return false;
  const large = map.inputs.filter((operand) => operand.value.size > value.size * smallShare);
  if (large.length !== 1 || !isWhole(at(large, 0)) || at(large, 0).value.size !== value.size) return false;
  const source = at(large, 0).value;
  return source.leaf !== undefined || uses.kept.has(source) || uses.readersOf(source).size > 1;
}

/** The reader with the map's expression in it, or undefined where that is not possible. */
function inlined(reader: DraftStep, map: MapStep, limits: Limits): Inlined | undefined {
  const prologue = prologueOf(reader);
  const merged = isMap(reader)
    ? inline(map, { ...reader.specification, inputs: reader.inputs }, at(reader.outputs, 0).shape)
    : prologue && inline(map, { expressions: [prologue], inputs: reader.inputs }, at(reader.inputs, 0).shape);
  return merged !== undefined && merged.inputs.length <= limits.inputs ? merged : undefined;
}

/** Runs the pass, before epilogues and prologues are made. A map that any reader must have in memory stays. */
export function repeatCheapMaps(uses: Uses, limits: Limits): void {
  for (const map of uses.inOrder()) {
    if (!isMap(map) || !isWorthRepeating(map, uses)) continue;
    const readers = [...uses.readersOf(at(map.outputs, 0).value)];
    const changes = readers.map((reader) => inlined(reader, map, limits));
    if (readers.length < 2 || changes.includes(undefined)) continue;
    readers.forEach((reader, i) => {
      const { expressions, inputs } = changes[i]!;
      const label = `${map.label} ${reader.label}`;
      if (isMap(reader)) uses.rewrite(reader, { specification: { expressions }, inputs, label });
      else setPrologue(uses, reader, { prologue: at(expressions, 0), inputs, label });
    });
  }
}
