/** Shows the progress of a training on stderr. */
import type { GenericFormatter, SingleBar } from 'cli-progress';
import type { EpochRecord, FitProgress } from '../../training/fit/options.js';
import { clock, decimals, grouped, percent, seconds } from './format.js';
import { complain, oneLine } from './output.js';

/** One line for an epoch that is done. */
export function epochLine(record: EpochRecord, epochs: number): string {
  const { validationLoss, validationAccuracy } = record;
  const parts = [
    `epoch ${record.epoch}/${epochs}`,
    `loss ${decimals(record.loss)}`,
    `accuracy ${percent(record.accuracy)}`,
  ];
  if (validationLoss !== undefined) parts.push(`validation loss ${decimals(validationLoss)}`);
  if (validationAccuracy !== undefined) parts.push(`validation accuracy ${percent(validationAccuracy)}`);
  parts.push(`${grouped(record.imagesPerSecond)} images/s`, seconds(record.seconds));
  return parts.join(' | ');
}

/** The text beside the bar. */
export function progressText({ loss, accuracy, imagesPerSecond, secondsLeft }: FitProgress): string {
  return [
    `loss ${decimals(loss)}`,
    `accuracy ${percent(accuracy)}`,
    `${grouped(imagesPerSecond)} images/s`,
    `${clock(secondsLeft)} left`,
  ].join(' | ');
}

/** The empty string counts as not set: https://no-color.org */
const color = (text: string) => (process.env.NO_COLOR ? text : `\u001b[36m${text}\u001b[39m`);

const longestBar = 40;
/** A shorter one is left out. */
const shortestBar = 5;

/**
 * A bar with what stands beside it, in a line that fits: where there is little room, first the bar gets shorter, then words
 * are shortened, then facts are left out, the first ones first.
 *
 * @param share of the work that is done, 0 to 1
 * @param text facts with ` | ` between them
 * @param width columns of the terminal
 * @param paint colors the bar
 */
export function barLine(
  { title, share, text }: { readonly title: string; readonly share: number; readonly text: string },
  width: number,
  paint: (bar: string) => string = color,
): string {
  const done = `${Math.floor(100 * share)}%`;
  const bar = (size: number) => {
    const full = Math.round(share * size);
    return paint('█'.repeat(full) + '░'.repeat(size - full));
  };
  const close = text.replaceAll(' | ', '  ');
  for (const after of [`${done} | ${text}`, `${done}  ${close}`]) {
    const room = width - title.length - after.length - 2;
    if (room >= shortestBar) return `${title} ${bar(Math.min(room, longestBar))} ${after}`;
  }
  const short = close.replace('accuracy', 'acc').replace(' images/s', '/s');
  const facts = short.split('  ');
  const lines = [
    `${title} ${done}  ${close}`,
    ...facts.map((_, i) => `${title} ${done}  ${facts.slice(i).join('  ')}`),
  ];
  return lines.find(({ length }) => length <= width) ?? `${title} ${done}`.slice(0, width);
}

type ProgressStyle = 'bar' | 'lines' | 'quiet';

/** A bar where stderr is a terminal, else a line per epoch, or nothing. */
export class Progress {
  private bar: SingleBar | undefined;

  private constructor(
    private readonly style: ProgressStyle,
    private readonly makeBar: (() => SingleBar) | undefined,
  ) {}

  static async open(quiet: boolean): Promise<Progress> {
    if (quiet) return new Progress('quiet', undefined);
    if (!process.stderr.isTTY) return new Progress('lines', undefined);
    const { default: cliProgress } = await import('cli-progress');
    const { stderr } = process;
    const format: GenericFormatter = (_, { progress: share }, { title, text }) =>
      // the last column stays free: some terminals wrap when it is written to
      barLine({ title, share, text }, (stderr.columns || 80) - 1);
    const makeBar = () =>
      new cliProgress.SingleBar(
        { format, clearOnComplete: true, hideCursor: true, stream: stderr },
        cliProgress.Presets.shades_classic,
      );
    const progress = new Progress('bar', makeBar);
    // A bar changes the terminal's cursor and line wrapping, whatever ends the process.
    process.once('exit', () => progress.clear());
    return progress;
  }

  /** One line that stays. */
  note(text: string): void {
    this.clear();
    if (this.style !== 'quiet') complain(text);
  }

  /** Steps of an epoch. */
  fit(progress: FitProgress): void {
    const { epoch, epochs, step, steps } = progress;
    this.show(`epoch ${epoch}/${epochs}`, step, steps, progressText(progress));
  }

  epoch(record: EpochRecord, epochs: number): void {
    this.note(epochLine(record, epochs));
  }

  /** Some other work, with its parts that are done. */
  show(given: string, done: number, total: number, facts: string): void {
    if (this.makeBar === undefined) return;
    const [title, text] = [oneLine(given), oneLine(facts)];
    if (this.bar === undefined) {
      this.bar = this.makeBar();
      this.bar.start(total, done, { title, text });
      return;
    }
    this.bar.setTotal(total);
    this.bar.update(done, { title, text });
  }

  /** Takes the bar away. */
  clear(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
