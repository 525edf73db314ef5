import { open } from 'node:fs/promises';
import { syncFile } from '../../../core/files.js';
import { at } from '../../../core/lists.js';
import { makeWhole } from '../../../data/catalog/partial.js';
import { Reading } from '../../../data/user/reading.js';
import { type ImageStream, type NamedImage, openUserImages } from '../../../data/user/userImages.js';
import type { Preparation } from '../../../queue/job.js';
import type { ModelFile } from '../../../training/files/modelFile.js';
import { openModel } from '../../../training/files/savedModel.js';
import type { TrainedModel } from '../../../training/files/trainedModel.js';
import { checkFinite, checkProbabilities } from '../../../training/files/weights.js';
import { silent } from '../../inputs/datasets.js';
import { shapeOf } from '../../inputs/modelImages.js';
import { openChosenEngine } from '../../inputs/openers.js';
import type { BackendArguments, ForeignArguments } from '../../inputs/options.js';
import { checkNewFile } from '../../inputs/outputs.js';
import { isKnown, optionName, preparationOfRun, sourceOptionsOf } from '../../inputs/ownData.js';
import { type ImportArguments, readModel } from '../../inputs/ownRecipe.js';
import { grouped } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { complain, print } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { backendText } from '../../terminal/results.js';
import { csvForm, type Prediction, predictionLine, predictionText } from './text.js';

