/** Members of configurations, which come from files and may be anything. */
import { isObject } from '../../core/json.js';

export type Members = Readonly<Record<string, unknown>>;

export const objectOf = (value: unknown): Members => (isObject(value) ? value : {});

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const numberOf = (value: unknown, usual: number): number =>
  typeof value === 'number' ? value : usual;

/** One number or two as two. */
export function pairOf(value: unknown, usual: number): [number, number] {
  const list = Array.isArray(value) ? value : [value, value];
  return [numberOf(list[0], usual), numberOf(list[1], usual)];
}
