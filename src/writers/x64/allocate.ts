/** Registers for variables, in one scan over their lives; what does not fit lives in memory. */
import type { Interval } from './intervals.js';

interface Allocation {
  /** The register of each variable that has one. */
  readonly registers: ReadonlyMap<number, number>;
  readonly spilled: ReadonlySet<number>;
  /** By number of the statement: the registers that no variable has, a bit for each. */
  readonly free: readonly number[];
}

/**
 * @param needs by number of the statement: registers that it needs for itself
 * @param inMemory variables that get none
 */
export function allocate(
  intervals: readonly Interval[],
  registers: readonly number[],
  needs: readonly number[],
  inMemory: ReadonlySet<number>,
): Allocation {
  const assigned = new Map<number, number>();
  const spilled = new Set(inMemory);
  const free: number[] = [];
  let available = registers.reduce((bits, register) => bits | (1 << register), 0);
  let next = 0;
  /** Those that have begun; some have ended since. `count`: those that have not. */
  let active: Interval[] = [];
  let count = 0;
  /** By the number of the statement behind. */
  const ended: (Interval[] | undefined)[] = new Array(needs.length);
  const leave = (variable: number): void => {
    count--;
    const register = assigned.get(variable);
    if (register !== undefined) available |= 1 << register;
  };
  const spillOne = (at: number): void => {
    active = active.filter(({ to, variable }) => to >= at && !spilled.has(variable));
    const { variable } = active.reduce((a, b) => (b.weight < a.weight ? b : a));
    leave(variable);
    spilled.add(variable);
    assigned.delete(variable);
  };
  for (let at = 0; at < needs.length; at++) {
    const gone = ended[at];
    if (gone !== undefined) for (const { variable } of gone) if (!spilled.has(variable)) leave(variable);
    const before = active.length;
    for (; next < intervals.length && intervals[next]!.from <= at; next++) {
      const interval = intervals[next]!;
      if (spilled.has(interval.variable) || interval.to < at) continue;
      active.push(interval);
      count++;
      const behind = ended[interval.to + 1];
      if (behind === undefined) ended[interval.to + 1] = [interval];
      else behind.push(interval);
    }
    const begun = active.length === before ? none : active.slice(before);
    const room = Math.max(0, registers.length - needs[at]!);
    while (count > room) spillOne(at);
    for (const { variable } of begun) {
      if (spilled.has(variable)) continue;
      let index = 0;
      while (((available >> registers[index]!) & 1) === 0) index++;
      const register = registers[index]!;
      available &= ~(1 << register);
      assigned.set(variable, register);
    }
    free.push(available);
  }
  return { registers: assigned, spilled, free };
}

const none: readonly Interval[] = [];
