/**
 * Says what is wrong with a command line, in place of yargs: with the word that was meant, or the argument that is
 * missing.
 */
import { didYouMean } from '../core/closest.js';
import { UsageError, withoutSecrets } from '../core/errors.js';
import { isObject } from '../core/json.js';

/** Words behind `quern runs`: its list is a command of yargs too, which sees no others. */
export const runCommands = ['list', 'compare', 'tag', 'remove'] as const;

/** Members of yargs while it refuses words, which its types leave out. */
interface Known {
  readonly options: readonly string[];
  readonly commands: readonly string[];
  /** The command that was found, as it was declared: `evaluate <model>`. */
  readonly command: string;
}

const member = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);

function called(value: unknown, name: string): unknown {
  const method = member(value, name);
  return typeof method === 'function' ? method.call(value) : undefined;
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];

function knownBy(instance: unknown): Known {
  const internal = called(instance, 'getInternalMethods');
  const options = called(instance, 'getOptions');
  return {
    options: Object.keys(Object(member(options, 'key'))),
    commands: texts(called(called(internal, 'getCommandInstance'), 'getCommands')),
    command: texts(member(called(internal, 'getContext'), 'fullCommands'))
      .map((each, i, all) => (i < all.length - 1 ? each.replace(/ *[<[].*$/, '') : each))
      .join(' '),
  };
}

/** `evaluate <model>` without a word → `evaluate: <model> is missing` */
function missing(command: string, given: number): string {
  const [names, wanted] = [command.replace(/ *[<[].*$/, ''), command.match(/<[^>]+>/g) ?? []];
  const left = wanted.slice(given).map((each) => each.replace('...', ''));
  return `${names}: ${left.join(' and ')} ${left.length === 1 ? 'is' : 'are'} missing`;
}

/** The words that are given as options are those that begin with a dash. */
const isOption = (word: string, words: readonly string[]) =>
  words.some((each) => each.replace(/^--?(no-)?/, '').split('=')[0] === word && each.startsWith('-'));

/**
 * Reads a complaint of yargs: a message, or an error of its own for what a coercion throws.
 *
 * @param words of the command line
 * @param instance yargs, as it stands
 */
export function usageError(
  message: string | null,
  error: Error | undefined,
  words: readonly string[],
  instance: unknown,
): UsageError | undefined {
  if (error !== undefined && error.name !== 'YError') return undefined;
  const text = (message ?? error?.message ?? '').replace(/\s*\n\s*/g, ' ');
  const known = knownBy(instance);
  const few = /^Not enough non-option arguments: got (\d+)/.exec(text);
  if (few !== null && known.command !== '')
    return new UsageError(missing(known.command, Number(few[1])), {
      hint: `quern ${known.command}: --help explains.`,
    });
  const [, option = '', value = '', choices = ''] =
    /^wrong value of --(\S+): "(.*)" is none of (.*)$/.exec(text) ?? [];
  if (option !== '') return new UsageError(text, didYouMean(value, choices.match(/[^", ]+/g) ?? []));
  const unknown = /^Unknown arguments?: (.*)$/.exec(text)?.[1]?.split(', ')[0];
  if (unknown === undefined) return new UsageError(text);
  if (isOption(unknown, words)) {
    // yargs has options in both spellings
    const names = known.options.filter((name) => !/[A-Z]/.test(name));
    return new UsageError(
      `Unknown argument: --${unknown}`,
      didYouMean(unknown, names, (word) => `--${word}`),
    );
  }
  // `runs comapre a b`: the first of the words was taken for a folder
  const commands = words[0] === 'runs' ? runCommands : known.commands;
  const hints = [unknown, ...words.slice(1, 2)].map((word) => didYouMean(word, commands));
  return new UsageError(
    // an address whose option was left out
    `Unknown argument: ${/:.*@/s.test(unknown) ? withoutSecrets(unknown) : unknown}`,
    hints.find(({ hint }) => hint !== undefined),
  );
}
