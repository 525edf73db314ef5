import { BackendError } from '../../src/core/errors.js';

/** A bench whose work goes wrong measures nothing: throws BackendError unless `condition`. */
export function ensure(condition: boolean, what: string): asserts condition {
  if (!condition) throw new BackendError(`bench: ${what}`);
}