export interface PredictArguments extends BackendArguments, ImportArguments, ForeignArguments, Preparation {
  readonly model: string;
  readonly image: readonly string[];
  readonly out?: string | undefined;
  readonly columns?: string | undefined;
  readonly top?: number | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Images that a model is given at once. */
const batchSize = 250;
/** So many pictures are shown with all classes; more in a line each. */
const shownWhole = 16;
/** So many pictures are named in a warning. */
const named = 3;

const warn = (text: string) => complain(`quern: ${text}`);

/** Reads images as the options say, or as the run of the model was told. */
async function openReading(file: ModelFile, options: PredictArguments, progress: Progress): Promise<Reading> {
  const { merged, taken, likely } = await preparationOfRun(file.path, options, false);
  const note = (text: string) => {
    progress.clear();
    warn(text);
  };
  if (taken.length > 0) note(`pictures are read as in the training: ${taken.join(', ')}`);
  return new Reading(sourceOptionsOf(merged), { note, nameOf: optionName, likelyRange: likely });
}

/** All images of all paths, in batches. */
async function* batchesOf(streams: readonly ImageStream[]): AsyncGenerator<NamedImage[]> {
  let batch: NamedImage[] = [];
  for (const { images } of streams) {
    for await (const image of images) {
      batch.push(image);
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** Predicts the classes of a batch. */
async function predictBatch(
  trained: TrainedModel,
  batch: readonly NamedImage[],
  { known, model }: { readonly known: boolean; readonly model: string },
  signal: AbortSignal,
): Promise<Prediction[]> {
  const { classes } = trained.details;
  const size = at(batch, 0).pixels.length;
  const pixels = new Uint8Array(batch.length * size);
  for (const [i, image] of batch.entries()) pixels.set(image.pixels, i * size);
  const rows = (await trained.predict(pixels, { signal })).data;
  checkProbabilities(rows, model);
  return batch.map(({ name, inverted }, i): Prediction => {
    const probabilities = [...rows.subarray(i * classes.length, (i + 1) * classes.length)];
    const best = probabilities.indexOf(Math.max(...probabilities));
    // what pictures of one's own are like, a model that was trained on them knows
    return { image: name, class: at(classes, best), inverted: known && inverted, probabilities };
  });
}

/** Counts pictures that look unlike what the model knows, and says so at the end. */
class InvertedOnes {
  private readonly names: string[] = [];
  private count = 0;

  add({ image, inverted }: Prediction): void {
    if (!inverted) return;
    this.count++;
    if (this.names.length < named) this.names.push(image);
  }

  say(all: number): void {
    if (this.count === 0) return;
    const who =
      this.count <= named
        ? this.names.join(', ')
        : `${grouped(this.count)} of ${grouped(all)} images, such as ${this.names[0]}`;
    warn(
      `${who}: dark on bright, it seems; the model was trained on bright on dark, so --invert, or invert the picture`,
    );
  }
}

/** Where predictions go, one by one. */
interface Sink {
  readonly write: (predictions: readonly Prediction[]) => Promise<void>;
  /** After the last. */
  readonly end: () => void;
}

/** For people: all classes of few pictures, a line for each of many. */
function textSink(count: number, classes: readonly string[], top: number | undefined, backend: string): Sink {
  const whole = count <= shownWhole && top === undefined;
  return {
    write: async (predictions) => {
      for (const prediction of predictions) {
        print(
          whole ? `${predictionText(prediction, classes)}\n` : predictionLine(prediction, classes, top ?? 1),
        );
      }
    },
    end: () => print(`${whole ? '' : '\n'}backend ${backend}`),
  };
}

interface Output {
  readonly sink: Sink;
  readonly reading: Reading;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Runs all images through a model, batch by batch. Gives their number. */
async function predictAll(
  options: PredictArguments,
  streams: readonly ImageStream[],
  trained: TrainedModel,
  { sink, reading, progress, signal }: Output,
): Promise<number> {
  const known = isKnown(trained.details.dataset);
  const total = streams.reduce((sum, { count }) => sum + count, 0);
  const inverted = new InvertedOnes();
  let done = 0;
  for await (const batch of batchesOf(streams)) {
    signal.throwIfAborted();
    const predictions = await predictBatch(trained, batch, { known, model: options.model }, signal);
    for (const prediction of predictions) inverted.add(prediction);
    progress.clear();
    await sink.write(predictions);
    done += batch.length;
    progress.show('predict', done, total, `${grouped(done)} of ${grouped(total)} images`);
  }
  progress.clear();
  inverted.say(done);
  reading.settleBad(options.image.length === 1 ? at(options.image, 0) : `${options.image.length} paths`);
  return done;
}

async function predict(options: PredictArguments, progress: Progress, signal: AbortSignal): Promise<void> {
  const { out, columns, top, json } = options;
  const file = await readModel(options.model, options);
  checkFinite(file.tensors, file.path);
  const { classes } = file.details;
  const csv = csvForm(columns, top ?? 1, classes);
  const reading = await openReading(file, options, progress);
  const shape = shapeOf(file);
  const streams: ImageStream[] = [];
  for (const path of options.image) streams.push(await openUserImages(path, shape, reading));
  if (out !== undefined) {
    const read = [
      file.path,
      ...(options.import === undefined ? [] : [options.import]),
      ...streams.flatMap(({ files }) => files),
    ];
    await checkNewFile(out, read);
  }
  await using engine = await openChosenEngine(options, silent);
  const trained = await openModel(engine, file);
  const run = (sink: Sink) => predictAll(options, streams, trained, { sink, reading, progress, signal });
  if (out !== undefined) {
    const count = await makeWhole(out, (partial) => writeCsv(partial, csv, run));
    if (json) print(JSON.stringify({ model: options.model, ...engine.report, classes, count, out }));
    else print(`${out}: ${grouped(count)} images\nbackend ${backendText(engine.report)}`);
    return;
  }
  if (json) {
    const predictions: Prediction[] = [];
    await run({ write: async (more) => void predictions.push(...more), end: () => {} });
    print(JSON.stringify({ model: options.model, ...engine.report, classes, predictions }));
    return;
  }
  if (columns !== undefined) {
    print(csv.header.trimEnd());
    await run({
      write: async (more) => void print(more.map(csv.line).join('').trimEnd()),
      end: () => {},
    });
    return;
  }
  const total = streams.reduce((sum, { count }) => sum + count, 0);
  const sink = textSink(total, classes, top, backendText(engine.report));
  await run(sink);
  sink.end();
}

type Run = (sink: Sink) => Promise<number>;

/** A line for every image, written as they come. */
async function writeCsv(path: string, csv: ReturnType<typeof csvForm>, run: Run): Promise<number> {
  const file = await open(path, 'a');
  try {
    await file.write(csv.header);
    const count = await run({
      write: async (predictions) => void (await file.write(predictions.map(csv.line).join(''))),
      end: () => {},
    });
    await syncFile(file);
    return count;
  } finally {
    await file.close();
  }
}

/** Tells the classes of pictures. */
export async function runPrediction(options: PredictArguments): Promise<void> {
  const progress = await Progress.open(options.quiet || options.json);
  try {
    await interruptible((signal) => predict(options, progress, signal));
  } finally {
    progress.clear();
  }
}
