/**
 * Prints an expression as source text of a gpu.js kernel. gpu.js reads the text itself, so nothing between here and
 * there (compiler, bundler, minifier) can rename or rewrite it.
 */

import { BackendError } from '../core/errors.js';
import type { Expression, PointwiseFunction } from '../core/expression.js';
import { at } from '../core/lists.js';

export interface GpuText {
  /** Declarations, one a line, that have to stand before `value`. */
  readonly statements: readonly string[];
  /** The name that holds the result. */
  readonly value: string;
}

/**
 * How each function is written over names of numbers. int32 values are numbers too: exact below 2^24, no wrapping.
 * Operands are names, never nested text: gpu.js's cpu printer joins `a - -3` to `a--3`, and it takes the type of a
 * conditional from its first branch, which is a float for every declared name.
 */
const printers: { readonly [F in PointwiseFunction]: (a: string, b: string, c: string) => string } = {
  add: (a, b) => `${a} + ${b}`,
  subtract: (a, b) => `${a} - ${b}`,
  multiply: (a, b) => `${a} * ${b}`,
  divide: (a, b) => `${a} / ${b}`,
  // Devices leave powers of negative numbers undefined: |a|^b with the sign that a whole b gives it, else a NaN.
  power: (a, b) =>
    `${a} >= 0 || ${a} < -3e38 || ${a} !== ${a} ? Math.pow(${a}, ${b}) : ` +
    `(Math.floor(${b} / 2) * 2 === ${b} ? Math.pow(Math.abs(${a}), ${b}) : ` +
    `(Math.floor(${b} / 2) * 2 + 1 === ${b} ? -Math.pow(Math.abs(${a}), ${b}) : Math.sqrt(${a})))`,
  maximum: (a, b) => `Math.max(${a}, ${b})`,
  minimum: (a, b) => `Math.min(${a}, ${b})`,
  equal: (a, b) => `${a} === ${b} ? 1 : 0`,
  notEqual: (a, b) => `${a} !== ${b} ? 1 : 0`,
  less: (a, b) => `${a} < ${b} ? 1 : 0`,
  lessEqual: (a, b) => `${a} <= ${b} ? 1 : 0`,
  greater: (a, b) => `${a} > ${b} ? 1 : 0`,
  greaterEqual: (a, b) => `${a} >= ${b} ? 1 : 0`,
  negate: (a) => `-${a}`,
  abs: (a) => `Math.abs(${a})`,
  relu: (a) => `${a} < 0 ? 0 : ${a}`,
  exp: (a) => `Math.exp(${a})`,
  log: (a) => `Math.log(${a})`,
  sqrt: (a) => `Math.sqrt(${a})`,
  tanh: (a) => `Math.tanh(${a})`,
  floor: (a) => `Math.floor(${a})`,
  flush: (a, b) => `Math.abs(${a}) < ${b} ? 0 : ${a}`,
  where: (a, b, c) => `${a} !== 0 ? ${b} : ${c}`,
  toFloat: (a) => a,
  // 2^31 - 1 is no float32: the modes that compute in float32 give 2^31, and what reads the result saturates it.
  toInt: (a) => `${a} !== ${a} ? 0 : Math.min(Math.max(Math.trunc(${a}), -2147483648), 2147483647)`,
};

/**
 * The statements and the name of the value of `expression`. `operands[i]` is the text that reads operand i; `prefix`
 * starts every name that is declared and must differ from those of other texts in the same block. Equal parts of the
 * tree are computed once.
 *
 * Throws a BackendError for a random leaf: its integers need 32 exact bits, which gpu.js does not have in every mode.
 */
export function printGpuText(expression: Expression, operands: readonly string[], prefix: string): GpuText {
  const names = new Map<string, string>();
  const declare = (text: string): string => {
    if (/^[a-z]\w*$/i.test(text)) return text;
    const known = names.get(text);
    if (known !== undefined) return known;
    const name = `${prefix}${names.size}`;
    names.set(text, name);
    return name;
  };
  const print = (part: Expression): string => {
    switch (part.type) {
      case 'input':
        return declare(at(operands, part.index));
      case 'constant':
        return declare(printConstant(part.dtype === 'float32' ? Math.fround(part.value) : part.value));
      case 'random':
        throw new BackendError('gpu: a random number cannot be made inside a gpu.js kernel', {
          hint: 'The planner keeps it a map of its own where limits.fuseRandom is false; the host makes it.',
        });
      case 'call': {
        const [a = '', b = '', c = ''] = part.arguments.map(print);
        return declare(printers[part.function](a, b, c));
      }
    }
  };
  const value = print(expression);
  return { statements: [...names].map(([text, name]) => `const ${name} = ${text};`), value };
}

/**
 * A number as gpu.js reads it. WGSL has no text for an infinity or a NaN and refuses constant expressions that would be
 * one, so these are computed from a thread's own place, which no compiler knows.
 */
export function printConstant(value: number): string {
  if (Number.isNaN(value)) return 'Math.sqrt(-1 - this.thread.x)';
  if (value === Infinity) return 'Math.exp(1000 + this.thread.x)';
  if (value === -Infinity) return '-Math.exp(1000 + this.thread.x)';
  if (Object.is(value, -0)) return '-0';
  return String(value);
}
