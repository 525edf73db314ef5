/** The printer of WebAssembly's binary format: expressions, statements and modules as bytes. */
import { BackendError } from '../../core/errors.js';
import { ByteWriter } from './encoding.js';
import { type Expression, floatBits, type ValueType } from './expressions.js';
import type { FunctionBody, Statement } from './function.js';
import { constants, type Instruction, loads, operations, type Store, stores } from './instructions.js';

/** The byte of each type of value. */
const typeByte: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

/** A function of a module, written but not printed. */
export interface WrittenFunction extends FunctionBody {
  readonly name: string;
  readonly exported: boolean;
}

/** "\0asm", version 1 */
const preamble = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** The memory that a module imports as `env.memory`; with shared ones the largest size must be declared. */
export function printModule(functions: readonly WrittenFunction[], shared: boolean): Uint8Array<ArrayBuffer> {
  /** Function types, each once; a function refers to its type by position. */
  const types: string[] = [];
  const typed = new Map<string, WrittenFunction>();
  const indices = functions.map((written) => {
    const type = `${written.parameters.join()} ${written.result?.type}`;
    if (!typed.has(type)) {
      typed.set(type, written);
      types.push(type);
    }
    return types.indexOf(type);
  });
  const module = new ByteWriter();
  const section = (id: number, write: (content: ByteWriter) => void) => {
    const content = new ByteWriter();
    write(content);
    module.byte(id);
    module.sized(content);
  };
  module.all(preamble);
  section(1, (content) =>
    content.vector([...typed.values()], ({ parameters, result }) => {
      content.byte(0x60);
      content.vector(parameters, (type) => content.byte(typeByte[type]));
      content.vector(result === undefined ? [] : [result], ({ type }) => content.byte(typeByte[type]));
    }),
  );
  section(2, (content) => {
    content.unsigned(1);
    for (const name of ['env', 'memory']) content.text(name);
    content.all(shared ? [0x02, 0x03, 0] : [0x02, 0x00, 0]);
    if (shared) content.unsigned(65536);
  });
  section(3, (content) => content.vector(indices, (index) => content.unsigned(index)));
  section(7, (content) => {
    const exported = functions.flatMap(({ exported }, index) => (exported ? [index] : []));
    content.vector(exported, (index) => {
      content.text(functions[index]!.name);
      content.byte(0x00);
      content.unsigned(index);
    });
  });
  section(10, (content) =>
    content.vector(functions, (body) => content.sized(new FunctionPrinter().body(body))),
  );
  // shown by profilers
  section(0, (content) => {
    content.text('name');
    content.byte(1);
    const names = new ByteWriter();
    names.vector(functions, ({ name }, index) => {
      names.unsigned(index);
      names.text(name);
    });
    content.sized(names);
  });
  return module.written();
}

function tooWide(lanes: number | undefined): BackendError {
  return new BackendError(`assembler: a vector of WebAssembly has 4 lanes: got ${lanes}`);
}

/** Sees that these are all lanes. */
function checkWhole(lanes: number | undefined): void {
  if (lanes !== 4) throw tooWide(lanes);
}

/** How the immediates of an instruction are written, and its code. */
interface Printed {
  readonly form: 'plain' | 'access' | 'integer' | 'float' | 'words';
  readonly code: readonly number[];
}

const entriesOf = (form: Printed['form'], table: Readonly<Record<string, readonly number[]>>) =>
  Object.entries(table).map(([name, code]): [string, Printed] => [name, { form, code }]);

const printed: ReadonlyMap<string, Printed> = new Map([
  ...entriesOf('plain', operations),
  ...entriesOf('access', loads),
  ['i32.const', { form: 'integer', code: constants['i32.const'] }],
  ['f32.const', { form: 'float', code: constants['f32.const'] }],
  ['v128.const', { form: 'words', code: constants['v128.const'] }],
] as const);

const memorySize = [0x3f, 0];
const blockCode = { block: 0x02, forever: 0x03, if: 0x04 } as const;

/** A processor makes these of nothing: all bits clear, all set. */
const isPlain = (words: readonly number[]): boolean =>
  words.every((word) => word === 0) || words.every((word) => word === -1);

/** A constant of a loop, in a variable. */
interface Kept {
  readonly local: number;
  readonly words: readonly number[];
}

/**
 * Prints one function. Operands stand before their instruction, a statement's before the statement.
 *
 * Vectors that are constants stand in variables before the outermost loop around them, made of something that V8 cannot
 * foresee, or it would put them back: V8 13.6 and 14.6 (Node 24, 26) make a constant anew wherever it is used, by three
 * instructions. Adam's update, alone: 0.63 of the time in both, 1.00 in Node 20, which keeps them in registers by itself.
 */
class FunctionPrinter {
  private code = new ByteWriter();
  private depth = 0;
  /** Variables of constants, and those of the outermost loop that is being printed. */
  private readonly constants = new Map<string, Kept>();
  private wanted: Set<Kept> | undefined;
  private locals = 0;

  /** Declarations of variables in runs of one type, the code, and its end. */
  body({ parameters, variables, statements, result }: FunctionBody): ByteWriter {
    // the first of the printer's own variables is a vector of zeros
    this.locals = parameters.length + variables.length;
    this.all(statements);
    if (result !== undefined) this.expression(result);
    this.code.byte(0x0b);
    return this.opened(variables);
  }

