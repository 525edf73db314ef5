import { messageOf, QuernError, UsageError } from '../../core/errors.js';

const faultCode = 1;
const usageCode = 2;

/** Prints an error on stderr, its stack only if asked to. Gives the exit code: 2 for wrong usage, 1 for a fault. */
export function reportError(error: unknown, verbose: boolean): number {
  const usage = error instanceof UsageError;
  const message = messageOf(error);
  // What Quern does not throw on purpose has a name that says more than its message alone.
  const kind = error instanceof Error && !(error instanceof QuernError) ? `${error.name}: ` : '';
  console.error(`quern: ${kind}${message}`);
  if (verbose) console.error(error);
  return usage ? usageCode : faultCode;
}
