/**
 * Prints expressions as vector code: four elements at a time, each computed exactly as any other, wherever it stands.
 *
 *     const printer = new SimdPrinter([expression, …]);
 *     const hoisted = printer.hoist(f, (index) => scalars[index]);     // once, in front of the loop
 *     f.loop(…, () => {
 *       const values = printer.evaluate(f, { operand: (index) => …, counter: () => … }, hoisted);
 *       …store them…
 *     });
 *
 * Nothing is contracted or reassociated: an expression has the same bits alone as inside a larger one, so that fused
 * and unfused plans agree. What occurs twice, in one expression or in several, is computed once.
 */
import type { ComputeType, Expression } from '../../core/expression.js';
import { at, last } from '../../core/lists.js';
import { type FunctionBuilder, f32x4, i32x4, type V128 } from './assembler.js';
import { instructions, type SimdInstruction } from './simdInstructions.js';
import { randomTerm4, randomUniform4 } from './simdMath.js';

/** The values of an expression's leaves at the elements at hand. */
interface SimdLeaves {
  /** Operand `index` in its compute type; asked once per evaluation. */
  operand(index: number): V128;
  /** Row-major indices of the four elements, int32; asked once, and only for random leaves. */
  counter?(): V128;
}

/** Values computed ahead of a loop, by node. */
export type Hoisted = ReadonlyMap<SimdNode, V128>;

/** An expression as a graph of vector instructions, in which equal parts are one node. */
interface SimdNode {
  readonly type: 'input' | 'constant' | 'counter' | 'randomTerm' | 'random' | SimdInstruction;
  readonly arguments: readonly SimdNode[];
  /** Index of an input, value of a constant, key of a random number. */
  readonly value: number;
  /** The compute type of a constant; which of its two forms an instruction takes. */
  readonly dtype: ComputeType;
}

/** Prints the given expressions together; their results come in the same order, each four lanes of its compute type. */
export class SimdPrinter {
  private readonly nodes = new Map<string, { id: number; node: SimdNode }>();
  private readonly ids = new Map<SimdNode, number>();
  private readonly roots: readonly SimdNode[];

  constructor(expressions: readonly Expression[]) {
    this.roots = expressions.map((expression) => this.lower(expression));
  }

  /**
   * Computes the largest parts that consist of constants and of those operands for which `invariant` has a value.
   * `outer` is the result of an earlier hoist, further out; it is part of the result.
   */
  hoist(f: FunctionBuilder, invariant: (index: number) => V128 | undefined, outer?: Hoisted): Hoisted {
    const values = new Map(outer);
    const operands = new Map<number, V128 | undefined>();
    const operand = (index: number): V128 | undefined => {
      if (!operands.has(index)) operands.set(index, invariant(index));
      return operands.get(index);
    };
    const fixed = new Map<SimdNode, boolean>();
    const isFixed = (node: SimdNode): boolean => {
      const known = fixed.get(node);
      if (known !== undefined) return known;
      const result =
        values.has(node) ||
        (node.type === 'input'
          ? operand(node.value) !== undefined
          : node.type !== 'counter' && node.arguments.every(isFixed));
      fixed.set(node, result);
      return result;
    };
    const leaves: SimdLeaves = { operand: (index) => operand(index)! };
    const visited = new Set<SimdNode>();
    const visit = (node: SimdNode): void => {
      if (visited.has(node)) return;
      visited.add(node);
      // A constant costs nothing where it is used.
      if (!isFixed(node)) node.arguments.forEach(visit);
      else if (node.type !== 'constant') this.print(f, node, leaves, values);
    };
    this.roots.forEach(visit);
    return values;
  }

  /** Computes every expression at four elements: all operands are read before this returns. */
  evaluate(f: FunctionBuilder, leaves: SimdLeaves, hoisted?: Hoisted): V128[] {
    const values = new Map(hoisted);
    return this.roots.map((root) => this.print(f, root, leaves, values));
  }

  private print(f: FunctionBuilder, node: SimdNode, leaves: SimdLeaves, values: Map<SimdNode, V128>): V128 {
    const known = values.get(node);
    if (known !== undefined) return known;
    const args = node.arguments.map((argument) => this.print(f, argument, leaves, values));
    const value = printNode(f, node, args, leaves);
    // A variable costs nothing in optimized code and keeps the text of an expression from growing with its depth.
    const result = node.type === 'constant' || 'index' in value ? value : f.let(value);
    values.set(node, result);
    return result;
  }

