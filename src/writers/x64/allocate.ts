/** Registers for variables, in one scan over their lives; what does not fit lives in memory. */
import type { Interval } from './intervals.js';

/** The statements, by number. */
interface Demand {
  readonly count: number;
  /** As many registers as a statement needs for itself, or more; undefined where that is not known. */
  readonly enough: readonly number[] | undefined;
  /** The registers that it does need, asked for where more are not left. */
  exact(statement: number): number;
}

interface Allocation {
  /** By variable: its register, if it has one. */
  readonly registers: readonly (number | undefined)[];
  readonly spilled: ReadonlySet<number>;
  /** By number of the statement: the registers that no variable has, a bit for each. */
  readonly free: Int32Array;
}

/**
 * @param intervals in the order of their beginnings
 * @param inMemory variables that get none
 */
export function allocate(
  intervals: readonly Interval[],
  registers: readonly number[],
  { count: statements, enough, exact }: Demand,
  inMemory: ReadonlySet<number>,
): Allocation {
  const assigned: (number | undefined)[] = [];
  const spilled = new Set(inMemory);
  const free = new Int32Array(statements);
  let available = 0;
  for (let index = 0; index < registers.length; index++) available |= 1 << registers[index]!;
  let next = 0;
  /** Those that have begun; some have ended since. `count`: those that have not. */
  let active: Interval[] = [];
  let count = 0;
  /** By statement: one that ended before it, counted from 1, and by interval the next that did. */
  const ended = new Int32Array(statements + 1);
  const others = new Int32Array(intervals.length);
  const leave = (variable: number): void => {
    count--;
    const register = assigned[variable];
    if (register !== undefined) available |= 1 << register;
  };
  const spillOne = (at: number): void => {
    active = active.filter(({ to, variable }) => to >= at && !spilled.has(variable));
    const { variable } = active.reduce((a, b) => (b.weight < a.weight ? b : a));
    leave(variable);
    spilled.add(variable);
    assigned[variable] = undefined;
  };
  for (let at = 0; at < statements; at++) {
    for (let gone = ended[at]!; gone !== 0; gone = others[gone - 1]!) {
      const { variable } = intervals[gone - 1]!;
      if (!spilled.has(variable)) leave(variable);
    }
    const before = next;
    for (; next < intervals.length && intervals[next]!.from <= at; next++) {
      const interval = intervals[next]!;
      if (spilled.has(interval.variable) || interval.to < at) continue;
      active.push(interval);
      count++;
      others[next] = ended[interval.to + 1]!;
      ended[interval.to + 1] = next + 1;
    }
    const left = registers.length - count;
    if (enough === undefined || enough[at]! > left) {
      const room = Math.max(0, registers.length - exact(at));
      while (count > room) spillOne(at);
    }
    for (let begun = before; begun < next; begun++) {
      const { variable, to } = intervals[begun]!;
      if (to < at || spilled.has(variable)) continue;
      const lowest = available & -available;
      available &= ~lowest;
      assigned[variable] = 31 - Math.clz32(lowest);
    }
    free[at] = available;
  }
  return { registers: assigned, spilled, free };
}
