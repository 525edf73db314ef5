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
  let active: Interval[] = [];
  let available = registers.reduce((bits, register) => bits | (1 << register), 0);
  let next = 0;
  const spillOne = (): void => {
    const victim = active.reduce((a, b) => (b.weight < a.weight ? b : a));
    active.splice(active.indexOf(victim), 1);
    spilled.add(victim.variable);
    const register = assigned.get(victim.variable);
    assigned.delete(victim.variable);
    if (register !== undefined) available |= 1 << register;
  };
  /** Where the first of the active ends. */
  let end = Number.POSITIVE_INFINITY;
  const none: Interval[] = [];
  for (let at = 0; at < needs.length; at++) {
    if (end < at) {
      end = Number.POSITIVE_INFINITY;
      active = active.filter(({ to, variable }) => {
        if (to < at) available |= 1 << assigned.get(variable)!;
        else end = Math.min(end, to);
        return to >= at;
      });
    }
    let begun = none;
    for (; next < intervals.length && intervals[next]!.from <= at; next++) {
      const interval = intervals[next]!;
      if (spilled.has(interval.variable) || interval.to < at) continue;
      active.push(interval);
      if (begun === none) begun = [];
      begun.push(interval);
      end = Math.min(end, interval.to);
    }
    const room = Math.max(0, registers.length - needs[at]!);
    while (active.length > room) spillOne();
    for (const { variable } of begun) {
      if (spilled.has(variable)) continue;
      const register = registers.find((candidate) => (available >> candidate) & 1)!;
      available &= ~(1 << register);
      assigned.set(variable, register);
    }
    free.push(available);
  }
  return { registers: assigned, spilled, free };
}
