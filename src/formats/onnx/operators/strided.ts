/**
 * `as_strided` as PyTorch's newer exporter spells it out behind an average pool over whole images: Reshape to one row of all
 * examples, Gather by places that Range, Mul and Add make of the batch's size. Read where it leaves the order as it is.
 */
import { ModelError } from '../../../core/errors.js';
import { formatShape, sizeOf } from '../../../core/shape.js';
import { constantInput, type Operator } from '../call.js';
import { batch, numbers, shapeOf, type Value, type Whole } from '../values.js';
import { reshaped } from './shapes.js';

/** The size of the batch that places are computed for. */
const assumed = 2;

/** Numbers from 0 on, as many as there are examples. */
export const range: Operator = (call) => {
  const [start, limit, step] = [0, 1, 2].map((index) => constantInput(call, index)?.data[0]);
  if (start !== 0 || step !== 1 || limit !== batch)
    throw new ModelError(`${call.what}: is read over the examples of a batch alone`);
  return { ...numbers([assumed], [0, 1]), type: 'indices' };
};

/** An operator one of whose inputs is such a row, or such places. */
export function readStrided(call: Parameters<Operator>[0], operator: Operator): Value {
  const [first, places] = call.inputs;
  const gathers = call.node.opType === 'Gather' && call.attributes.int('axis', 0) === 0;
  if (gathers && first?.type === 'whole') return picked(call, first, places);
  if (call.inputs.some((value) => value?.type === 'whole')) {
    throw new ModelError(`${call.what}: takes all examples as one row`);
  }
  const inputs = call.inputs.map((value): typeof value =>
    value?.type === 'indices' ? { ...value, type: 'constant' } : value,
  );
  const value = operator({ ...call, inputs });
  if (value.type !== 'constant')
    throw new ModelError(`${call.what}: places of elements are not read as values`);
  return { ...value, type: 'indices' };
}

function picked(call: Parameters<Operator>[0], { of }: Whole, places: Value | undefined): Value {
  if (places?.type !== 'indices' && places?.type !== 'constant')
    throw new ModelError(`${call.what}: its places are not numbers that the file holds`);
  const { shape, data } = places;
  const size = sizeOf(shapeOf(of));
  const target = shape.slice(1);
  const inOrder = Array.from(data).every((place, i) => place === i);
  if (!inOrder || sizeOf(target) !== size || data.length !== sizeOf(shape)) {
    throw new ModelError(
      `${call.what}: elements of ${formatShape(shapeOf(of))} in another order (as_strided) are not read`,
    );
  }
  return reshaped(call, of, target);
}
