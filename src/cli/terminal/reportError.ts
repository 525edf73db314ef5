import { messageOf, QuernError, UsageError } from '../../core/errors.js';

const faultCode = 1;
const usageCode = 2;

/** What options that hints of the library name are called here. */
const options: Readonly<Record<string, string>> = { dataDir: '--data-dir' };

/** The text of an error, with options of the command line where it names those of the library. */
function inWordsOfTheCommandLine(message: string): string {
  return message.replace(/`(\w+)`/g, (quoted, name: string) => options[name] ?? quoted);
}

/** Prints an error on stderr, its stack only if asked to. Gives the exit code: 2 for wrong usage, 1 for a fault. */
export function reportError(error: unknown, verbose: boolean): number {
  const usage = error instanceof UsageError;
  const message = inWordsOfTheCommandLine(messageOf(error));
  // What Quern does not throw on purpose has a name that says more than its message alone.
  const kind = error instanceof Error && !(error instanceof QuernError) ? `${error.name}: ` : '';
  console.error(`quern: ${kind}${message}`);
  if (verbose) console.error(error);
  return usage ? usageCode : faultCode;
}
