import { inspect } from '../../core/format.js';
import type { Dataset } from '../../data/dataset.js';
import type { Ending } from '../callbacks/callback.js';
import { TrainedModel } from '../files/trainedModel.js';
import type { EpochRecord } from './options.js';

/** How a training came about. */
interface RunDetails {
  /** One record per whole epoch, those before a resume included. */
  readonly history: readonly EpochRecord[];
  /** The images trained on, without those held out. */
  readonly train: Dataset;
  /** Number of steps that were done, over all parts of the training. */
  readonly steps: number;
  /** Seconds that they took, validation included. */
  readonly seconds: number;
  readonly ending: Ending;
}

/** The result of `fit`: the trained model and its history. */
export class Run extends TrainedModel implements RunDetails {
  readonly history: readonly EpochRecord[];
  readonly train: Dataset;
  readonly steps: number;
  readonly seconds: number;
  readonly ending: Ending;

  constructor({ engine, model, details }: TrainedModel, run: RunDetails) {
    super(engine, model, details);
    this.history = run.history;
    this.train = run.train;
    this.steps = run.steps;
    this.seconds = run.seconds;
    this.ending = run.ending;
  }

  /** A line for the training and one for each epoch, as `console.log` shows it; of many epochs the last ones. */
  override [inspect](): string {
    const shown = this.history
      .slice(-20)
      .map(({ epoch, loss, accuracy, validationAccuracy }) =>
        [
          `\n  epoch ${epoch}: loss ${loss.toFixed(4)}, accuracy ${(100 * accuracy).toFixed(2)}%`,
          validationAccuracy === undefined ? '' : `, validation ${(100 * validationAccuracy).toFixed(2)}%`,
        ].join(''),
      );
    return `Run(${this.described()}, ${this.steps} steps, ${this.ending})${shown.join('')}`;
  }

  /** Tells whether the signal ended the training before its time. */
  get interrupted(): boolean {
    return this.ending === 'interrupted';
  }
}
