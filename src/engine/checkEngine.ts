import { wrongKind } from '../core/check.js';

/** Throws a UsageError for what is no engine, such as one that is still a Promise. */
export function checkEngine(what: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && 'compile' in value) return;
  throw wrongKind(what, 'an engine', value, 'await openEngine() gives one.');
}