  /** The declarations, and behind them what has been printed. */
  private opened(variables: readonly ValueType[]): ByteWriter {
    const { size } = this.constants;
    const own: ValueType[] = size === 0 ? [] : Array<ValueType>(size + 1).fill('v128');
    const runs: [number, ValueType][] = [];
    for (const type of [...variables, ...own]) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const body = new ByteWriter();
    body.vector(runs, ([count, type]) => {
      body.unsigned(count);
      body.byte(typeByte[type]);
    });
    if (size > 0) {
      // no memory is empty
      for (const code of [memorySize, operations['i32.eqz'], operations['i32x4.splat']]) body.all(code);
      body.byte(0x21);
      body.unsigned(this.locals);
    }
    body.part(this.code);
    return body;
  }

  private expression({ type, instruction, operands, immediates }: Expression): void {
    for (const operand of operands) this.expression(operand);
    if (instruction === 'local') this.numbered(0x20, immediates[0]!);
    else if (instruction === 'select') this.code.all([0x1c, 0x01, typeByte[type]]);
    else if (instruction === 'v128.const' && this.wanted !== undefined)
      this.keptVector(immediates.slice(0, 4), this.wanted);
    else this.instruction(instruction, immediates);
  }

  /** A constant in a loop. */
  private keptVector(words: readonly number[], wanted: Set<Kept>): void {
    if (isPlain(words)) {
      this.instruction('v128.const', words);
      return;
    }
    const text = words.join();
    let kept = this.constants.get(text);
    if (kept === undefined) {
      kept = { local: this.locals + 1 + this.constants.size, words };
      this.constants.set(text, kept);
    }
    wanted.add(kept);
    this.numbered(0x20, kept.local);
  }

  /** A loop that stands in no other, behind the constants in it. */
  private outermost(statement: Extract<Statement, { body: unknown }>): void {
    const before = this.code;
    const wanted = new Set<Kept>();
    this.code = new ByteWriter();
    this.wanted = wanted;
    this.nested(statement);
    this.wanted = undefined;
    const loop = this.code;
    this.code = before;
    for (const { local, words } of wanted) {
      this.instruction('v128.const', words);
      this.numbered(0x20, this.locals);
      before.all(operations['v128.xor']);
      this.numbered(0x21, local);
    }
    before.part(loop);
  }

  private instruction(instruction: Instruction, immediates: readonly number[]): void {
    const { code } = this;
    const known = printed.get(instruction);
    if (known === undefined) {
      if (instruction === 'v128.loadLanes') checkWhole(immediates[1]);
      else throw tooWide(immediates[1]);
      this.access(loads['v128.load'], immediates.slice(0, 1));
      return;
    }
    if (known.form === 'access') {
      this.access(known.code, immediates);
      return;
    }
    code.all(known.code);
    if (known.form === 'plain') code.all(immediates);
    else if (known.form === 'integer') code.signed(immediates[0]!);
    else if (known.form === 'float') code.word(floatBits(immediates[0]!));
    else for (let i = 0; i < 4; i++) code.word(immediates[i]!);
  }

  /** log2 of the alignment hint and the offset; the hint is always 0 (one byte), for slices need not be aligned. */
  private access(instruction: readonly number[], immediates: readonly number[]): void {
    const { code } = this;
    code.all(instruction);
    code.byte(0);
    code.unsigned(immediates[0] ?? 0);
    // a lane
    for (let i = 1; i < immediates.length; i++) code.byte(immediates[i]!);
  }

  private all(statements: readonly Statement[]): void {
    for (const statement of statements) this.statement(statement);
  }

  private statement(statement: Statement): void {
    for (const operand of statement.operands) this.expression(operand);
    if (statement.kind === 'forever' && this.wanted === undefined) this.outermost(statement);
    else if ('body' in statement) this.nested(statement);
    else if (statement.kind === 'store') this.store(statement.instruction, statement.immediates);
    else this.simple(statement);
  }

  private store(instruction: Store, immediates: readonly number[]): void {
    if (instruction === 'v128.storeLanes' || instruction === 'v128.storeBytes') throw tooWide(immediates[1]);
    this.access(stores[instruction], immediates);
  }

  private simple(statement: Exclude<Statement, { body: unknown } | { kind: 'store' }>): void {
    switch (statement.kind) {
      case 'set':
        this.numbered(0x21, statement.local);
        break;
      case 'copy':
        this.code.all([0xfc, 0x0a, 0, 0]);
        break;
      case 'fill':
        this.code.all([0xfc, 0x0b, 0]);
        break;
      case 'call':
        this.numbered(0x10, statement.target);
        break;
      case 'branch':
        this.numbered(0x0c, this.depth - statement.label.depth);
        break;
      case 'branchIf':
        this.numbered(0x0d, this.depth - statement.label.depth);
    }
  }

  private numbered(code: number, index: number): void {
    this.code.byte(code);
    this.code.unsigned(index);
  }

  /** A structured instruction without a result, its body, its end. */
  private nested(statement: Extract<Statement, { body: unknown }>): void {
    this.code.byte(blockCode[statement.kind]);
    this.code.byte(0x40);
    this.depth++;
    this.all(statement.body);
    if (statement.kind === 'if' && statement.otherwise !== undefined) {
      this.code.byte(0x05);
      this.all(statement.otherwise);
    }
    this.depth--;
    this.code.byte(0x0b);
  }
}
