import { looksInverted, readImage } from '../../../data/images/images.js';
import { openModel } from '../../../training/files/savedModel.js';
import { checkFinite, checkProbabilities } from '../../../training/files/weights.js';
import { shapeOf } from '../../inputs/modelImages.js';
import { openChosenEngine, silent } from '../../inputs/openers.js';
import type { BackendArguments } from '../../inputs/options.js';
import { isKnown } from '../../inputs/ownData.js';
import { type ImportArguments, readModel } from '../../inputs/ownRecipe.js';
import { percent } from '../../terminal/format.js';
import { complain, oneLine, print } from '../../terminal/output.js';
import { backendText } from '../../terminal/results.js';

export interface PredictArguments extends BackendArguments, ImportArguments {
  readonly model: string;
  readonly image: readonly string[];
  readonly json: boolean;
}

interface Prediction {
  readonly image: string;
  /** Name of the most probable class. */
  readonly class: string;
  readonly inverted: boolean;
  /** In the order of the classes. */
  readonly probabilities: readonly number[];
}

function predictionText({ image, probabilities }: Prediction, classes: readonly string[]): string {
  const names = classes.map(oneLine);
  const width = Math.max(...names.map((name) => name.length));
  const best = Math.max(...probabilities);
  const lines = names.map((name, i) => {
    const share = percent(probabilities[i]!).padStart(7);
    return `  ${name.padEnd(width)} ${share}${probabilities[i] === best ? '  <' : ''}`;
  });
  return [oneLine(image), ...lines].join('\n');
}

/** Tells the classes of PNG pictures. */
export async function runPrediction(options: PredictArguments): Promise<void> {
  const file = await readModel(options.model, options);
  checkFinite(file.tensors, file.path);
  const { classes } = file.details;
  const shape = shapeOf(file);
  const images = await Promise.all(options.image.map((path) => readImage(path, shape)));
  // what pictures of one's own are like, a model that was trained on them knows
  const known = isKnown(file.details.dataset);
  const inverted = images.map((image) => known && looksInverted(image));
  options.image.forEach((path, i) => {
    if (!inverted[i]) return;
    complain(
      `quern: ${path}: dark on bright, it seems; the model was trained on bright on dark, so invert the picture`,
    );
  });
  await using engine = await openChosenEngine(options, silent);
  const trained = await openModel(engine, file);
  const pixels = new Uint8Array(images.flatMap((image) => [...image.pixels]));
  const rows = (await trained.predict(pixels)).data;
  checkProbabilities(rows, file.path);
  const predictions = options.image.map((image, i): Prediction => {
    const probabilities = [...rows.subarray(i * classes.length, (i + 1) * classes.length)];
    const best = probabilities.indexOf(Math.max(...probabilities));
    return { image, class: classes[best]!, inverted: inverted[i]!, probabilities };
  });
  if (options.json) {
    print(JSON.stringify({ model: options.model, ...engine.report, classes, predictions }));
    return;
  }
  const texts = predictions.map((prediction) => predictionText(prediction, classes));
  print([...texts, `backend ${backendText(engine.report)}`].join('\n\n'));
}
