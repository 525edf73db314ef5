/**
 * Where text leaves for the terminal. Names of classes, recipes and files are others' text: what a terminal would obey, or what
 * hides or turns around what stands beside it, is shown as an escape.
 */

/** Control and format characters, line separators and lone surrogates, but those that lay out text or join letters. */
const unseen = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const escaped = (text: string) =>
  [...Array(text.length).keys()]
    .map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`)
    .join('');

/** Text with what is unseen in it as `\u001b`. In JSON that is the same text. */
export const visible = (text: string): string => text.replace(unseen, escaped);

/** Likewise, in one line: for a name inside other text. */
export const oneLine = (text: string): string => visible(text).replace(/[\n\t]/g, escaped);

/** Prints a result on stdout, ending its line. */
export function print(text: string): void {
  console.log(visible(text));
}

/** Prints anything else on stderr, ending its line. */
export function complain(text: string): void {
  console.error(visible(text));
}

let guarded = false;

/**
 * A reader that has gone ends the output quietly. A result that cannot be written is a fault; a line about progress that
 * cannot be written costs nothing. Asked twice, it does so once.
 */
export function guardStreams(): void {
  if (guarded) return;
  guarded = true;
  let lost = false;
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || lost) return;
    lost = true;
    complain(`quern: the output cannot be written: ${message}`);
    process.once('exit', (exitCode) => {
      if (exitCode === 0) process.exitCode = 1;
    });
  });
  process.stderr.on('error', () => {});
}
