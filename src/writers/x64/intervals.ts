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
  /** It must be zero where it begins: nothing sets it before it may be read. */
  readonly zeroed: boolean;
}

export interface Lives {
  readonly intervals: readonly Interval[];
  /** By number, which also the ends of lists and loops have (`FunctionPrinter.statement`). */
  readonly statements: readonly (Statement | undefined)[];
  /** How many numbers there are. */
  readonly count: number;
  /** By number: more registers than a statement needs for itself, as long as no variable lives on the stack. */
  readonly enough: Readonly<Record<'integers' | 'vectors', readonly number[]>>;
  /** The numbers of the statements that call functions. */
  readonly calls: readonly number[];
}

interface List {
  readonly enter: number;
  exit: number;
}

interface Found {
  readonly first: number;
  last: number;
  weight: number;
  /** The list in which it is first set, before it is read. */
  readonly home: List | undefined;
  /** Those around its places. */
  loops: readonly List[];
  /** The state of the loops at the place before. */
  seen: number;
}

/** A turn of a loop counts as this many, and so deep at most. */
const turns = 8;
const deepest = 4;

/** Vector registers that an instruction needs at most, that of its value included. */
const vectorNeed = 4;

class Walk {
  /** By variable, and the variables in the order of their first places. */
  readonly found: (Found | undefined)[] = [];
  readonly met: number[] = [];
  readonly statements: (Statement | undefined)[] = [undefined];
  readonly calls: number[] = [];
  readonly enough = { integers: [0], vectors: [0] };
  /** Of the statement that is visited. */
  private integers = 0;
  private vectors = 0;
  private loops: readonly List[] = [];
  private weight = 1;
  /** Counts beginnings and ends of loops. */
  private turn = 0;

  get count(): number {
    return this.statements.length;
  }

  list(statements: readonly Statement[]): List {
    const list: List = { enter: this.count, exit: 0 };
    for (let index = 0; index < statements.length; index++) this.statement(statements[index]!, list);
    list.exit = this.number(undefined);
    return list;
  }

  number(statement: Statement | undefined): number {
    this.enough.integers.push(0);
    this.enough.vectors.push(0);
    return this.statements.push(statement) - 1;
  }

  /** A place of a variable. */
  place(variable: number, at: number, home?: List): void {
    const { weight, turn, loops } = this;
    const known = this.found[variable];
    if (known === undefined) {
      this.met.push(variable);
      this.found[variable] = { first: at, last: at, weight, home, loops, seen: turn };
      return;
    }
    known.last = at;
    known.weight += weight;
    if (known.seen === turn) return;
    known.seen = turn;
    for (let index = 0; index < loops.length; index++) {
      const loop = loops[index]!;
      if (!known.loops.includes(loop)) known.loops = [...known.loops, loop];
    }
  }

  /** Visits what an expression reads, and counts what it may need. */
  expression(e: Expression, at: number): void {
    const { instruction, operands } = e;
    if (instruction === 'local') {
      this.place(e.immediates[0]!, at);
      return;
    }
    if (e.type === 'i32') this.integers++;
    else this.vectors += vectorNeed;
    if (instruction === 'v128.gather') this.integers++;
    for (let index = 0; index < operands.length; index++) this.expression(operands[index]!, at);
  }

  private statement(statement: Statement, list: List): void {
    const at = this.number(statement);
    const { operands, kind } = statement;
    this.integers = 0;
    this.vectors = kind === 'set' ? 0 : vectorNeed;
    for (let index = 0; index < operands.length; index++) this.expression(operands[index]!, at);
    this.enough.integers[at] = this.integers;
    this.enough.vectors[at] = this.vectors;
    if (kind === 'set') this.place(statement.local, at, list);
    else if (kind === 'call') this.calls.push(at);
    else if (kind === 'forever') {
      const loop: List = { enter: at, exit: 0 };
      this.within([...this.loops, loop], () => this.list(statement.body));
      loop.exit = this.number(undefined);
    } else if ('body' in statement) {
      this.list(statement.body);
      if (kind === 'if' && statement.otherwise) this.list(statement.otherwise);
    }
  }

  private within(loops: readonly List[], body: () => void): void {
    const { loops: outer, weight } = this;
    this.loops = loops;
    this.weight = turns ** Math.min(deepest, loops.length);
    this.turn++;
    body();
    this.loops = outer;
    this.weight = weight;
    this.turn++;
  }
}

export function livesOf({ parameters, statements, result }: FunctionBody): Lives {
  const walk = new Walk();
  const root: List = { enter: 0, exit: 0 };
  for (const index of parameters.keys()) walk.place(index, 0, root);
  root.exit = walk.list(statements).exit;
  if (result !== undefined) {
    walk.expression(result, walk.number(undefined));
    root.exit = walk.count;
  }
  const intervals: Interval[] = [];
  for (const variable of walk.met) {
    const found = walk.found[variable]!;
    const { home, weight, loops, first, last } = found;
    const set = home !== undefined && last <= home.exit;
    const from = set ? first : 0;
    let to = last;
    for (const loop of loops) if (loop.enter > from || !set) to = Math.max(to, loop.exit);
    intervals.push({ variable, from, to, weight, zeroed: !set });
  }
  intervals.sort((a, b) => a.from - b.from);
  walk.number(undefined);
  const { statements: numbered, calls, enough, count } = walk;
  return { intervals, statements: numbered, count, calls, enough };
}
