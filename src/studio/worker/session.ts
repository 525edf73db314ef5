/** One training of the page: begun, paused, gone on with, looked at. */
import {
  type Callback,
  type Checkpoint,
  type Dataset,
  type Engine,
  fit,
  type Model,
  TrainedModel,
  type Training,
} from '../../browser.js';
import type { DataState, Finished } from '../shared/messages.js';
import { tell } from '../shared/rpc.js';
import type { Settings } from '../shared/settings.js';
import { type Opened, openFor } from './engine.js';
import { judge } from './judge.js';
import { Looking } from './looking.js';
import { fitOptionsOf, limited, modelOf, recipeOf } from './prepare.js';
import { readState, saveState } from './states.js';

export interface Parts {
  readonly train: Dataset;
  readonly test: Dataset;
  readonly validation?: Dataset;
}

/** Images that are looked at after an epoch; at the end, all are. */
const mostWithin = 2000;
const everySeconds = 3;

export const dataStateOf = ({ train, test }: Parts): DataState => ({
  name: train.name,
  shape: train.shape,
  classes: train.classes,
  train: train.count,
  test: test.count,
});

interface Made {
  readonly id: string;
  readonly settings: Settings;
  readonly data: Parts;
  readonly trained: TrainedModel;
  readonly opened: Opened;
  readonly options: ReturnType<typeof fitOptionsOf>;
}

/** A run of the page with its engine. Made by `Session.open`. */
export class Session {
  private abort: AbortController | undefined;
  readonly looking: Looking;

  readonly id: string;
  readonly settings: Settings;
  readonly data: Parts;
  readonly trained: TrainedModel;
  private readonly opened: Opened;
  private readonly options: ReturnType<typeof fitOptionsOf>;

  private constructor(made: Made) {
    ({
      id: this.id,
      settings: this.settings,
      data: this.data,
      trained: this.trained,
      opened: this.opened,
      options: this.options,
    } = made);
    const { engine, model, details } = this.trained;
    this.looking = new Looking(engine, model, details.normalization);
  }

  static async open(id: string, settings: Settings, data: Parts): Promise<Session> {
    const recipe = await recipeOf(settings);
    const options = fitOptionsOf(recipe, settings);
    const kept: Parts = { ...data, train: limited(data.train, settings), test: limited(data.test, settings) };
    const model = modelOf(recipe, settings, kept.train);
    const opened = await openFor(settings);
    const trained = new TrainedModel(opened.engine, model, {
      classes: kept.train.classes,
      normalization: options.normalization,
      dataset: kept.train.name,
      recipe: recipe.name,
      numerics: opened.engine.report.numerics,
      ...(options.weightAveraging !== undefined && { weightAveraging: options.weightAveraging }),
    });
    return new Session({ id, settings, data: kept, trained, opened, options });
  }

  get engine(): Engine {
    return this.opened.engine;
  }

  get model(): Model {
    return this.trained.model;
  }

  /** Ends what is running after the step that it is at. */
  pause(): void {
    this.abort?.abort(new Error('paused'));
  }

  /** Gives the model the weights of a stored state, to look at. */
  async show({ tensors }: Checkpoint): Promise<void> {
    for (const leaf of [...this.model.parameters, ...this.model.states]) {
      const stored = tensors.get(`averages/${leaf.name}`) ?? tensors.get(`weights/${leaf.name}`);
      if (stored !== undefined) await this.engine.write(leaf, stored.data as Float32Array);
    }
  }

  /**
   * Trains until all is done or `pause` is called.
   *
   * @param resume goes on from the stored state, if there is one
   * @param single ends after one step
   */
  async train(resume: boolean, single: boolean): Promise<Finished> {
    const { engine, model, options, data } = this;
    const stored = resume ? await readState(this.id) : undefined;
    const abort = new AbortController();
    this.abort = abort;
    const run = await fit(engine, model, data.train, {
      ...options,
      validation: options.validation ?? data.validation,
      signal: abort.signal,
      checkpoint: { save: (checkpoint) => saveState(this.id, checkpoint), everySeconds },
      callbacks: [this.watching(abort.signal, single)],
      onWarning: (text) => tell({ kind: 'note', text }),
      ...(stored !== undefined && { resume: stored }),
      ...(single && { stepsPerRun: 1 }),
    });
    this.abort = undefined;
    const { ending, steps, seconds } = run;
    const found: Finished = { ending, steps, seconds, weightsSha256: await run.weightsSha256() };
    if (ending === 'interrupted' || ending === 'paused') return found;
    const { accuracy, loss, interval } = await run.evaluate(data.test);
    await this.judge(model, data.test.count, new AbortController().signal);
    return { ...found, test: { accuracy, loss, interval } };
  }

  private watching(signal: AbortSignal, single: boolean): Callback {
    const began = (training: Training) =>
      tell({
        kind: 'began',
        backend: this.opened.state,
        data: dataStateOf(this.data),
        steps: training.epochs * training.stepsPerEpoch,
      });
    return {
      onBegin: began,
      onProgress: (progress, training) => {
        tell({ kind: 'progress', progress, totalSteps: training.steps });
        if (single) training.stop('paused');
      },
      onEpoch: async (record, training) => {
        tell({ kind: 'epoch', record });
        await this.judge(training.validated, mostWithin, signal);
      },
    };
  }

  /** Held-out images where a part of the data is; a fraction of the training images is not looked at one by one. */
  private judge(model: Model, most: number, signal: AbortSignal): Promise<void> {
    const { validation, test } = this.data;
    const { engine, options } = this;
    return judge({
      ...{ engine, model, normalization: options.normalization, most, signal },
      ...(validation === undefined
        ? { dataset: test, of: 'test' }
        : { dataset: validation, of: 'validation' }),
    });
  }

  async close(): Promise<void> {
    this.pause();
    await this.engine.close();
  }
}
