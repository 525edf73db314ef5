/** One operator of a graph, as it is read. */

import { ModelError } from '../../core/errors.js';
import type { NodeProto } from '../../vendor/onnx.js';
import type { Made, Tape } from '../tape.js';
import type { Attributes } from './decode.js';
import type { Activation, Numbers, Value } from './values.js';

export interface Call {
  readonly tape: Tape;
  readonly node: NodeProto;
  /** Names the layer that is made of it. */
  readonly name: string;
  /** Begins errors: the operator and its name. */
  readonly what: string;
  readonly attributes: Attributes;
  readonly inputs: readonly (Value | undefined)[];
  readonly opset: number;
  /** How many operators read the value of that name. */
  uses(name: string): number;
  /** Which of the graph's values a draft has made last. */
  valueOf(draft: string): string | undefined;
  /** A value as an activation: the input becomes one, its scale is that of the model's pixels. */
  activation(value: Value | undefined): Activation;
}

export type Operator = (call: Call) => Value;

/** The activation that is the operator's input. */
export const inputOf = (call: Call, index = 0): Activation => call.activation(call.inputs[index]);

export function constantInput(call: Call, index: number): Numbers | undefined {
  const value = call.inputs[index];
  if (value === undefined) return undefined;
  if (value.type !== 'constant') throw new ModelError(`${call.what}: its input ${index} is not a constant`);
  return value;
}

export const add = (call: Call, kind: string, options: Parameters<Tape['add']>[2], input: Made): Made =>
  call.tape.add(call.name, kind, options, [input]);
