/** The printer of WebAssembly's binary format: expressions, statements and modules as bytes. */
import { BackendError } from '../../core/errors.js';
import { float32Bytes, integerBytes, section, signed, text, unsigned, vector } from './encoding.js';
import type { Expression, ValueType } from './expressions.js';
import type { FunctionBody, Statement } from './function.js';
import { constants, loads, operations, type Store, stores } from './instructions.js';

/** The byte of each type of value. */
const typeByte: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

/** A function of a module, written but not printed. */
export interface WrittenFunction extends FunctionBody {
  readonly name: string;
  readonly exported: boolean;
}

/** The memory that a module imports as `env.memory`; with shared ones the largest size must be declared. */
export function printModule(functions: readonly WrittenFunction[], shared: boolean): Uint8Array<ArrayBuffer> {
  /** Encoded function types; a function refers to its type by position. */
  const types: number[][] = [];
  const typeIndex = ({ parameters, result }: WrittenFunction): number => {
    const results = result === undefined ? [] : [[typeByte[result.type]]];
    const encoded = [0x60, ...vector(parameters.map((type) => [typeByte[type]])), ...vector(results)];
    const known = types.findIndex((type) => type.join() === encoded.join());
    return known >= 0 ? known : types.push(encoded) - 1;
  };
  const indices = functions.map((written) => unsigned(typeIndex(written)));
  const exported = functions.flatMap(({ name, exported }, index) =>
    exported ? [[...text(name), 0x00, ...unsigned(index)]] : [],
  );
  const names = vector(functions.map(({ name }, index) => [...unsigned(index), ...text(name)]));
  const memory = shared ? [0x03, 0, ...unsigned(65536)] : [0x00, 0];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
    ...section(1, vector(types)),
    ...section(2, vector([[...text('env'), ...text('memory'), 0x02, ...memory]])),
    ...section(3, vector(indices)),
    ...section(7, vector(exported)),
    ...section(10, vector(functions.map((body) => new FunctionPrinter().body(body)))),
    ...section(0, [...text('name'), 1, ...unsigned(names.length), ...names]), // shown by profilers
  ]);
}

function isKey<K extends string>(table: Readonly<Record<K, unknown>>, key: string): key is K {
  return key in table;
}

function tooWide(lanes: number | undefined): BackendError {
  return new BackendError(`assembler: a vector of WebAssembly has 4 lanes: got ${lanes}`);
}

/** Nothing, if these are all lanes. */
function whole(lanes: number | undefined): [] {
  if (lanes !== 4) throw tooWide(lanes);
  return [];
}

/** Prints one function. Operands stand before their instruction, a statement's before the statement. */
class FunctionPrinter {
  private readonly code: number[] = [];
  private depth = 0;

  /** Its size, then declarations of variables in runs of one type, the code, and its end. */
  body({ variables, statements, result }: FunctionBody): number[] {
    const runs: [number, ValueType][] = [];
    for (const type of variables) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const declarations = runs.map(([count, type]) => [...unsigned(count), typeByte[type]]);
    this.all(statements);
    if (result !== undefined) this.expression(result);
    const printed = vector(declarations).concat(this.code, [0x0b]);
    return unsigned(printed.length).concat(printed);
  }

  private emit(bytes: readonly number[]): void {
    for (const byte of bytes) this.code.push(byte);
  }

  private expression({ type, instruction, operands, immediates }: Expression): void {
    for (const operand of operands) this.expression(operand);
    const [first = 0] = immediates;
    if (instruction === 'v128.loadLanes') this.access(loads['v128.load'], [first, ...whole(immediates[1])]);
    else if (instruction === 'v128.gather') throw tooWide(immediates[1]);
    else if (instruction === 'local') this.emit([0x20, ...unsigned(first)]);
    else if (instruction === 'select') this.emit([0x1c, 0x01, typeByte[type]]);
    else if (isKey(loads, instruction)) this.access(loads[instruction], immediates);
    else if (isKey(constants, instruction)) this.constant(instruction, immediates);
    else {
      this.emit(operations[instruction]);
      this.emit(immediates);
    }
  }

  private constant(instruction: keyof typeof constants, immediates: readonly number[]): void {
    this.emit(constants[instruction]);
    const [first = 0] = immediates;
    if (instruction === 'i32.const') this.emit(signed(first));
    else if (instruction === 'f32.const') this.emit(float32Bytes(first));
    else for (const word of immediates.slice(0, 4)) this.emit(integerBytes(word));
  }

  /** log2 of the alignment hint and the offset; the hint is always 0 (one byte), for slices need not be aligned. */
  private access(code: readonly number[], [offset = 0, ...lane]: readonly number[]): void {
    this.emit(code);
    this.emit([0, ...unsigned(offset), ...lane]);
  }

  private all(statements: readonly Statement[]): void {
    for (const statement of statements) this.statement(statement);
  }

  private statement(statement: Statement): void {
    for (const operand of statement.operands) this.expression(operand);
    if ('body' in statement) this.nested(statement);
    else if (statement.kind === 'store') this.store(statement.instruction, statement.immediates);
    else this.emit(this.simple(statement));
  }

  private store(instruction: Store, immediates: readonly number[]): void {
    if (instruction === 'v128.storeLanes' || instruction === 'v128.storeBytes') throw tooWide(immediates[1]);
    this.access(stores[instruction], immediates);
  }

  private simple(statement: Exclude<Statement, { body: unknown } | { kind: 'store' }>): readonly number[] {
    switch (statement.kind) {
      case 'set':
        return [0x21, ...unsigned(statement.local)];
      case 'copy':
        return [0xfc, 0x0a, 0, 0];
      case 'fill':
        return [0xfc, 0x0b, 0];
      case 'call':
        return [0x10, ...unsigned(statement.target)];
      case 'branch':
        return [0x0c, ...unsigned(this.depth - statement.label.depth)];
      case 'branchIf':
        return [0x0d, ...unsigned(this.depth - statement.label.depth)];
    }
  }

  /** A structured instruction without a result, its body, its end. */
  private nested(statement: Extract<Statement, { body: unknown }>): void {
    this.emit([{ block: 0x02, forever: 0x03, if: 0x04 }[statement.kind], 0x40]);
    this.depth++;
    this.all(statement.body);
    if (statement.kind === 'if' && statement.otherwise !== undefined) {
      this.emit([0x05]);
      this.all(statement.otherwise);
    }
    this.depth--;
    this.emit([0x0b]);
  }
}
