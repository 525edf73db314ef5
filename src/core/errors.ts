/**
 * Every error that Quern throws on purpose. Messages read `op: what is wrong: the actual shapes`, then, after a
 * line break, one line of hint where there is a usual cause. They never contain data.
 */
export class QuernError extends Error {
  override readonly name: string = 'QuernError';
  /** One line on the usual cause, also part of `message`. */
  readonly hint: string | undefined;
  /** Lines between the sentence and the hint, also part of `message`: what is wrong, one by one. */
  readonly list: readonly string[];

  constructor(message: string, options: { cause?: unknown; hint?: string; list?: readonly string[] } = {}) {
    const { cause, hint, list = [] } = options;
    super([message, ...list, ...(hint === undefined ? [] : [hint])].join('\n  '), { cause });
    this.hint = hint;
    this.list = list;
  }
}

/** Shapes that do not fit together, or an axis outside its tensor. */
export class ShapeError extends QuernError {
  override readonly name = 'ShapeError';
}

/** A dtype that an op does not take. */
export class DtypeError extends QuernError {
  override readonly name = 'DtypeError';
}

/** A graph that has no gradient, or a gradient asked of something that has none. */
export class GradientError extends QuernError {
  override readonly name = 'GradientError';
}

/** A step that cannot be planned, or feeds that do not fit a plan. */
export class PlanError extends QuernError {
  override readonly name = 'PlanError';
}

/** A backend that cannot be opened, prepared or run. */
export class BackendError extends QuernError {
  override readonly name = 'BackendError';
}

/** A file, archive, image or dataset that is not what it should be. */
export class DataError extends QuernError {
  override readonly name = 'DataError';
}

/** A model, checkpoint or run folder that cannot be read, written or matched. */
export class ModelError extends QuernError {
  override readonly name = 'ModelError';
}

/** A training that cannot go on: the loss or a weight is no finite number. */
export class TrainingError extends QuernError {
  override readonly name = 'TrainingError';
}

/** An option or argument outside its range, at the command line or in the library. */
export class UsageError extends QuernError {
  override readonly name = 'UsageError';
}

/** Returns the message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The first line of it: without the hint. */
export function sentenceOf(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] ?? '';
}

/** Likewise, with that of its cause where the message does not have it already. */
export function sentencesOf(error: unknown): string {
  const own = sentenceOf(error);
  const cause = error instanceof Error && error.cause !== undefined ? sentenceOf(error.cause) : '';
  return own.includes(cause) ? own : `${own} (${cause})`;
}

/** The system's reason in a few words, for a message that names the path itself: `ENOTDIR: not a directory`. */
export function reasonOf(error: unknown): string {
  // Node appends the call, and the path where it has one
  return messageOf(error)
    .replace(/, \w+ '.*$/s, '')
    .replace(/^(E[A-Z0-9]+: .*), \w+$/, '$1');
}

const schemeForm = /^[a-z][a-z\d+.-]*:\/\//i;

/**
 * The parts of an address; undefined for what is none, or has an `@` behind its server: a password with an unescaped `/`, `?` or
 * `#` ends the server's name too early.
 */
export function properAddress(text: string): URL | undefined {
  if (!schemeForm.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return `${url.pathname}${url.search}${url.hash}`.includes('@') ? undefined : url;
}

/** What no port is, behind a colon, may be a password. */
const withoutWords = (text: string) => text.replace(/[?#].*$/s, '').replace(/:(?!\d{1,5}(\/|$)).*$/s, ':***');

/**
 * An address without what must not be seen: user and password, and options, which may hold a password too. Of what is no proper
 * address nothing before its last `@` is shown but the scheme.
 */
export function withoutSecrets(text: string): string {
  if (properAddress(text) !== undefined) return text.replace(/:\/\/[^/?#]*@/, '://').replace(/[?#].*$/s, '');
  const [scheme = ''] = schemeForm.exec(text) ?? [];
  const rest = text.slice(scheme.length);
  const last = rest.lastIndexOf('@');
  if (last < 0) return scheme + withoutWords(rest);
  // an `@` in an option may be of a password
  const hidden = /[?#]/.test(rest.slice(0, last));
  return `${scheme}***${hidden ? '' : `@${withoutWords(rest.slice(last + 1))}`}`;
}
