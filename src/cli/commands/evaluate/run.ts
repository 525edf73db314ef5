import type { Dataset } from '../../../data/dataset.js';
import type { Engine } from '../../../engine/engine.js';
import { confusionRows } from '../../../report/metrics/confusion.js';
import { mcnemar } from '../../../report/metrics/mcnemar.js';
import { type Measures, measurePredictions } from '../../../report/metrics/measures.js';
import { type Predictions, rightOnes } from '../../../report/metrics/predictions.js';
import { measureRobustness, type Robustness } from '../../../report/metrics/robustness.js';
import type { ModelFile } from '../../../training/files/modelFile.js';
import { openModel } from '../../../training/files/savedModel.js';
import type { TrainedModel } from '../../../training/files/trainedModel.js';
import { checkFinite, checkProbabilities } from '../../../training/files/weights.js';
import type { Evaluation } from '../../../training/inference/inference.js';
import { silent } from '../../inputs/datasets.js';
import { type MeasuredSplit, openImagesFor, withClassesOf } from '../../inputs/modelImages.js';
import { isImported } from '../../inputs/models.js';
import { openChosenEngine } from '../../inputs/openers.js';
import type {
  BackendArguments,
  DataArguments,
  ForeignArguments,
  OwnDataArguments,
} from '../../inputs/options.js';
import { type ImportArguments, readModel } from '../../inputs/ownRecipe.js';
import { interruptible } from '../../terminal/interrupt.js';
import { complain, print } from '../../terminal/output.js';
import { backendText, evaluationText } from '../../terminal/results.js';
import { classText, comparisonText, confusionText, probabilityText, robustnessText } from './text.js';

export interface EvaluateArguments
  extends BackendArguments,
    DataArguments,
    ImportArguments,
    ForeignArguments,
    Omit<OwnDataArguments, 'imageShape'> {
  readonly model: string;
  readonly dataset?: string | undefined;
  readonly split?: MeasuredSplit | undefined;
  readonly limit?: number | undefined;
  readonly details: boolean;
  readonly compare?: string | undefined;
  readonly robustness: boolean;
  readonly json: boolean;
}

/** One model on the images. Predictions are there where more than loss and accuracy is wanted. */
interface Measured {
  readonly trained: TrainedModel;
  readonly evaluation: Evaluation;
  readonly predictions: Predictions | undefined;
}

async function measureModel(
  engine: Engine,
  file: ModelFile,
  images: Dataset,
  { wholly, signal }: { wholly: boolean; signal: AbortSignal },
): Promise<Measured> {
  checkFinite(file.tensors, file.path);
  const trained = await openModel(engine, file);
  const evaluation = await trained.evaluate(images, { signal });
  if (!wholly) return { trained, evaluation, predictions: undefined };
  const { data } = await trained.predict(images.images, { signal });
  checkProbabilities(data, file.path);
  const { labels, classes } = images;
  return { trained, evaluation, predictions: { probabilities: data, labels, classes } };
}

const warn = (text: string) => complain(`quern: ${text}`);

function checkNumerics(engine: Engine, file: ModelFile): void {
  const { details } = file;
  const { numerics } = engine.report;
  if (numerics === details.numerics || isImported(file)) return;
  complain(`quern: trained with ${details.numerics}, measured with ${numerics}: results may differ a little`);
}

/** The other model on the same images. */
async function compareModels(
  engine: Engine,
  options: EvaluateArguments,
  images: Dataset,
  { first, signal }: { first: Measured; signal: AbortSignal },
) {
  const other = await readModel(options.compare!, options);
  checkNumerics(engine, other);
  // by name, where the two models know the same classes in another order
  const second = await measureModel(engine, other, withClassesOf(other, images, warn), {
    wholly: true,
    signal,
  });
  const test = mcnemar(rightOnes(first.predictions!), rightOnes(second.predictions!));
  return {
    model: options.compare!,
    weightsSha256: await second.trained.weightsSha256(),
    evaluation: second.evaluation,
    test,
  };
}

/** For JSON: the confusion matrix as lists. */
function plainMeasures({ confusion, ...others }: Measures) {
  const { count: _count, correct: _correct, accuracy: _accuracy, interval: _interval, ...measures } = others;
  return { ...measures, confusion: confusionRows(confusion) };
}

async function evaluateModel(options: EvaluateArguments, signal: AbortSignal): Promise<void> {
  const { model, compare, json } = options;
  const file = await readModel(model, options);
  const images = await openImagesFor(file, { ...options, signal }, silent, warn);
  const dataset = images.name;
  const split = options.split === 'all' ? 'all' : images.split;
  await using engine = await openChosenEngine(options, silent);
  const { report } = engine;
  checkNumerics(engine, file);
  const wholly = json || options.details || compare !== undefined;
  const found = await measureModel(engine, file, images, { wholly, signal });
  const { trained, evaluation, predictions } = found;
  const measures = predictions && measurePredictions(predictions);
  const comparison =
    compare === undefined
      ? undefined
      : await compareModels(engine, options, images, { first: found, signal });
  let robustness: Robustness[] | undefined;
  if (options.robustness) robustness = await measureRobustness(trained, images, { signal });
  const { loss, accuracy, correct, count, interval } = evaluation;
  if (json) {
    const weightsSha256 = await trained.weightsSha256();
    const measured = { accuracy, loss, correct, count, interval, weightsSha256, ...plainMeasures(measures!) };
    print(JSON.stringify({ model, dataset, split, ...report, ...measured, comparison, robustness }));
    return;
  }
  const parts = [
    `${dataset} ${split}: ${correct} of ${count} right, ${evaluationText(evaluation)}\nbackend ${backendText(report)}`,
  ];
  if (options.details) parts.push(classText(measures!), confusionText(measures!), probabilityText(measures!));
  if (comparison !== undefined) {
    parts.push(comparisonText(comparison.model, comparison.evaluation.accuracy, comparison.test));
  }
  if (robustness !== undefined) parts.push(robustnessText(accuracy, robustness));
  print(parts.join('\n\n'));
}

/** Measures a saved model on a dataset. */
export function runEvaluation(options: EvaluateArguments): Promise<void> {
  return interruptible((signal) => evaluateModel(options, signal));
}
