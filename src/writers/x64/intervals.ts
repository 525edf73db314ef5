/**
 * When the variables of a function are alive. Statements are numbered in the order in which they are written; a variable
 * lives from its first place to its last. What a loop around a place brings back to its start lives to the end of the
 * loop, unless every turn begins by setting it.
 */
import type { Expression } from '../wasm/expressions.js';
import type { FunctionBody, Statement } from '../wasm/function.js';

export interface Interval {
  readonly variable: number;
  readonly from: number;
  readonly to: number;
  /** How often it is used, a loop counting as several turns. */
  readonly weight: number;
  /** Whether it must be zero where it begins: nothing sets it before it may be read. */
  readonly zeroed: boolean;
}

export interface Lives {
  readonly intervals: readonly Interval[];
  /** The number of each statement, and how many there are. */
  readonly numbers: ReadonlyMap<Statement, number>;
  readonly count: number;
  /** The numbers of the statements that call functions. */
  readonly calls: readonly number[];
}

interface List {
  readonly enter: number;
  exit: number;
}

interface Found {
  first: number;
  last: number;
  weight: number;
  /** The list in which it is first set, before it is read. */
  home: List | undefined;
  readonly loops: Set<List>;
}

/** A turn of a loop counts as this many. */
const turns = 8;

class Walk {
  readonly found = new Map<number, Found>();
  readonly numbers = new Map<Statement, number>();
  readonly calls: number[] = [];
  count = 1;
  private readonly loops: List[] = [];

  list(statements: readonly Statement[]): List {
    const list: List = { enter: this.count, exit: 0 };
    for (const statement of statements) this.statement(statement, list);
    list.exit = this.count++;
    return list;
  }

  /** A place of a variable. */
  place(variable: number, at: number, home?: List): void {
    const weight = turns ** Math.min(4, this.loops.length);
    const known = this.found.get(variable);
    if (known === undefined) {
      const loops = new Set(this.loops);
      this.found.set(variable, { first: at, last: at, weight, home, loops });
      return;
    }
    known.last = at;
    known.weight += weight;
    for (const loop of this.loops) known.loops.add(loop);
  }

  expression({ instruction, operands, immediates }: Expression, at: number): void {
    if (instruction === 'local') this.place(immediates[0]!, at);
    for (const operand of operands) this.expression(operand, at);
  }

  private statement(statement: Statement, list: List): void {
    const at = this.count++;
    this.numbers.set(statement, at);
    for (const operand of statement.operands) this.expression(operand, at);
    if (statement.kind === 'set') this.place(statement.local, at, list);
    if (statement.kind === 'call') this.calls.push(at);
    if (!('body' in statement)) return;
    if (statement.kind === 'forever') {
      const loop: List = { enter: at, exit: 0 };
      this.loops.push(loop);
      this.list(statement.body);
      this.loops.pop();
      loop.exit = this.count++;
      return;
    }
    this.list(statement.body);
    if (statement.kind === 'if' && statement.otherwise) this.list(statement.otherwise);
  }
}

export function livesOf({ parameters, statements, result }: FunctionBody): Lives {
  const walk = new Walk();
  const root: List = { enter: 0, exit: 0 };
  for (const index of parameters.keys()) walk.place(index, 0, root);
  root.exit = walk.list(statements).exit;
  if (result !== undefined) {
    walk.expression(result, walk.count++);
    root.exit = walk.count;
  }
  const intervals = [...walk.found].map(([variable, found]): Interval => {
    const { home, weight, loops } = found;
    const set = home !== undefined && found.last <= home.exit;
    const from = set ? found.first : 0;
    let to = found.last;
    for (const loop of loops) if (loop.enter > from || !set) to = Math.max(to, loop.exit);
    return { variable, from, to, weight, zeroed: !set };
  });
  intervals.sort((a, b) => a.from - b.from);
  return { intervals, numbers: walk.numbers, count: walk.count + 1, calls: walk.calls };
}