  private lower(expression: Expression): SimdNode {
    switch (expression.type) {
      case 'input':
        return this.node('input', [], expression.dtype, expression.index);
      case 'constant':
        return this.node('constant', [], expression.dtype, expression.value);
      case 'random': {
        const term = this.node('randomTerm', [this.lower(expression.step)], 'int32', expression.key);
        return this.node('random', [this.node('counter', [], 'int32'), term], 'float32', expression.key);
      }
      case 'call':
        return this.lowerCall(expression);
    }
  }

  /** Comparisons make masks, which `where` uses as they are; a few calls have a cheaper equivalent. */
  private lowerCall({ function: name, arguments: args }: Extract<Expression, { type: 'call' }>): SimdNode {
    const operands = args.map((argument) => this.lower(argument));
    const dtype = last(args).dtype;
    switch (name) {
      case 'equal':
      case 'notEqual':
      case 'less':
      case 'lessEqual':
      case 'greater':
      case 'greaterEqual':
        return this.node('maskToFloat', [this.node(name, operands, dtype)], 'float32');
      case 'where': {
        const mask = this.mask(at(operands, 0));
        if (isZero(at(operands, 2))) return this.node('keepWhere', [at(operands, 1), mask], dtype);
        if (isZero(at(operands, 1))) return this.node('dropWhere', [at(operands, 2), mask], dtype);
        return this.node('choose', [at(operands, 1), at(operands, 2), mask], dtype);
      }
      case 'toFloat':
      case 'toInt':
        return dtype === (name === 'toFloat' ? 'float32' : 'int32')
          ? at(operands, 0)
          : this.node(name, operands, dtype);
      case 'power':
        return this.lowerPower(at(operands, 0), at(operands, 1));
      default:
        return this.node(name, operands, dtype);
    }
  }

  /** The mask of a condition: of a comparison itself, of a product of comparisons, of anything but 0. */
  private mask(condition: SimdNode): SimdNode {
    if (condition.type === 'maskToFloat') return at(condition.arguments, 0);
    if (condition.type === 'multiply' && condition.arguments.every(({ type }) => type === 'maskToFloat')) {
      return this.node(
        'both',
        condition.arguments.map((part) => at(part.arguments, 0)),
        'float32',
      );
    }
    return this.node('notEqual', [condition, this.node('constant', [], 'float32', 0)], 'float32');
  }

  /** x¹ = x, x² = x·x, x³ = x²·x, 1/x: exact or better than the general case, and much cheaper. */
  private lowerPower(base: SimdNode, exponent: SimdNode): SimdNode {
    const product = (a: SimdNode, b: SimdNode) => this.node('multiply', [a, b], 'float32');
    if (exponent.type === 'constant') {
      if (exponent.value === 1) return base;
      if (exponent.value === 2) return product(base, base);
      if (exponent.value === 3) return product(product(base, base), base);
      if (exponent.value === -1) {
        return this.node('divide', [this.node('constant', [], 'float32', 1), base], 'float32');
      }
    }
    return this.node('power', [base, exponent], 'float32');
  }

  private node(type: SimdNode['type'], args: readonly SimdNode[], dtype: ComputeType, value = 0): SimdNode {
    const text = Object.is(value, -0) ? '-0' : String(value);
    const key = [type, dtype, text, ...args.map((argument) => this.ids.get(argument))].join(' ');
    const known = this.nodes.get(key);
    if (known !== undefined) return known.node;
    const node = { type, arguments: args, value, dtype };
    this.nodes.set(key, { id: this.nodes.size, node });
    this.ids.set(node, this.ids.size);
    return node;
  }
}

function isZero(node: SimdNode): boolean {
  return node.type === 'constant' && Object.is(node.value, 0);
}

function printNode(f: FunctionBuilder, node: SimdNode, args: readonly V128[], leaves: SimdLeaves): V128 {
  switch (node.type) {
    case 'input':
      return leaves.operand(node.value);
    case 'constant':
      return (node.dtype === 'float32' ? f32x4 : i32x4).const(node.value);
    case 'counter':
      return leaves.counter!();
    case 'randomTerm':
      return randomTerm4(f, at(args, 0), node.value);
    case 'random':
      return randomUniform4(f, at(args, 0), node.value, at(args, 1));
    default:
      return instructions[node.type](f, args, node.dtype);
  }
}
