/** Common parts of reading data of one's own: guesses are said, bad parts are collected, options go by their names. */
import { DataError } from '../../core/errors.js';
import { at } from '../../core/lists.js';
import type { ImageShape } from '../images/picture.js';
import type { Preparation } from '../images/prepare.js';

/** Facts told about data, where it does not tell itself. */
export interface SourceOptions extends Preparation {
  /** Height, width and channels (1 or 3) that images are brought to. Default: those of the data, or of its first picture. */
  readonly shape?: ImageShape | undefined;
  /** Height, width and channels of images that are stored as flat lists of pixels. Default: `shape` if it fits, or a square. */
  readonly storedShape?: ImageShape | undefined;
  /**
   * The column of labels of a CSV file: its name, or its number from 1. Default: the one that is called so, or that alone
   * cannot be pixels, else the first.
   */
  readonly label?: string | number | undefined;
  /**
   * The numbers that are black and white. Default: what the numbers themselves tell (0 and 1, 0 to 16, 0 to 255, 0 to
   * 65535, fractions from 0 to 1, …).
   */
  readonly pixelRange?: readonly [black: number, white: number] | undefined;
  /** Leave out pictures and lines that cannot be read, and name them. Default: false, they are an error. */
  readonly skipBad?: boolean | undefined;
}

type SourceOption = keyof SourceOptions;

/** More are counted, not named: nobody reads them. */
const mostLeftOut = 1000;
const mostRefused = 20;

/** How a reading talks, and what it may lean on. */
interface ReadingContext {
  /** Is told what was taken, a line each. */
  readonly note?: (text: string) => void;
  /** How the user writes an option: `the option label`, or `--label`. */
  readonly nameOf?: (option: SourceOption) => string;
  /** The black and white of data of the same kind: taken where the numbers lie between them. */
  readonly likelyRange?: readonly [black: number, white: number] | undefined;
  /** Makes the error for a class that is none of those given. */
  readonly unknownClass?: ((label: string, dataset: string) => Error) | undefined;
}

/** One reading of one source. */
export class Reading {
  /** The parts that could not be read, each with its place. */
  readonly bad: string[] = [];
  /** The values taken for black and white. */
  scale: readonly [black: number, white: number] | undefined;
  readonly note: (text: string) => void;
  readonly nameOf: (option: SourceOption) => string;

  constructor(
    readonly options: SourceOptions,
    readonly context: ReadingContext = {},
  ) {
    this.note = context.note ?? (() => {});
    this.nameOf = context.nameOf ?? ((option) => `the option ${option}`);
  }

  /** The same, for looking at something that may not be taken. */
  silent(): Reading {
    return new Reading(this.options, { nameOf: this.nameOf });
  }

  /** The forms that a flat list of pixels may have. */
  get shapes(): readonly (ImageShape | undefined)[] {
    return [this.options.storedShape, this.options.shape];
  }

  /** Keeps what is wrong with one picture or line, so that all of them can be named at once. */
  addBad(error: unknown): void {
    if (!(error instanceof DataError)) throw error;
    const { message, hint } = error;
    const sentence = hint === undefined ? message : message.slice(0, -`\n  ${hint}`.length);
    // a line each, also of a name with line breaks
    this.bad.push(sentence.replaceAll('\n', '\\u000a'));
    if (hint !== undefined) this.hint ??= hint;
  }

  private hint: string | undefined;

  /** What could not be read, at most so many lines of it. */
  private named(most: number): string[] {
    const { length } = this.bad;
    const named = this.bad.slice(0, most);
    if (length > most) named.push(`and ${length - most} more`);
    return named;
  }

  /** Says what was left out, or throws DataError naming it. */
  settleBad(where: string): void {
    const { length } = this.bad;
    if (length === 0) return;
    const skip = this.nameOf('skipBad');
    if (this.options.skipBad) {
      const named = this.named(mostLeftOut).join('\n  ');
      this.note(`${where}: left out, for they cannot be read: ${length}\n  ${named}`);
      this.bad.length = 0;
      return;
    }
    if (length === 1) throw new DataError(at(this.bad, 0), { hint: this.hint ?? `${skip} leaves it out.` });
    throw new DataError(`${where}: ${length} cannot be read:`, {
      list: this.named(mostRefused),
      hint: `${skip} leaves them out.`,
    });
  }
}
