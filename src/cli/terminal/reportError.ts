import { inspect } from 'node:util';
import { QuernError, UsageError } from '../../core/errors.js';
import { complain, oneLine } from './output.js';

const faultCode = 1;
const usageCode = 2;

/** Names on the command line of options in hints of the library. */
const options: Readonly<Record<string, string>> = { dataDir: '--data-dir' };

/** The text of an error, with options of the command line where it names those of the library. */
function inWordsOfTheCommandLine(message: string): string {
  return message.replace(/`(\w+)`/g, (quoted, name: string) => options[name] ?? quoted);
}

/** The sentence, and below it the list and the hint: a name with line breaks cannot pass for any of them. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  // What Quern does not throw on purpose has a name that says more than its message alone.
  if (!(error instanceof QuernError)) return `${error.name}: ${error.message}`;
  const { message, hint, list } = error;
  const below = hint === undefined ? list : [...list, hint];
  const end = below.map((line) => `\n  ${line}`).join('');
  if (!message.endsWith(end)) return oneLine(message);
  return [message.slice(0, message.length - end.length), ...below].map(oneLine).join('\n  ');
}

/** Prints an error on stderr, its stack only if asked to. Gives the exit code: 2 for wrong usage, 1 for a fault. */
export function reportError(error: unknown, verbose: boolean): number {
  complain(`quern: ${inWordsOfTheCommandLine(sentenceOf(error))}`);
  if (verbose) complain(inspect(error));
  return error instanceof UsageError ? usageCode : faultCode;
}
